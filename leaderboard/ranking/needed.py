"""How many replicates a gap would take, at the variances that are estimated now."""

from __future__ import annotations

import numpy as np

from lnlbench.leaderboard.ranking.board import Cell
from lnlbench.leaderboard.ranking.moderation import Moderated
from lnlbench.leaderboard.ranking.thresholds import ALPHA
from lnlbench.leaderboard.ranking.welch import Welch

MOST = 100
"""Replicates beyond which more runs will not tell."""


def replicates_needed(a: Cell, b: Cell, borrowed: float, comparisons: int, alpha: float = ALPHA) -> int | None:
    """Return the replicates of both with which the gap that is seen would be decided; None beyond `MOST`.

    Args:
        a: one method, compared with the other.
        b: the other.
        borrowed: degrees of freedom that came from other methods.
        comparisons: of the family, which share alpha (Bonferroni).
        alpha: level of the family.
    """
    if a.variance is None or b.variance is None or a.mean == b.mean:
        return None
    means, variances = np.array([a.mean, b.mean]), np.array([a.variance, b.variance])
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
