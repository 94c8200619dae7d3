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
UNLIKE = 9.0
"""How many times the median a method's own variance may be before it counts less: of equal ones few are that far."""
ROUNDS = 3
"""How often methods are weighted anew by what is left of them."""


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
    bᵣ are fitted by least squares to the sources, of which those with a variance of more than `UNLIKE` times the median
    count the less for it: one that goes its own way shall not hide what all others have in common. It is used where eₘᵣ
    has at most `MOST_LEFT` of the variance of bᵣ + eₘᵣ among them, and the F test for the bᵣ has p below `SURE`.

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
    draws = np.unique(replicates, return_inverse=True)[1]
    fit = _Fit(rows, draws, told.astype(np.float64))
    for _ in range(ROUNDS):
        if not fit.possible or (fit.freedom < 1e-6).any():  # a draw that one method alone has tells nothing of it
            return None
        variances = fit.variances(y)
        if (typical := float(np.median(variances[told]))) > 0:
            fit = _Fit(rows, draws, told / np.maximum(1.0, variances / (UNLIKE * typical)))
    if (fit.freedom < 1e-6).any() or (common := fit.common(y)) is None:
        return None
    variances, freedom = fit.variances(y), fit.freedom
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
        weights: [m] how much each method tells of the draws; 0: nothing.
    """

    def __init__(self, rows: npt.NDArray[np.int64], draws: npt.NDArray[np.int64], weights: Floats) -> None:
        self.rows, self.counts = rows, np.bincount(rows).astype(np.float64)
        self.weights = weights[rows]
        self.averages = np.eye(len(weights))[rows].T / self.counts[:, None]  # [m, N]
        of_draw = np.eye(draws.max() + 1)[draws]  # [N, draws]
        by_method = self.averages @ of_draw
        self.centred = of_draw - by_method[rows]
        roots = np.sqrt(self.weights)
        design = self.centred * roots[:, None]
        self.rank = of_draw.shape[1] - 1
        self.possible = bool(np.linalg.matrix_rank(design) == self.rank)
        self.effects = np.linalg.pinv(design) * roots  # [draws, N]; they add up to 0
        self.means = self.averages - by_method @ self.effects  # [m, N]
        spent = np.bincount(rows, (self.centred * self.effects.T).sum(axis=1))  # 0 for those that do not tell
        self.freedom = self.counts - 1.0 - spent.astype(np.float64)

    def own(self, y: Floats) -> Floats:
        """Return what is left of scores [N] without means and draws: a method's own part of each."""
        return self.within(y) - self.centred @ (self.effects @ y)

    def within(self, y: Floats) -> Floats:
        """Return scores [N] without the mean of their method."""
        return y - (self.averages @ y)[self.rows]

    def variances(self, y: Floats) -> Floats:
        """Return the variance of every method's own part [m]."""
        variances = np.bincount(self.rows, self.own(y) ** 2) / self.freedom
        return np.where(variances < 1e-18, 0.0, variances)  # rounding

    def common(self, y: Floats) -> float | None:
        """Return the share of the variance between replicates that is common; None if small, or perhaps chance."""
        whole, rest = (float((self.weights * part**2).sum()) for part in (self.within(y), self.own(y)))
        used = self.weights > 0
        left = int(used.sum()) - len(np.unique(self.rows[used])) - self.rank
        if left < 1 or self.rank < 1 or whole <= 0 or rest <= 0:
            return None
        from scipy import special  # 0.1 s to import, so not before it is needed

        remaining = (rest / left) / (whole / (left + self.rank))
        p = float(special.fdtrc(self.rank, left, (whole - rest) / self.rank / (rest / left)))
        return 1 - remaining if remaining <= MOST_LEFT and p < SURE else None
