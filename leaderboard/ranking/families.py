"""What tests decide together: Holm's p, rank ranges, and who is practically equal to the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lnlbench.leaderboard.ranking.thresholds import ALPHA
from lnlbench.leaderboard.ranking.welch import Welch

Floats = npt.NDArray[np.float64]


def holm(p_values: Sequence[float] | Floats) -> Floats:
    """Return p values adjusted for multiple testing, in the given order.

    Source: Holm, Scand. J. Statist. 6, 1979.
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    steps = np.minimum(1.0, (len(p) - np.arange(len(p))) * p[order])
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(steps)
    return adjusted


@dataclass(frozen=True, kw_only=True)
class RankRanges:
    """The ranks that each of m methods may truly have: `best` and `worst` [m], counted from 1."""

    best: npt.NDArray[np.int64]
    worst: npt.NDArray[np.int64]


def rank_ranges(welch: Welch, alpha: float = ALPHA) -> RankRanges:
    """Return the range of ranks of every method: outside it others are significantly better, or worse.

    Each method is a family of its own, of m − 1 two-sided comparisons under Bonferroni: its range holds its true rank
    with a probability of 1 − alpha at least.

    Source: Mogstad, Romano, Shaikh and Wilhelm, Review of Economic Studies 91(1), 2024.
    """
    count = len(welch.means)
    decided = welch.p * max(1, count - 1) < alpha
    better = (decided & (welch.difference < 0)).sum(axis=1)
    worse = (decided & (welch.difference > 0)).sum(axis=1)
    return RankRanges(best=1 + better, worst=count - worse)


def against(welch: Welch, reference: int, members: npt.NDArray[np.bool_]) -> Floats:
    """Return p of every method against one, by Holm over the members of the family; NaN for all others.

    Args:
        welch: the tests.
        reference: place of the method that they are held against.
        members: [m] the family; the reference itself is never of it.
    """
    family = members.copy()
    family[reference] = False
    adjusted = np.full(len(welch.means), np.nan)
    adjusted[family] = holm(welch.p[family, reference])
    return adjusted


def all_pairs(welch: Welch) -> Floats:
    """Return p of every pair [m, m], by Holm over all m(m − 1)/2 of them."""
    count = len(welch.means)
    upper = np.triu_indices(count, 1)
    adjusted = np.ones((count, count))
    adjusted[upper] = holm(welch.p[upper])
    return np.minimum(adjusted, adjusted.T)


def gap_bounds(welch: Welch, first: int, alpha: float = ALPHA) -> Floats:
    """Return how far each method may truly be from the first [m], in points: one-sided, Bonferroni over m − 1.

    A method is practically equal to the first where this is above minus the margin.
    """
    count = len(welch.means)
    if count < 2:
        return np.zeros(count)
    bounds: Floats = welch.bounds(1 - alpha / (count - 1))[:, first]
    bounds[first] = 0.0
    return bounds


def chances_of_first(welch: Welch, seed: int = 0, draws: int = 20_000) -> Floats:
    """Return how often each method has the highest mean among draws of all means [m]: a description, no test.

    Means are drawn from t distributions around those observed. Methods that a single test would set below the first
    at p < 1e-4 are not drawn, nor are those without a known spread.
    """
    rng = np.random.default_rng(seed)
    freedom = welch.moderated.freedom
    contending = welch.p[:, np.argmax(welch.means)] > 1e-4
    known = np.flatnonzero(np.isfinite(welch.squared_errors) & (freedom > 0) & contending)
    # A t value with infinite degrees of freedom is a normal one; NumPy takes only finite ones.
    noise = rng.standard_t(np.minimum(freedom[known], 1e9), (draws, len(known)))
    drawn = welch.means[known] + np.sqrt(welch.squared_errors[known]) * noise
    fixed = np.setdiff1d(np.arange(len(welch.means)), known)
    if len(fixed):  # all of these but the highest are never first
        known = np.append(known, fixed[np.argmax(welch.means[fixed])])
        drawn = np.column_stack([drawn, np.full(draws, welch.means[known[-1]])])
    return np.bincount(known[np.argmax(drawn, axis=1)], minlength=len(welch.means)) / draws
