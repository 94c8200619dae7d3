"""What boards call the methods of results that are on several boards."""

from __future__ import annotations

from collections.abc import Iterable

from lnlbench.leaderboard.ranking.build import grouped
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.spelling import one_label


def board_labels(results: Iterable[Result]) -> dict[str, str]:
    """Return the label of every result by its key: one for each method of a board, however it was written."""
    called: dict[str, str] = {}
    for runs in grouped(results).values():
        labels = one_label(runs)
        called |= {run.key: labels[run.label] for run in runs}
    return called
