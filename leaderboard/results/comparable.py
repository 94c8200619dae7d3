"""What results must share to stand beside one another."""

from __future__ import annotations

from lnlbench.leaderboard.results.precision import precision_of
from lnlbench.leaderboard.results.result import Result


def comparable(run: Result) -> tuple[str, str, str, int, str]:
    """Return setting, track, length, protocol version and precision of a run, which runs that are compared share."""
    return run.setting, run.track, run.length, run.protocol, precision_of(run)
