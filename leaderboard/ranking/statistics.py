"""The mean of one cell and its interval, on its own runs alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Interval:
    """A mean, half the width of its confidence interval (None with a single value: undefined), and n."""

    mean: float
    half: float | None
    n: int


def interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Return the mean and its two-sided t interval (Student, 1908).

    Boards have narrower ones, whose variances are partly borrowed from the other methods (`ranking.compare`).

    Raises:
        ValueError: no values.
    """
    n = len(values)
    if n == 0:
        raise ValueError("an interval needs at least one value, got none")
    mean = math.fsum(values) / n
    if n == 1:
        return Interval(mean, None, 1)
    error = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    return Interval(mean, _quantile(level, n - 1) * error, n)


@cache
def _quantile(level: float, degrees: int) -> float:
    from scipy import special  # 0.1 s to import, so not before it is needed

    return float(special.stdtrit(degrees, (1 + level) / 2))
