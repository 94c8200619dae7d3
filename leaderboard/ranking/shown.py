"""Some rows of a board, for a reader who asked for them: no number changes, and what is said is of these rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from lnlbench.leaderboard.ranking.board import Board
from lnlbench.leaderboard.ranking.scored import Scored


def shown(board: Board, found: Scored, wanted: Collection[str]) -> tuple[Board, Scored]:
    """Return a board and what is behind it with some rows alone.

    The plan stays where it is about none but them.

    Args:
        board: with all rows, and without sentences.
        found: the results behind it.
        wanted: names of rows or of methods, as they were written or in full.
    """
    names = {name for name in found.grid if _is_wanted(found, name, wanted)}
    best = {row.name for row in board.rows if row.score and row.score.could_be_best}
    part = replace(
        board,
        rows=tuple(row for row in board.rows if row.name in names),
        below=tuple(row for row in board.below if row.name in names),
        plan=board.plan if best <= names else None,
    )
    grid = {name: cells for name, cells in found.grid.items() if name in names}
    labels = {run.label for name in names for run in found.runs(name)}
    return part, replace(found, grid=grid, notes=tuple(note for note in found.notes if note.label in {"", *labels}))


def _is_wanted(found: Scored, name: str, wanted: Collection[str]) -> bool:
    return name in wanted or any({run.label, run.method} & {*wanted} for run in found.runs(name))
