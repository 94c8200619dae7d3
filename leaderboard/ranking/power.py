"""How many replicates a difference would need: the power of the paired t test."""

import math
from collections.abc import Mapping
from itertools import combinations

from lnlbench.leaderboard.ranking.statistics import Scores

DIFFERENCE = 0.005
"""Half a point of accuracy, the difference that boards speak of (protocol 8)."""

POWER = 0.8
MOST = 100_000


def paired_spread(methods: Mapping[str, Scores]) -> float | None:
    """Return the standard deviation of paired differences, pooled over all pairs of methods within one setting.

    None where no pair has two common replicates.
    """
    squares, freedom = 0.0, 0
    for a, b in combinations(methods, 2):
        common = methods[a].keys() & methods[b].keys()
        if len(common) > 1:
            differences = [methods[a][i] - methods[b][i] for i in common]
            mean = math.fsum(differences) / len(differences)
            squares += math.fsum((value - mean) ** 2 for value in differences)
            freedom += len(differences) - 1
    return math.sqrt(squares / freedom) if freedom else None


def replicates_needed(spread: float, alpha: float, difference: float = DIFFERENCE, power: float = POWER) -> int | None:
    """Return the fewest replicates with which a paired t test finds a true difference; None beyond `MOST`.

    Args:
        spread: standard deviation of the paired differences, in the unit of `difference`.
        alpha: level of the test, two-sided; within a family that of Holm's first step, 0.05 / pairs.
        difference: the true mean difference.
        power: probability of a significant result.

    Source: Cohen (1988), with the noncentral t distribution.
    """
    if spread <= 0:
        return 2
    low, high = 1, 2  # too few, enough
    while _power(high, spread, alpha, difference) < power:
        low, high = high, 2 * high
        if low > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        enough = _power(middle, spread, alpha, difference) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def _power(n: int, spread: float, alpha: float, difference: float) -> float:
    from scipy import special  # 0.1 s to import

    shift, freedom = difference / spread * math.sqrt(n), n - 1
    critical = float(special.stdtrit(freedom, 1 - alpha / 2))
    if shift > 30:  # beyond what the noncentral distribution is computed for
        return float(special.ndtr(shift - critical))
    upper = 1 - float(special.nctdtr(freedom, shift, critical))
    lower = float(special.nctdtr(freedom, shift, -critical))
    return upper + (0.0 if math.isnan(lower) else lower)
