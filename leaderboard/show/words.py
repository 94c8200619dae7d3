"""How numbers and names of a board are written, the same in every format."""

from __future__ import annotations

import re

from lnlbench.leaderboard.ranking.board import Board, Cell, Row
from lnlbench.leaderboard.ranking.statistics import Interval
from lnlbench.leaderboard.results.interval import mean_text
from lnlbench.leaderboard.results.setting_name import KINDS

DOT = "●"
_SHORT = {**KINDS, "inclusive": "incl"}


def percent(value: float) -> str:
    """Return an accuracy or a difference with two decimals; a zero has no sign."""
    return f"{value:.2f}".replace("-0.00", "0.00")


def p_value(p: float) -> str:
    """Return a p value with three decimals; with more where these would hide on which side of 0.05 it is."""
    if p < 0.001:
        return "<0.001"
    text = f"{p:.3f}"
    return text if text != "0.050" else f"{p:.6f}".rstrip("0")


def interval(cell: Cell | Interval) -> str:
    """Return the mean and half of its interval, where it has one: `97.36 ± 0.21`; its ends where that is cut."""
    return mean_text(cell.mean, cell.half)


def rank_range(cell: Cell) -> str:
    """Return the ranks that a method may truly have: `1–5`, or `3` where it is one."""
    if cell.rank is None:
        return ""
    best, worst = cell.rank
    return str(best) if best == worst else f"{best}–{worst}"


def mark(cell: Cell) -> str:
    """Return `+`, `−` or `·` against the reference; a space where it is not held against it."""
    return cell.against.mark if cell.against else " "


def flags(cell: Cell, usual: int = 0) -> str:
    """Return what else must be seen at a cell: `!2` diverged runs, `=` the same as its host, an unusual n."""
    n = f" n = {cell.n}" if usual and cell.n != usual else ""
    return n + (f" !{cell.diverged}" if cell.diverged else "") + (" =" if cell.same_as_host else "")


def short_noise(noise: str) -> str:
    """Return a noise as a narrow column names it: `asym 0.4`."""
    return " ".join(_SHORT.get(word, word) for word in re.split(r"[-:]", noise))


def tasks(board: Board) -> list[str]:
    """Return the tasks of a board: what stands before the slash in its settings."""
    return list(dict.fromkeys(column.setting.partition("/")[0] for column in board.columns))


def scored_on(board: Board) -> str:
    """Return the settings that scores are of: `symmetric-0.4`, `mean of 3`, or `mean of 3 of 9` that the board has."""
    if len(board.counted) == 1:
        return board.counted[0].noise
    return board.score_name + ("" if len(board.counted) == len(board.columns) else f" of {len(board.columns)}")


def shown_name(row: Row) -> str:
    """Return the name of a row, with what it was told beyond the labels."""
    return row.name + (f" [told {', '.join(row.told)}]" if row.told else "")


def state(board: Board, row: Row) -> str:
    """Return why a row is not compared; nothing where it is."""
    if row.status == "incomplete":
        return f"incomplete: {board.held(row)}"
    return {"same": "same runs", "reference": "trained longer"}.get(row.status, "")
