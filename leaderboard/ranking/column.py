"""What is known of a setting, apart from the methods: its noise and what validation can resolve there."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lnlbench.leaderboard.ranking.board import Column, Tests
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import best_epoch, resolution


def column(setting: str, runs: Sequence[Result], *, counted: bool, n: int = 0, tests: Tests | None = None) -> Column:
    """Return the column of a setting.

    Args:
        setting: its name.
        runs: all results of it, at least one.
        counted: whether it makes the order of the board.
        n: replicates that most methods have.
        tests: how its methods were compared.
    """
    manifests: list[Mapping[str, Any]] = [run.identity.get("noise") or {} for run in runs]
    realised = [m["realised_rate"] for m in manifests if isinstance(m.get("realised_rate"), (int, float))]
    rate = math.fsum(realised) / len(realised) if realised else None
    return Column(
        setting=setting,
        dataset=runs[0].dataset,
        noise=runs[0].noise,
        nominal_rate=next((m["nominal_rate"] for m in manifests if m.get("nominal_rate") is not None), None),
        realised_rate=rate,
        guaranteed=all(m.get("guaranteed", True) for m in manifests),
        resolution=_resolution(runs, rate),
        counted=counted,
        n=n,
        tests=tests,
    )


def _resolution(runs: Sequence[Result], rate: float | None) -> float | None:
    """Return what validation resolves at the typical chosen epoch, in points; None where that is not known."""
    trained = [run for run in runs if not run.diverged]
    sizes = [int((run.identity.get("split") or {}).get("validation") or 0) for run in trained]
    if rate is None or not sizes or min(sizes) < 1:
        return None
    best = [run.curves["validation_accuracy"][best_epoch(run.curves["validation_accuracy"])] for run in trained]
    accuracy = math.fsum(value for value in best if value is not None) / len(best)
    try:
        return 100 * resolution(min(sizes), accuracy, rate, trained[0].classes)
    except ValueError:  # no diagonal dominance: validation resolves nothing
        return None
