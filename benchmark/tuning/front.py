"""Accuracy and cost of a search: the configurations that no other beats in both, and the methods that vary in cost."""

from __future__ import annotations

from collections.abc import Sequence

from lnlbench.benchmark.tuning.budget import Budget, TuneError
from lnlbench.benchmark.tuning.outcome import FinishedTrial, Outcome
from lnlbench.benchmark.tuning.search_spec import SearchSpec
from lnlbench.benchmark.tuning.space import values_text
from lnlbench.leaderboard.results.markdown import table
from lnlbench.methods._registry import methods

FRONT = "pareto.svg"
"""The file of a search with Optuna's plot of its front."""
PLAIN = 2.0
"""Passes of each sample in an epoch of cross-entropy: one forward, one backward."""


def refuse_flat(specs: Sequence[SearchSpec], budget: Budget) -> None:
    """Refuse to search for cost where no value that is searched changes it.

    Raises:
        TuneError: naming the methods without such a value, and those that have one.
    """
    flat = [spec.run.label for spec in specs if not any(span.costs for span in spec.space.ranges.values())]
    if budget.cost and flat:
        able = [name for name, method in methods().items() if any(span.costs for span in method().space().values())]
        without = ", ".join(dict.fromkeys(flat))
        raise TuneError(f"--cost: no value that is searched changes the cost of {without}; {', '.join(able)} have one")


def told_cost(trial: FinishedTrial, defaults: FinishedTrial) -> float:
    """Return the cost that the sampler is told: passes of each training sample over the whole training.

    A trial that failed or diverged ended early, but is not cheap: it is told the cost of the defaults.

    Args:
        trial: a configuration.
        defaults: that of the registered values, which may have failed too.
    """
    known = trial.passes or defaults.passes
    if known:
        return known
    return PLAIN * defaults.run.setting.epochs if defaults.run else PLAIN


def front(trials: Sequence[FinishedTrial]) -> list[FinishedTrial]:
    """Return the configurations that no other beats in validation accuracy and passes at once, the cheapest first.

    Of equal ones the earliest. Those that failed or diverged are on no front.
    """
    found: list[FinishedTrial] = []
    scored = [(trial.passes, -trial.validation, trial.number) for trial in trials if trial.passes and trial.validation]
    for _, lost, number in sorted(scored):
        if not found or -lost > (found[-1].validation or 0.0):
            found.append(trials[number])
    return found


def fronts(outcomes: Sequence[Outcome]) -> str:
    """Return the table of a setting's fronts: what each configuration costs, and what it gave.

    The one that is chosen has a mark; where it is on no front, which the defaults can be, it has a row too.
    """
    rows = []
    for outcome in outcomes:
        members = front(outcome.trials)
        chosen = outcome.winner
        if chosen not in members:
            members = sorted([*members, chosen], key=lambda trial: trial.passes or 0.0)
        rows += [_row(outcome.spec.run.label, trial, trial is chosen) for trial in members]
    return table(["method", "configuration", "passes per sample", "validation", "test", "its values"], rows, "lrrrrl")


def _row(label: str, trial: FinishedTrial, chosen: bool) -> list[str]:
    return [
        label,
        f"{trial.number}{' (chosen)' if chosen else ''}",
        f"{trial.passes or 0.0:.1f}",
        f"{100 * (trial.validation or 0.0):.2f}",
        "–" if trial.test is None else f"{100 * trial.test:.2f}",
        values_text(trial.values),
    ]
