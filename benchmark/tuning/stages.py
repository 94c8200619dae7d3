"""The two stages of a search: the trainings that search and those that confirm, each with its place in the budget."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence

from lnlbench.benchmark.tuning.budget import Budget
from lnlbench.benchmark.tuning.outcome import FinishedTraining, FinishedTrial
from lnlbench.benchmark.tuning.search_spec import SearchSpec, value_of
from lnlbench.benchmark.tuning.trials import Trial
from lnlbench.leaderboard.ranking.confirming import COMPARED, DEFAULTS, candidates
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.store.store import Store

STEPS = 64
"""Values of a curve that Optuna is given at most: each is a write of its own."""


def confirming(spec: SearchSpec, budget: Budget, trials: Sequence[FinishedTrial]) -> dict[int, list[Trial]]:
    """Return the trainings that confirm, by configuration, defaults first; none where there is nothing to compare.

    Args:
        spec: of a search that has tried all its configurations.
        budget: of the search.
        trials: every configuration.
    """
    chosen = candidates({trial.number: trial.validation for trial in trials})
    if not budget.draws or len(chosen) < COMPARED:
        return {}
    found: dict[int, list[Trial]] = {}
    for place, number in enumerate(chosen):
        run = trials[number].run
        values = None if number == DEFAULTS else trials[number].values
        first = budget.searching + place * budget.draws
        if run is not None:
            found[number] = [spec.trial(first + draw, values, fresh=draw + 1) for draw in range(budget.draws)]
    return found


def results_of(runs: Sequence[Trial], failures: Container[int], store: Store) -> dict[str, Result]:
    """Return the results of trainings by key, without those that failed.

    Args:
        runs: trainings that are over.
        failures: the places in the budget of those that failed.
        store: holds the results of all others.

    Raises:
        StoreError: one that did not fail is not stored.
    """
    keys = [run.key for run in runs if run.replicate not in failures]
    return dict(zip(keys, store.results_of(keys), strict=True))


def finished(
    runs: Sequence[Trial], objective: str, results: Mapping[str, Result], failures: Mapping[int, str]
) -> tuple[FinishedTraining, ...]:
    """Return trainings that are over.

    Args:
        runs: the trainings.
        objective: what they score.
        results: as `results_of` returns them.
        failures: why trainings failed, by their place in the budget.
    """
    found = []
    for run in runs:
        if reason := failures.get(run.replicate, ""):
            found.append(FinishedTraining(run, None, reason=reason))
            continue
        result = results[run.key]
        cost, said = result.cost, "diverged" if result.diverged else ""
        passes = (cost["forward_passes"] + cost["backward_passes"]) * cost["epochs"]
        value, seconds = value_of(result, objective), float(cost["total_seconds"])
        found.append(FinishedTraining(run, value, seconds, said, result.trained, passes))
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
