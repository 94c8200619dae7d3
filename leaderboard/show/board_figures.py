"""Boards as figures: methods in order with their intervals, and the matrix of who is above whom."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lnlbench.leaderboard.ranking.board import Board, Cell, Row
from lnlbench.leaderboard.show.words import percent, rank_range, short_noise

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("pdf", "png", "svg")
BEST, OTHER, REFERENCE = "#0072b2", "#8c8c8c", "#d55e00"
ROW = 0.19  # inches that a method takes, whatever their number
LARGE = 60  # methods above which the matrix has no names


def ranked(board: Board) -> Figure:
    """Return the rows in order: dot and 95 % interval, rank range in the margin, a dotted line at cross-entropy.

    Methods far below the others are named at the left edge with their mean, so that the others stay apart.
    """
    from matplotlib.figure import Figure

    rows = [row for row in board.rows if row.score]
    figure = Figure(figsize=(6.4, ROW * len(rows) + 1.0), layout="constrained")
    axes = figure.subplots()
    low, high = limits([row.score for row in rows if row.score])
    for place, row in enumerate(rows):
        _draw(axes, place, row, low)
    reference = next((row.score.mean for row in rows if row.name == board.reference and row.score), None)
    if reference is not None and reference > low:
        axes.axvline(reference, color=REFERENCE, linestyle=":", linewidth=1, zorder=0)
    axes.set_yticks(range(len(rows)), [_rank(row) for row in rows], fontsize=7)
    for place, row in enumerate(rows):
        margin: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        axes.annotate(row.name, (0, place), (-36, 0), ha="right", va="center", fontsize=7, **margin)
    axes.set_xlim(low, high)
    plain(axes, len(rows))
    counted = board.counted
    what = short_noise(counted[0].noise) if len(counted) == 1 else board.score_name + " settings"
    axes.set_xlabel(f"{board.measure}, %: {what}", fontsize=8)
    line = f"; dotted: {board.reference}" if reference is not None else ""
    title = f"{board.title}\n95 % intervals; blue could be best; range of ranks beside the name{line}"
    figure.suptitle(title, x=0.01, ha="left", fontsize=8)
    return figure


def matrix(board: Board) -> Figure:
    """Return the probability of each row to be above each column; pairs that the tests decide are framed.

    Raises:
        ValueError: nothing is compared on this board.
    """
    from matplotlib.figure import Figure

    if board.tests is None:
        raise ValueError("nothing is compared on this board, so that no pair can be drawn")
    names = list(board.tests.names)
    place = {name: i for i, name in enumerate(names)}
    values, decided = np.full((len(names), len(names)), np.nan), np.zeros((len(names), len(names)), bool)
    for pair in board.tests.pairs:
        i, j = place[pair.a], place[pair.b]
        values[i, j], values[j, i] = pair.a_higher, 1 - pair.a_higher
        decided[i, j] = decided[j, i] = pair.decided(board.alpha)
    side = max(3.2, 0.2 * len(names) + 1.6)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(values, cmap="RdBu", vmin=-0.6, vmax=1.6)  # pale, so that frames and names stand out
    for i, j in zip(*np.nonzero(decided), strict=True):
        axes.add_patch(_frame(j, i))
    shown = names if len(names) <= LARGE else []
    axes.set_xticks(range(len(shown)), shown, rotation=90, fontsize=6)
    axes.set_yticks(range(len(shown)), shown, fontsize=6)
    axes.set_title(f"{board.place}, {board.rule}: chance that the row is above the column", fontsize=8, loc="left")
    axes.set_xlabel(f"framed: decided at {100 * board.alpha:g} %, Holm over {len(board.tests.pairs)} pairs", fontsize=7)
    bar = figure.colorbar(image, shrink=0.6, boundaries=np.linspace(0, 1, 101), ticks=np.linspace(0, 1, 5))
    bar.ax.tick_params(labelsize=7)
    return figure


def written(figure: Figure, kind: str, **options: Any) -> bytes:
    """Return a figure as a file of one of `KINDS`, with options of `savefig`; the same figure is the same file."""
    import matplotlib

    content = io.BytesIO()
    dates: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}
    # No date, and names of the parts that are not drawn by chance.
    with matplotlib.rc_context({"svg.hashsalt": "lnlbench", "svg.fonttype": "none"}):
        figure.savefig(content, format=kind, dpi=160, metadata=dates[kind], **options)
    return content.getvalue()


def _draw(axes: Any, place: int, row: Row, low: float) -> None:
    """Draw one row of `ranked`."""
    score = row.score
    assert score is not None
    colour = BEST if score.could_be_best else OTHER
    hollow = {"markerfacecolor": "white"} if row.status == "same" else {}
    if score.mean < low:
        beyond(axes, place, score.mean, low, colour)
        return
    if ends := score.ends:
        axes.plot(ends, (place, place), color=colour, linewidth=2.2 if score.could_be_best else 1.1, alpha=0.8)
    axes.plot(score.mean, place, "o", color=colour, markersize=4.5, **hollow)
    if score.diverged:
        axes.annotate(f"!{score.diverged}", (score.mean, place), (6, 0), textcoords="offset points", va="center",
                      fontsize=7, color=colour)  # fmt: skip


def _rank(row: Row) -> str:
    return "=" if row.status == "same" else rank_range(row.score) if row.score else ""


def beyond(axes: Any, place: int, mean: float, low: float, colour: str) -> None:
    """Write a mean that is below the axis at its left edge."""
    axes.annotate(
        f"◂ {percent(mean)}", (low, place), (3, 0), textcoords="offset points", va="center", fontsize=7, color=colour
    )


def plain(axes: Any, rows: int) -> None:
    """Give axes whose rows are methods, the first one on top, the look of a board."""
    axes.set_ylim(rows - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)


def limits(cells: Sequence[Cell]) -> tuple[float, float]:
    """Return the ends of the axis: of all intervals, but for means far below the others."""
    lower, upper = np.quantile([cell.mean for cell in cells], [0.25, 0.75])
    near = [cell for cell in cells if cell.mean >= lower - 3 * max(upper - lower, 1.0)]
    ends = [end for cell in near for end in (cell.ends or (cell.mean, cell.mean))]
    room = 0.02 * max(max(ends) - min(ends), 0.5)
    return max(0.0, min(ends) - room), min(100.5, max(ends) + room)


def _frame(x: int, y: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, fill=False, edgecolor="#222", linewidth=0.5)
