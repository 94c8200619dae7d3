"""Take out of the tests of a column what a draw does to all methods alike, where replicates differ mostly by that.

Replicate i has the same noise and split for every method. Under instance-dependent noise one draw may cost all methods
ten points more than another one: two methods then differ far less from draw to draw than their own scores do.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
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
        means: [m] as they would be on all draws.
        replicates: [m] how many each has.
        moderated: variances of what is a method's own.
        shares: [m, m, m] for row i, column j: how much of the variance of each method is in their difference.
        common: share of the variance between replicates that is common to all methods.
        effects: what each draw does to all methods, in points; 0 on average.
        alone: the methods without borrowing, and without draws.
        apart: [m] those without two draws in common with others, compared with all as in `alone`.
    """

    shares: Floats
    common: float
    effects: Mapping[int, float]
    alone: Welch
    apart: npt.NDArray[np.bool_]

    @cached_property
    def difference(self) -> Floats:
        """Return by how much the row is higher than the column [m, m]."""
        return self._or_alone(self.means[:, None] - self.means[None, :], self.alone.difference)

    @cached_property
    def error(self) -> Floats:
        """Return the standard error of every difference [m, m]."""
        return self._or_alone(np.sqrt(self.shares @ self.moderated.variance), self.alone.error)

    @cached_property
    def freedom(self) -> Floats:
        """Return the degrees of freedom of every comparison [m, m], after Satterthwaite."""
        own = self.moderated
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = self.shares @ own.variance
            found = spread**2 / (self.shares**2 @ (own.variance**2 / own.freedom))
        return self._or_alone(np.where(np.isfinite(found), found, 1.0), self.alone.freedom)

    def on_all(self, scores: Mapping[int, float]) -> float:
        """Return the mean of scores by replicate as it would be on all draws."""
        return math.fsum(score - self.effects.get(i, 0.0) for i, score in scores.items()) / len(scores)

    def _or_alone(self, together: Floats, alone: Floats) -> Floats:
        return np.where(self.apart[:, None] | self.apart, alone, together)


def same_draws(
    names: Sequence[str],
    scores: Mapping[str, Mapping[int, float]],
    sources: Collection[str],
    alone: Welch,
    *,
    trend: bool = True,
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
        alone: the same methods, without borrowing.
        trend: whether the prior of the variances may follow the mean.
    """
    if len(sources) < FEWEST:
        return None
    replicates = sorted({i for name in names for i in scores[name]})
    told = np.array([name in sources for name in names], bool)
    linked = _linked(np.array([[i in scores[name] for i in replicates] for name in names], bool), told)
    apart = np.logical_not(np.any(linked, axis=1))
    inside = np.flatnonzero(~apart)
    told = told[inside]
    if len({frozenset(scores[names[m]].items()) for m in inside[told]}) < FEWEST:
        return None
    rows, draws = np.nonzero(linked[inside])
    y = np.array([scores[names[inside[row]]][replicates[draw]] for row, draw in zip(rows, draws, strict=True)], float)
    fit = _Fit(rows, np.unique(draws, return_inverse=True)[1], told.astype(np.float64))
    for _ in range(ROUNDS):
        if fit.idle:
            return None
        typical = float(np.median(fit.variances(y)[told]))
        if typical <= 0 or (fit.variances(y)[told] <= UNLIKE * typical).all():
            break
        fit = fit.weighted(told / np.maximum(1.0, fit.variances(y) / (UNLIKE * typical)))
    if fit.idle or (common := fit.common(y)) is None:
        return None
    means = fit.means @ y
    own = moderate(means, fit.variances(y), fit.freedom + 1.0, told, trend=trend)
    squares = np.stack([fit.means[:, rows == m] @ fit.means[:, rows == m].T for m in range(len(inside))], axis=-1)
    diagonal = np.einsum("iim->im", squares)
    shares = np.zeros((len(names),) * 3)
    shares[np.ix_(inside, inside, inside)] = np.maximum(diagonal[:, None] + diagonal[None, :] - 2 * squares, 0.0)
    return SameDraws(
        means=_placed(alone.means, inside, means),
        replicates=_placed(alone.replicates, inside, fit.counts),
        moderated=replace(
            own,
            variance=_placed(alone.moderated.variance, inside, own.variance),
            freedom=_placed(alone.moderated.freedom, inside, own.freedom),
            prior=_placed(alone.moderated.prior, inside, own.prior),
        ),
        shares=shares,
        common=common,
        effects=dict(zip((replicates[draw] for draw in np.unique(draws)), (fit.effects @ y).tolist(), strict=True)),
        alone=alone,
        apart=apart,
    )


def _linked(has: npt.NDArray[np.bool_], told: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which scores [m, draws] can be compared on the same draws: those of the largest group of methods.

    A draw tells where two sources have it, and a method can be compared where it has two such draws.
    """
    before = np.zeros_like(has)
    while (has != before).any():
        before, has = has, has & (has[told].sum(axis=0) > 1)
        has = has & (has.sum(axis=1) > 1)[:, None]
    groups = has[told].T @ has[told]  # [draws, draws], those that a source has both of
    while (further := groups @ groups).sum() > groups.sum():
        groups = further
    has = has & groups[np.argmax((has[told] @ groups).sum(axis=0))]
    linked: npt.NDArray[np.bool_] = has & (has.sum(axis=1) > 1)[:, None]
    return linked


def _placed(values: Floats, at: npt.NDArray[np.int64], others: Floats) -> Floats:
    """Return values of all methods with others in place of some."""
    placed = values.copy()
    placed[at] = others
    return placed


class _Fit:
    """The linear maps of the additive model: from scores to means and residuals, where draws are told by some methods.

    Args:
        rows: [N] the method of each score.
        draws: [N] the replicate of each score.
        weights: [m] how much each method tells of the draws; 0: nothing.
    """

    def __init__(self, rows: npt.NDArray[np.int64], draws: npt.NDArray[np.int64], weights: Floats) -> None:
        self.rows, self.draws, self.counts = rows, draws, np.bincount(rows).astype(np.float64)
        self.weights = weights[rows]
        self.averages = np.eye(len(weights))[rows].T / self.counts[:, None]  # [m, N]
        of_draw = np.eye(draws.max() + 1)[draws]  # [N, draws]
        by_method = self.averages @ of_draw
        self.centred = of_draw - by_method[rows]
        roots = np.sqrt(self.weights)
        design = self.centred * roots[:, None]
        self.rank = of_draw.shape[1] - 1
        self.effects = np.linalg.pinv(design) * roots  # [draws, N]; they add up to 0
        self.means = self.averages - by_method @ self.effects  # [m, N]
        spent = np.bincount(rows, (self.centred * self.effects.T).sum(axis=1))  # 0 for those that do not tell
        self.freedom = self.counts - 1.0 - spent.astype(np.float64)

    def weighted(self, weights: Floats) -> _Fit:
        """Return the maps with other weights."""
        return _Fit(self.rows, self.draws, weights)

    @property
    def idle(self) -> bool:
        """Return whether nothing is left of some method to tell its variance."""
        return bool((self.freedom < 1e-6).any())

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
