"""The figure of what changed, method by method: from the mean before to the mean after, such as defaults and tuned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lnlbench.leaderboard.ranking.before_after import Change
from lnlbench.leaderboard.show.board_figures import BEST, OTHER, REFERENCE, ROW, beyond, limits, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ABOVE, BELOW = BEST, REFERENCE


def changed(changes: Mapping[str, Change], title: str) -> Figure:
    """Return the methods in the order of their means after, the best one first.

    A hollow dot is before, a filled one after, with its 95 % interval. Methods far below the others are named at the
    left edge with their mean, as on boards.
    """
    from matplotlib.figure import Figure

    rows = sorted(changes.items(), key=lambda row: -row[1].after.mean)
    cells = [cell for change in changes.values() for cell in (change.before, change.after) if cell is not None]
    figure = Figure(figsize=(6.4, ROW * len(rows) + 1.0), layout="constrained")
    axes = figure.subplots()
    low, high = limits(cells)
    for place, (_, change) in enumerate(rows):
        colour = OTHER if not change.decided else ABOVE if (change.difference or 0.0) > 0 else BELOW
        before, after = change.before, change.after
        if after.ends:
            axes.plot(after.ends, (place, place), color=colour, linewidth=4.5, alpha=0.3, solid_capstyle="butt")
        if before is not None and not change.same:
            axes.plot((before.mean, after.mean), (place, place), color=colour, linewidth=1.1)
            axes.plot(before.mean, place, "o", color=colour, markersize=4.5, markerfacecolor="white")
        axes.plot(after.mean, place, "o", color=colour, markersize=4.5)
        if after.mean < low:
            beyond(axes, place, after.mean, low, colour)
    axes.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=7)
    axes.set_xlim(low, high)
    plain(axes, len(rows))
    axes.set_xlabel("test accuracy, %", fontsize=8)
    figure.suptitle(title, x=0.01, ha="left", fontsize=8)
    return figure
