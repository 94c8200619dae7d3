"""The two stages of a search: the trainings that search and those that confirm, each with its place in the budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lnlbench.benchmark.tuning.budget import Budget
from lnlbench.benchmark.tuning.outcome import Made, Told
from lnlbench.benchmark.tuning.search_spec import SearchSpec, value_of
from lnlbench.benchmark.tuning.trials import Trial
from lnlbench.leaderboard.ranking.confirming import DEFAULTS, FEWEST, candidates
from lnlbench.leaderboard.store.store import Store

STEPS = 64
"""Values of a curve that Optuna is given at most: each is a write of its own."""


def confirming(spec: SearchSpec, budget: Budget, trials: Sequence[Told]) -> dict[int, list[Trial]]:
    """Return the trainings that confirm, by configuration, defaults first; none where there is nothing to compare.

    Args:
        spec: of a search that has tried all its configurations.
        budget: of the search.
        trials: every configuration.
    """
    chosen = candidates({told.number: told.validation for told in trials})
    if not budget.draws or len(chosen) < FEWEST:
        return {}
    found: dict[int, list[Trial]] = {}
    for place, number in enumerate(chosen):
        run = trials[number].run
        values = None if number == DEFAULTS else trials[number].values
        first = budget.searching + place * budget.draws
        if run is not None:
            found[number] = [spec.trial(first + draw, values, fresh=draw + 1) for draw in range(budget.draws)]
    return found


def made(runs: Sequence[Trial], objective: str, failure: Callable[[Trial], str], store: Store) -> tuple[Made, ...]:
    """Return trainings that are over.

    Args:
        runs: the trainings.
        objective: what they score.
        failure: returns why one failed; empty if it did not.
        store: holds the results of all others.

    Raises:
        StoreError: one that did not fail is not stored.
    """
    reasons = [failure(run) for run in runs]
    results = iter(store.results_of([run.key for run, reason in zip(runs, reasons, strict=True) if not reason]))
    found = []
    for run, reason in zip(runs, reasons, strict=True):
        if reason:
            found.append(Made(run, None, reason=reason))
            continue
        result = next(results)
        cost, said = result.cost, "diverged" if result.diverged else ""
        passes = (cost["forward_passes"] + cost["backward_passes"]) * cost["epochs"]
        value, seconds = value_of(result, objective), float(cost["total_seconds"])
        found.append(Made(run, value, seconds, said, result.trained, passes))
    return tuple(found)


def curve(curves: Sequence[Sequence[float | None]]) -> dict[int, float]:
    """Return the mean of curves at `STEPS` epochs at most, by epoch from 1; one that ended early counts until there."""
    length = max(map(len, curves), default=0)
    stride = max(1, math.ceil(length / STEPS))
    found = {}
    for epoch in sorted({*range(0, length, stride), length - 1} if length else ()):
        values = [row[epoch] for row in curves if epoch < len(row)]
        known = [value for value in values if value is not None and not math.isnan(value)]
        if known:
            found[epoch + 1] = math.fsum(known) / len(known)
    return found
