"""Tests across settings: the unit is a setting's mean (protocol 8)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from lnlbench.leaderboard.ranking.statistics import holm

Means = Mapping[str, Mapping[str, float]]
"""Setting → method → mean score over replicates; every method in every setting."""


@dataclass(frozen=True)
class Across:
    """What the settings decide together.

    `smallest` is the smallest two-sided p that `settings` settings can give, `smallest_adjusted` the same after Holm;
    `p` holds the adjusted p of every pair in both orders and is empty where nothing could be decided, `higher` the
    pairs (a, b) of which a is significantly higher.
    """

    settings: int
    methods: int
    smallest: float
    smallest_adjusted: float
    decidable: bool
    p: Mapping[tuple[str, str], float]
    higher: frozenset[tuple[str, str]]

    @property
    def sentence(self) -> str:
        """What can be said of all settings together, in one sentence."""
        pairs = math.comb(self.methods, 2)
        family = f"{pairs} pair{'s' if pairs != 1 else ''}"
        bound = f"smallest attainable p {self.smallest:.2g}, {self.smallest_adjusted:.2g} after Holm over {family}"
        n = f"{self.settings} setting{'s' if self.settings != 1 else ''}"
        if not self.decidable:
            return f"Across settings: cannot be decided with {n} ({bound})."
        found = f"{len(self.higher)} of {family} differ" if self.higher else f"none of {family} differs"
        return f"Across settings: {found} by Wilcoxon's signed-rank test over {n} ({bound})."


def signed_rank(differences: Sequence[float]) -> float:
    """Return the exact two-sided p of Wilcoxon's signed-rank test (Wilcoxon, 1945); ties share their mean rank.

    Zero differences are dropped; with none left p is 1. Differences equal up to 1e-9 are ties.
    """
    sizes = np.round([value for value in differences if abs(value) > 1e-9], 9)
    if len(sizes) == 0:
        return 1.0
    magnitudes = np.abs(sizes)
    # Twice the mean rank is an integer, so that the distribution can be counted.
    below = (magnitudes[None, :] < magnitudes[:, None]).sum(axis=1)
    equal = (magnitudes[None, :] == magnitudes[:, None]).sum(axis=1)
    doubled = (2 * below + equal + 1).astype(int)
    probability = np.zeros(doubled.sum() + 1)
    probability[0] = 1.0
    for rank in doubled:
        moved = np.zeros_like(probability)
        moved[rank:] = probability[: len(probability) - rank]
        probability = (probability + moved) / 2
    seen = int(doubled[sizes > 0].sum())
    tail = min(probability[: seen + 1].sum(), probability[seen:].sum())
    return float(min(1.0, 2 * tail))


def compare_across(means: Means, methods: Sequence[str], alpha: float = 0.05) -> Across:
    """Compare every two methods over settings, p adjusted by Holm over all pairs.

    With fewer settings than any result could be significant with, no test is made: that is not a tie.
    """
    settings, pairs = len(means), list(combinations(methods, 2))
    smallest = min(1.0, 2.0 ** (1 - settings))
    adjusted = min(1.0, smallest * len(pairs))
    decidable = bool(pairs) and adjusted < alpha
    if not decidable:
        return Across(settings, len(methods), smallest, adjusted, False, {}, frozenset())
    differences = [[row[a] - row[b] for row in means.values()] for a, b in pairs]
    p: dict[tuple[str, str], float] = {}
    higher = set()
    for (a, b), d, value in zip(pairs, differences, holm([signed_rank(d) for d in differences]), strict=True):
        p[a, b] = p[b, a] = 1.0 if value is None else value
        if p[a, b] < alpha:
            higher.add((a, b) if _rank_sum(d) > 0 else (b, a))
    return Across(settings, len(methods), smallest, adjusted, True, p, frozenset(higher))


def mean_rank_intervals(
    ranks: Mapping[str, Mapping[str, int]],
    methods: Sequence[str],
    rng: np.random.Generator,
    level: float = 0.95,
    draws: int = 10_000,
) -> dict[str, tuple[float, float] | None]:
    """Return a percentile bootstrap interval of each method's mean rank, settings drawn with replacement (Efron, 1979).

    Args:
        ranks: setting → method → rank; every method in every setting.
        methods: whose intervals to give.
        rng: source of the draws; the same settings are drawn for every method.
        level: of the interval.
        draws: how many.

    None for all with fewer than two settings, which have no spread.
    """
    if len(ranks) < 2:
        return dict.fromkeys(methods)
    table = np.array([[row[method] for method in methods] for row in ranks.values()], float)  # [settings, methods]
    # How often each setting is drawn is all that a mean depends on.
    weights = rng.multinomial(len(table), np.full(len(table), 1 / len(table)), size=draws) / len(table)
    low, high = np.quantile(weights @ table, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return {method: (float(low[i]), float(high[i])) for i, method in enumerate(methods)}


def _rank_sum(differences: Sequence[float]) -> float:
    """Return the signed rank sum, whose sign says which of two methods is higher."""
    values = np.round(np.array(differences), 9)
    sizes = np.abs(values)
    ranks = (sizes[None, :] < sizes[:, None]).sum(1) + ((sizes[None, :] == sizes[:, None]).sum(1) + 1) / 2
    return float((np.sign(values) * ranks).sum())
