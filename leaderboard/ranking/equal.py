"""Which methods are practically equal to the first, and what they cost beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lnlbench.leaderboard.ranking.board import Board
from lnlbench.leaderboard.ranking.cost import costs
from lnlbench.leaderboard.ranking.scored import Scored
from lnlbench.leaderboard.results.listing import NAMED, be, listed


def equal(board: Board, whole: Board, found: Scored) -> Iterator[str]:
    """Say which rows are practically equal to the first of all.

    Args:
        board: with some rows, or all.
        whole: with all rows.
        found: the results behind it.
    """
    names = [
        row.name
        for row in board.rows
        if row.status == "ranked" and row.score and row.score.gap and row.score.gap.practically_equal
    ]
    if not names:
        return
    first = next(row.name for row in whole.rows if row.status == "ranked" and row.score)
    to, its = ("it", "its") if board is whole else ("the first", "the first's")
    cost = _cost(names, first, found, [column.setting for column in whole.counted])
    cost = f", at {cost} times {its} passes" if cost else ""
    yield f"{listed(names, 'and')} {be(names)} practically equal to {to}: within {board.margin:g} points{cost}."


def _cost(names: Sequence[str], first: str, found: Scored, settings: Sequence[str]) -> str:
    """Return the passes of rows as multiples of the first's; nothing where they are not recorded of all."""
    known = {cost.name: cost.work for cost in costs(found.grid, settings)}
    held = [work for name in (first, *names) if (work := known.get(name))]
    if len(held) <= len(names):
        return ""
    times = [work / held[0] for work in held[1:]]
    if len(times) > NAMED + 1:
        return f"{_short(min(times))} to {_short(max(times))}"
    return listed([_short(value) for value in times], "and")


def _short(times: float) -> str:
    return f"{times:.2g}" if times < 0.1 else f"{times:.1f}" if times < 10 else f"{times:.0f}"
