"""Moderated variances: each method's variance over replicates, steadied by those of the other methods (Smyth, 2004)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
FEWEST = 4
"""Methods below which nothing is borrowed."""
TREND_FROM = 12
"""Methods from which on the prior follows the mean accuracy."""
LEAST_ESTIMATED = 1.0
"""The d₀, before its cap, below which nothing is borrowed: methods of such unlike spread tell nothing of each other."""
MOST_BORROWED = 4.0
"""Upper end of the prior's degrees of freedom; together with a sixth of the methods (`ranking` in docs)."""
MOST_TOGETHER = 7.0
"""Upper end of the degrees of freedom that a method has on average with those of the prior: who has replicates enough
borrows less, since what methods truly differ by weighs more the more each of them is known."""


@dataclass(frozen=True, kw_only=True)
class Moderated:
    """Variances of one column of a board, in squared points, and what they are worth.

    `variance` [m] is the posterior variance of each method, `freedom` [m] its degrees of freedom d₀ + nᵢ − 1 (0 with
    a single replicate and nothing borrowed), `prior` [m] the variance s₀² that the others suggest (NaN where nothing
    is borrowed), `borrowed` the degrees of freedom d₀ that it is given, `estimated` the d₀ before the cap.
    """

    variance: Floats
    freedom: Floats
    prior: Floats
    borrowed: float
    estimated: float


def moderate(
    means: Floats,
    variances: Floats,
    replicates: Floats,
    sources: npt.NDArray[np.bool_],
    *,
    trend: bool = True,
    cap: bool = True,
) -> Moderated:
    """Return variances shrunk towards a common prior, as limma's `squeezeVar` does for genes.

    Args:
        means: [m] accuracies in percent.
        variances: [m] of replicates, in squared points; any number with a single replicate.
        replicates: [m] how many there are.
        sources: [m] whose variances tell of the prior: runs of their own that did not diverge.
        trend: whether the prior follows ln(100 − mean), from `TREND_FROM` sources on.
        cap: whether d₀ ends at `MOST_BORROWED`, a sixth of the sources and what `MOST_TOGETHER` leaves, and is 0 where
            it is estimated below `LEAST_ESTIMATED`; without it this is `squeezeVar`, except that an infinite d₀ has the
            geometric mean of the variances as limma's first version had.

    Source: Smyth, "Linear models and empirical Bayes methods", Stat. Appl. Genet. Mol. Biol. 3(1), 2004, equations
    for d₀ and s₀². Both ends guard against methods of different kind, whose variances differ truly. Equal scores are a
    variance of 0 with all its weight: that scores round to one number is the likelier the smaller the variance, and a
    method that diverged in every run is surely at chance.
    """
    freedom = replicates - 1.0
    used = sources & (freedom > 0) & (variances > 0)  # no logarithm of equal scores tells of the prior
    count = int(used.sum())
    if count < FEWEST:
        return _unmoderated(variances, freedom)
    special = _special()
    typical = np.median(variances[used])
    half = freedom[used] / 2
    logs = np.log(np.maximum(variances[used], 1e-5 * typical))
    spread = logs - special.digamma(half) + np.log(half)  # e: unbiased for ln s₀² + ψ(d₀/2) − ln(d₀/2)
    level, residual = _level(spread, means, used, trend and count >= TREND_FROM)
    estimated = _prior_freedom(residual - float(special.polygamma(1, half).mean()))
    most = min(MOST_BORROWED, count / 6, MOST_TOGETHER - float(freedom[used].mean())) if cap else np.inf
    if cap and (estimated < LEAST_ESTIMATED or most <= 0):
        return replace(_unmoderated(variances, freedom), estimated=estimated)
    shift = special.digamma(estimated / 2) - np.log(estimated / 2) if np.isfinite(estimated) else 0.0
    prior = np.exp(level + shift)
    borrowed = min(estimated, most)
    own = np.where(freedom > 0, variances, 0.0)
    if np.isinf(borrowed):
        return Moderated(
            variance=prior, freedom=np.full_like(prior, np.inf), prior=prior, borrowed=borrowed, estimated=estimated
        )
    total = borrowed + freedom
    return Moderated(
        variance=(borrowed * prior + freedom * own) / total,
        freedom=total,
        prior=prior,
        borrowed=borrowed,
        estimated=estimated,
    )


def invert_trigamma(value: float) -> float:
    """Return the x above 0 with ψ′(x) = value, by Newton's method on 1/ψ′, which is convex and nearly linear.

    Args:
        value: above 0.

    Source: Smyth 2004, appendix.
    """
    special = _special()
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(special.polygamma(2, x))
        x += step
        if -step < 1e-12 * x:
            break
    return x


def _level(spread: Floats, means: Floats, used: npt.NDArray[np.bool_], trend: bool) -> tuple[Floats, float]:
    """Return the expected `spread` of every method [m], and the variance around it."""
    if not trend:
        return np.full(len(means), spread.mean()), float(spread.var(ddof=1))
    error = np.log(np.maximum(100 - means, 0.01))  # one test image in ten thousand
    design = np.stack([np.ones(len(means)), error], axis=1)
    weights, *_ = np.linalg.lstsq(design[used], spread, rcond=None)
    left = spread - design[used] @ weights
    return design @ weights, float((left**2).sum() / (len(spread) - 2))


def _prior_freedom(excess: float) -> float:
    """Return d₀ from how much more the log variances differ than chance makes them."""
    return 2 * invert_trigamma(excess) if excess > 0 else np.inf


def _unmoderated(variances: Floats, freedom: Floats) -> Moderated:
    """Return the variances as they are, but no variance of 0, which would decide everything.

    Equal scores take the mean variance of the others; where all are equal the variance is infinite: nothing is told.
    """
    known = (freedom > 0) & (variances > 0)
    substitute = float(variances[known].mean()) if known.any() else np.inf
    return Moderated(
        variance=np.where((freedom > 0) & (variances > 0), variances, substitute),
        freedom=np.maximum(freedom, 0.0),
        prior=np.full(len(variances), np.nan),
        borrowed=0.0,
        estimated=0.0,
    )


def _special() -> Any:
    from scipy import special  # 0.1 s to import, so not before it is needed

    return special
