"""What boards call the methods of results that are on several boards, and which results they leave out."""

from __future__ import annotations

from collections.abc import Iterable

from lnlbench.leaderboard.ranking.build import grouped
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.spelling import one_label
from lnlbench.leaderboard.results.versions import latest


def board_labels(results: Iterable[Result]) -> dict[str, str]:
    """Return the labels of the results that boards count, by key: one for each method, however it was written.

    Of a user's own file the latest version counts alone.
    """
    called: dict[str, str] = {}
    for runs in grouped(results).values():
        kept, _ = latest(runs)
        labels = one_label(kept)
        called |= {run.key: labels[run.label] for run in kept}
    return called


def earlier_versions(results: Iterable[Result]) -> list[str]:
    """Return what boards leave out of methods of a user's own file, a phrase each: runs of earlier versions."""
    several = [found for runs in grouped(results).values() for found in latest(runs)[1]]
    return [found.about_earlier for found in several if found.earlier]
