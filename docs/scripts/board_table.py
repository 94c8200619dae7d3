"""Write a board for a page, under whose own heading it stands: short names of settings, what is known of them below."""

from __future__ import annotations

from lnlbench.leaderboard.ranking.board import Board, Column
from lnlbench.leaderboard.results.text import visible
from lnlbench.leaderboard.show.formats import about, markdown_rows, markdown_texts


def to_markdown(board: Board) -> str:
    """Return what the board is of, its table, a line on its settings, sentences and notes."""
    names = _names(board)
    heads = [names[column.setting] + (" †" if board.doubtful(column) else "") for column in board.columns]
    rows = markdown_rows(board, heads, "llr")
    settings = "; ".join(f"{names[column.setting]}: {', '.join(about(column))}" for column in board.columns)
    of = f"`{board.suite}`, rule `{board.rule}`, track `{board.track}`, length `{board.length}`"
    return visible(f"{of}, protocol {board.protocol}.\n\n{rows}\n\n{_upper(settings)}.\n\n{markdown_texts(board)}\n")


def _names(board: Board) -> dict[str, str]:
    """Return the settings by what follows the task, `symmetric 0.5`; in full where tasks are mixed."""
    mixed = len({column.setting.partition("/")[0] for column in board.columns}) > 1
    return {column.setting: column.setting if mixed else _short(column) for column in board.columns}


def _short(column: Column) -> str:
    return column.setting.partition("/")[2].replace("-", " ")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
