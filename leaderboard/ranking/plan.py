"""What would decide who is first: how many replicates, of whom, by which command."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lnlbench.leaderboard.ranking.board import Board, Contender, Plan, Row, Tests
from lnlbench.leaderboard.ranking.cost import shortest
from lnlbench.leaderboard.ranking.needed import replicates_needed
from lnlbench.leaderboard.ranking.scored import Scored
from lnlbench.leaderboard.results.command import command
from lnlbench.leaderboard.results.form import TRAINED

AT_ONCE = 4
"""Replicates that the command adds at most: then one looks again."""


def plan(board: Board, found: Scored) -> Plan | None:
    """Return what would decide who is first; None where nobody or only one method could be best.

    Args:
        board: with rows and tests.
        found: the results behind it.
    """
    best = [row for row in board.rows if row.score and row.score.could_be_best]
    if board.tests is None or len(best) < 2:
        return None
    first = board.rows[0]
    others = [row for row in best if row is not first]
    contenders = tuple(
        Contender(name=row.name, gap=-_gap(row), replicates=_needed(first, row, board.tests, board.alpha))
        for row in others
    )
    now = max(row.score.n for row in best if row.score)
    tellable = [contender.replicates for contender in contenders if contender.replicates is not None]
    more = min(AT_ONCE, max(tellable) - now) if tellable else 0
    if more < 1 or board.track not in TRAINED:
        return Plan(contenders=contenders, command="", runs=0, seconds=None)
    trained = {row.host if row.reading and row.host else row.name for row in best}
    settings = [column.setting for column in board.counted]
    spent = [_seconds(found, name, setting) for name in sorted(trained) for setting in settings]
    known = [seconds for seconds in spent if seconds is not None]
    return Plan(
        contenders=contenders,
        command=command(
            settings,
            [row.name for row in best],
            _following(best, more),
            {precision for row in best for precision in row.precisions},
            dict.fromkeys(file for row in best for file in row.plugins),
        ),
        runs=len(trained) * len(settings) * more,
        seconds=more * math.fsum(known) if len(known) == len(spent) else None,
        first_step=now + more < max(tellable),
    )


def _following(rows: Sequence[Row], count: int) -> list[int]:
    """Return the numbers of the next replicates, after all that these rows have."""
    used = [i for row in rows if row.score for i in row.score.scores]
    return list(range(max(used) + 1, max(used) + 1 + count))


def _needed(first: Row, other: Row, tests: Tests, alpha: float) -> int | None:
    if first.score is None or other.score is None:
        return None
    return replicates_needed(first.score, other.score, tests.borrowed, len(tests.names) - 1, alpha)


def _gap(row: Row) -> float:
    return row.score.gap.points if row.score and row.score.gap else 0.0


def _seconds(found: Scored, name: str, setting: str) -> float | None:
    """Return what a run of a cell takes."""
    runs = list(found.grid.get(name, {}).get(setting, {}).values())
    field = "total_seconds" if all("total_seconds" in run.cost for run in runs) else "train_seconds"
    return shortest(runs, field) if runs else None
