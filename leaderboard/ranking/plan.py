"""What would decide who is first: how many replicates, of whom, by which command."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lnlbench.leaderboard.ranking.board import Board, Contender, Plan, Row
from lnlbench.leaderboard.ranking.moderation import Moderated
from lnlbench.leaderboard.ranking.scored import Scored
from lnlbench.leaderboard.ranking.welch import Welch

MOST = 100
"""Replicates beyond which more runs will not tell."""
AT_ONCE = 4
"""Replicates that the command adds at most: then one looks again."""
TRACKS = ("default", "paper", "open")
"""Those whose runs `lnlbench run` makes."""


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
        Contender(name=row.name, gap=-_gap(row), replicates=_needed(first, row, board, found)) for row in others
    )
    now = max(row.score.n for row in best if row.score)
    tellable = [contender.replicates for contender in contenders if contender.replicates is not None]
    more = min(AT_ONCE, max(tellable) - now) if tellable else 0
    if more < 1 or board.track not in TRACKS:
        return Plan(contenders=contenders, command="", runs=0, seconds=None)
    trained = {row.host if row.reading and row.host else row.name for row in best}
    settings = [column.setting for column in board.counted]
    spent = [_seconds(found, name, setting) for name in sorted(trained) for setting in settings]
    known = [seconds for seconds in spent if seconds is not None]
    return Plan(
        contenders=contenders,
        command=command(settings, [row.name for row in best], _following(best, more)),
        runs=len(trained) * len(settings) * more,
        seconds=more * math.fsum(known) if len(known) == len(spent) else None,
    )


def command(settings: Sequence[str], methods: Sequence[str], replicates: Sequence[int]) -> str:
    """Return the command that makes runs; nothing where settings were changed each in their own way.

    Args:
        settings: names; what was changed stands behind a comma, as in `digits,epochs=2/clean`.
        methods: as they were written.
        replicates: in order.
    """
    changes = {tuple(setting.partition("/")[0].split(",")[1:]) for setting in settings}
    if len(changes) != 1 or any(" [" in name for name in methods):
        return ""
    targets = [f"{setting.partition('/')[0].split(',')[0]}/{setting.partition('/')[2]}" for setting in settings]
    options = "".join(f" --set {change}" for change in changes.pop())
    first, last = replicates[0], replicates[-1]
    seeds = f"{first}-{last}" if len(replicates) > 1 else f"{first}"
    return f'lnlbench run {" ".join(targets)} --methods "{", ".join(methods)}" --seeds {seeds}{options}'


def _following(rows: Sequence[Row], count: int) -> list[int]:
    """Return the numbers of the next replicates, after all that these rows have."""
    used = [i for row in rows if row.score for i in row.score.scores]
    return list(range(max(used) + 1, max(used) + 1 + count))


def _gap(row: Row) -> float:
    return row.score.gap.points if row.score and row.score.gap else 0.0


def _needed(first: Row, other: Row, board: Board, found: Scored) -> int | None:
    """Replicates of both with which the gap that is seen would put the other behind the first; None beyond `MOST`.

    The variances are taken as they are estimated now.
    """
    assert board.tests is not None and first.score is not None and other.score is not None
    pair = board.tests.pair(first.name, other.name)
    if pair is None or pair.half is None or pair.difference <= 0:
        return None
    import numpy as np

    means = np.array([first.score.mean, other.score.mean])
    variances = np.array([_variance(row, board.tests.borrowed) for row in (first, other)])
    comparisons = len(board.tests.names) - 1
    now = max(first.score.n, other.score.n)
    for n in range(now + 1, MOST + 1):
        freedom = np.full(2, board.tests.borrowed + n - 1.0)
        own = Moderated(
            variance=variances, freedom=freedom, prior=variances, borrowed=board.tests.borrowed, estimated=0.0
        )
        if Welch(means, np.full(2, float(n)), own).p[0, 1] * comparisons < board.alpha:
            return n
    return None


def _variance(row: Row, borrowed: float) -> float:
    """Return the moderated variance behind a row's interval."""
    assert row.score is not None and row.score.half is not None
    from scipy import special  # 0.1 s to import, so not before it is needed

    quantile = float(special.stdtrit(borrowed + row.score.n - 1, 0.975))
    return float(row.score.n * (row.score.half / quantile) ** 2)


def _seconds(found: Scored, name: str, setting: str) -> float | None:
    """Return what a run of a cell took, on average."""
    runs: list[Any] = list(found.grid.get(name, {}).get(setting, {}).values())
    spent = [run.cost.get("total_seconds", run.cost.get("train_seconds")) for run in runs]
    known = [float(value) for value in spent if isinstance(value, (int, float))]
    return math.fsum(known) / len(known) if known else None
