"""How many replicates a gap would take, at the variances that are estimated now."""

from __future__ import annotations

import numpy as np

from lnlbench.leaderboard.ranking.board import Cell
from lnlbench.leaderboard.ranking.families import ALPHA
from lnlbench.leaderboard.ranking.moderation import Moderated
from lnlbench.leaderboard.ranking.welch import Welch

MOST = 100
"""Replicates beyond which more runs will not tell."""


def replicates_needed(a: Cell, b: Cell, borrowed: float, comparisons: int, alpha: float = ALPHA) -> int | None:
    """Return the replicates of both with which the gap that is seen would be decided; None beyond `MOST`.

    Args:
        a: one method, with an interval.
        b: the other.
        borrowed: degrees of freedom that came from other methods.
        comparisons: of the family, which share alpha (Bonferroni).
        alpha: level of the family.
    """
    if a.half is None or b.half is None or a.mean == b.mean:
        return None
    means = np.array([a.mean, b.mean])
    variances = np.array([_variance(cell, borrowed) for cell in (a, b)])
    for n in range(max(a.n, b.n) + 1, MOST + 1):
        own = Moderated(
            variance=variances,
            freedom=np.full(2, borrowed + n - 1.0),
            prior=variances,
            borrowed=borrowed,
            estimated=borrowed,
        )
        if Welch(means, np.full(2, float(n)), own).p[0, 1] * comparisons < alpha:
            return n
    return None


def _variance(cell: Cell, borrowed: float) -> float:
    """Return the moderated variance behind the interval of a cell."""
    from scipy import special  # 0.1 s to import, so not before it is needed

    assert cell.half is not None
    quantile = float(special.stdtrit(borrowed + cell.n - 1, 0.975))
    return float(cell.n * (cell.half / quantile) ** 2)
