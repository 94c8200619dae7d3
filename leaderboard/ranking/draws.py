"""Take out of the tests of a column what a draw does to all methods alike, where replicates differ mostly by that.

Replicate i has the same noise and split for every method. Under instance-dependent noise one draw may cost all methods
ten points more than another one: two methods then differ far less from draw to draw than their own scores do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lnlbench.leaderboard.ranking.moderation import FEWEST, moderate
from lnlbench.leaderboard.ranking.welch import Welch

Floats = npt.NDArray[np.float64]
MOST_LEFT = 0.5
"""What may be left of the variance between replicates without what is common to all methods: above it, it stays."""
SURE = 0.001
"""p of the F test for any common part, above which it stays: chance alone shall not choose the test."""


@dataclass(frozen=True)
class SameDraws(Welch):
    """Every two methods compared on the same draws, where methods may lack some.

    Args:
        means: [m] as they would be on all draws, up to a constant.
        replicates: [m] how many each has.
        moderated: variances of what is a method's own.
        shares: [m, m, m] for row i, column j: how much of the variance of each method is in their difference.
        common: share of the variance between replicates that is common to all methods.
    """

    shares: Floats
    common: float

    @cached_property
    def error(self) -> Floats:
        """Return the standard error of every difference [m, m]."""
        return np.sqrt(self.shares @ self.moderated.variance)

    @cached_property
    def freedom(self) -> Floats:
        """Return the degrees of freedom of every comparison [m, m], after Satterthwaite."""
        own = self.moderated
        with np.errstate(invalid="ignore", divide="ignore"):
            found = self.error**4 / (self.shares**2 @ (own.variance**2 / own.freedom))
        return np.where(np.isfinite(found), found, 1.0)


def same_draws(
    names: Sequence[str], scores: Mapping[str, Mapping[int, float]], sources: Collection[str], *, trend: bool = True
) -> SameDraws | None:
    """Return methods as a column whose tests are free of what draws do to all alike; None where that is not most.

    Score yₘᵣ of method m at replicate r is taken for μₘ + bᵣ + eₘᵣ, where eₘᵣ has a variance of the method's own. The
    bᵣ are fitted by least squares to the sources. It is used where eₘᵣ has at most `MOST_LEFT` of the variance of
    bᵣ + eₘᵣ among them, and the F test for the bᵣ has p below `SURE`.

    Args:
        names: of the methods compared, each with two replicates or more.
        scores: of each, by replicate.
        sources: whose scores tell of the draws, and whose variances of the others': runs of their own, none diverged.
        trend: whether the prior of the variances may follow the mean.
    """
    rows = np.array([i for i, name in enumerate(names) for _ in scores[name]])
    replicates = [r for name in names for r in scores[name]]
    y = np.array([value for name in names for value in scores[name].values()], float)
    told = np.array([name in sources for name in names], bool)
    if len({frozenset(scores[name].items()) for name in names if name in sources}) < FEWEST:
        return None
    fit = _Fit(rows, np.unique(replicates, return_inverse=True)[1], told)
    own = fit.own(y)
    if not fit.possible or (common := fit.common(y, own)) is None:
        return None
    freedom = fit.freedom
    if (freedom < 1e-6).any():  # a draw that one method alone has tells nothing of it
        return None
    variances = np.bincount(rows, own**2) / freedom
    variances[variances < 1e-18] = 0.0  # rounding
    means = fit.means @ y
    moderated = moderate(means, variances, freedom + 1.0, told, trend=trend)
    squares = np.stack([fit.means[:, rows == m] @ fit.means[:, rows == m].T for m in range(len(names))], axis=-1)
    diagonal = np.einsum("iim->im", squares)
    shares = np.maximum(diagonal[:, None] + diagonal[None, :] - 2 * squares, 0.0)
    return SameDraws(means, fit.counts, moderated, shares=shares, common=common)


class _Fit:
    """The linear maps of the additive model: from scores to means and residuals, where draws are told by some methods.

    Args:
        rows: [N] the method of each score.
        draws: [N] the replicate of each score.
        told: [m] which methods tell of the draws.
    """

    def __init__(self, rows: npt.NDArray[np.int64], draws: npt.NDArray[np.int64], told: npt.NDArray[np.bool_]) -> None:
        self.rows, self.used, self.counts = rows, told[rows], np.bincount(rows).astype(np.float64)
        self.averages = np.eye(len(told))[rows].T / self.counts[:, None]  # [m, N]
        of_draw = np.eye(draws.max() + 1)[draws]  # [N, draws]
        by_method = self.averages @ of_draw
        self.centred = of_draw - by_method[rows]
        design = self.centred * self.used[:, None]
        self.rank = of_draw.shape[1] - 1
        self.possible = bool(np.linalg.matrix_rank(design) == self.rank)
        self.effects = np.linalg.pinv(design)  # [draws, N]; they add up to 0
        self.means = self.averages - by_method @ self.effects  # [m, N]
        spent = np.bincount(rows, (self.centred * self.effects.T).sum(axis=1))  # 0 for those that do not tell
        self.freedom = self.counts - 1.0 - spent.astype(np.float64)

    def own(self, y: Floats) -> Floats:
        """Return what is left of scores [N] without means and draws: a method's own part of each."""
        return self.within(y) - self.centred @ (self.effects @ y)

    def within(self, y: Floats) -> Floats:
        """Return scores [N] without the mean of their method."""
        return y - (self.averages @ y)[self.rows]

    def common(self, y: Floats, own: Floats) -> float | None:
        """Return the share of the variance between replicates that is common; None if small, or perhaps chance."""
        whole, rest = (float((part[self.used] ** 2).sum()) for part in (self.within(y), own))
        left = int(self.used.sum()) - len(np.unique(self.rows[self.used])) - self.rank
        if left < 1 or self.rank < 1 or whole <= 0 or rest <= 0:
            return None
        from scipy import special  # 0.1 s to import, so not before it is needed

        remaining = (rest / left) / (whole / (left + self.rank))
        p = float(special.fdtrc(self.rank, left, (whole - rest) / self.rank / (rest / left)))
        return 1 - remaining if remaining <= MOST_LEFT and p < SURE else None
