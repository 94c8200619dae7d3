"""The one setting that makes the order of a board, where others stand beside it, and why these do not count."""

from __future__ import annotations

from collections.abc import Iterator

from lnlbench.leaderboard.ranking.board import Board, Column
from lnlbench.leaderboard.results.listing import be, listed

FEW = 0.25
"""Share of the methods up to which a board says how it looks without them."""


def at_the_one(board: Board) -> str:
    """Return where the first of a board is first, as a sentence begins; nothing where all settings count."""
    if not _one_of_several(board):
        return ""
    return f"At {_short(board, board.counted[0])}, the one setting that counts, "


def uncounted(board: Board) -> Iterator[str]:
    """Say which settings are shown beside the one that counts, and which rows lack runs there."""
    if not _one_of_several(board):
        return
    by_reason: dict[str, list[str]] = {}
    for column in board.columns:
        if not column.counted:
            by_reason.setdefault(_reason(board, column), []).append(_short(board, column))
    texts = [f"{listed(names, 'and')} {be(names)} shown and not counted, {why}" for why, names in by_reason.items()]
    yield f"{'; '.join(texts)}."
    yield from _without(board)


def _without(board: Board) -> Iterator[str]:
    """Say how to see the others on all settings, where few methods lack some."""
    lacking = {name for column in board.columns for name in _lacking(board, column)}
    others = [row.name for row in board.rows if row.name not in lacking]
    if 0 < len(lacking) <= FEW * (len(lacking) + len(others)):
        yield f'Without {listed(sorted(lacking), "and")} all settings count: `--among "{", ".join(others)}"`.'


def _one_of_several(board: Board) -> bool:
    return len(board.counted) == 1 < len(board.columns)


def _lacking(board: Board, column: Column) -> list[str]:
    """Return the rows that have too few runs in a setting."""
    least = 2 if board.tests else 1
    rows = [row for row in (*board.rows, *board.below) if row.status in ("ranked", "incomplete")]
    held = {row.name: row.cells.get(column.setting) for row in rows}
    return [name for name, cell in held.items() if cell is None or cell.n < least]


def _reason(board: Board, column: Column) -> str:
    lacking = _lacking(board, column)
    if not lacking:  # those that a reader hid
        return "since other methods lack runs there"
    return f"since {listed(lacking, 'and')} {'lacks' if len(lacking) == 1 else 'lack'} runs there"


def _short(board: Board, column: Column) -> str:
    """Return the name of a setting, without its task where all are of one."""
    tasks = {one.setting.partition("/")[0] for one in board.columns}
    return column.setting.partition("/")[2] if len(tasks) == 1 else column.setting
