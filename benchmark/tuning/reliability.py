"""The reliability of noisy validation over the trials of a search: rank correlation with test accuracy, and regret."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lnlbench.benchmark.tuning.outcome import FinishedTraining, FinishedTrial, Outcome
from lnlbench.benchmark.tuning.search_spec import windowed
from lnlbench.leaderboard.ranking.selection import rank_correlation, regret
from lnlbench.leaderboard.results.markdown import table

RULES: dict[str, Callable[[FinishedTraining], float | None]] = {
    "best epoch": lambda training: max(_known(training), default=training.validation),
    "window of epochs": lambda training: (
        windowed(known, training.run.setting.epochs) if (known := _known(training)) else None
    ),
    "confident loss": lambda training: training.rules.get("confident_loss"),
    "corrected accuracy": lambda training: training.rules.get("corrected_accuracy"),
    "agreement": lambda training: training.rules.get("agreement"),
}
"""Rules that could choose among trials without a clean label; the first two are the objectives of `tune`.

Agreement is that of the trainings of a configuration, the same for each of them: it needs two.
"""


def _known(training: FinishedTraining) -> list[float]:
    return [value for value in training.curves.get("validation_accuracy", ()) if value is not None]


def values(outcome: Outcome, rule: str) -> list[tuple[float, float]]:
    """Return the value of a rule and test accuracy of every configuration that has both."""
    pairs = [(_value(trial, rule), trial.test) for trial in outcome.trials if trial.validation is not None]
    return [(value, test) for value, test in pairs if value is not None and test is not None]


def reliability(outcomes: Sequence[Outcome]) -> str:
    """Return the table of a setting: for each rule Kendall's τ with test accuracy and the regret of its choice.

    Rules that no method has a value of are left out.
    """
    found = {rule: [judged(values(outcome, rule)) for outcome in outcomes] for rule in RULES}
    found = {rule: column for rule, column in found.items() if any(column)}
    rows = [
        [outcome.spec.run.label, *(_shown(column[place]) for column in found.values())]
        for place, outcome in enumerate(outcomes)
    ]
    rows.append(["**mean**", *(_shown(_mean([pair for pair in column if pair])) for column in found.values())])
    return table(["method", *(f"{rule}: τ, regret" for rule in found)], rows, "l" + "r" * len(found))


def judged(pairs: Sequence[tuple[float, float]]) -> tuple[float | None, float] | None:
    """Return Kendall's τ and the regret, in points, of choosing the highest value; None without pairs."""
    if not pairs:
        return None
    chosen = max(range(len(pairs)), key=lambda i: (pairs[i][0], -i))
    return rank_correlation(pairs), 100 * regret([test for _, test in pairs], chosen)


def _value(trial: FinishedTrial, rule: str) -> float | None:
    found = [value for training in trial.runs if (value := RULES[rule](training)) is not None]
    return math.fsum(found) / len(found) if found else None


def _mean(pairs: Sequence[tuple[float | None, float]]) -> tuple[float | None, float] | None:
    if not pairs:
        return None
    known = [tau for tau, _ in pairs if tau is not None]
    tau = math.fsum(known) / len(known) if known else None
    return tau, math.fsum(lost for _, lost in pairs) / len(pairs)


def _shown(pair: tuple[float | None, float] | None) -> str:
    if pair is None:
        return "–"
    tau, lost = pair
    return f"{'–' if tau is None else f'{tau:.2f}'}, {lost:.2f}"
