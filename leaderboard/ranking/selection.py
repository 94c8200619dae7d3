"""What choosing by noisy validation is worth: how far it goes with test accuracy, and what its choice gives away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lnlbench.leaderboard.ranking.budget import Pairs


def rank_correlation(pairs: Pairs) -> float | None:
    """Return Kendall's τ-b between the two accuracies over trials; None where one of them does not vary."""
    values = np.asarray(pairs, float)
    if len(values) < 2:
        return None
    first, second = (np.sign(column[:, None] - column[None, :]) for column in values.T)
    scale = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / scale) if scale > 0 else None


def regret(test: Sequence[float], chosen: int) -> float:
    """Return by how much the best of the trials is above the chosen one."""
    return max(test) - test[chosen]
