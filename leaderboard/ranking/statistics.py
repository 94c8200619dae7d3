"""Intervals, paired tests and ranks: pure functions on scores (protocol 8)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations

Scores = Mapping[int, float]
"""Replicate → score. Replicates of the same number are pairs: same noise, split and seed for every method."""


@dataclass(frozen=True)
class Interval:
    """A mean, half the width of its confidence interval (None with a single value: undefined), and n."""

    mean: float
    half: float | None
    n: int


@dataclass(frozen=True)
class Comparison:
    """How much higher a scores than b over n common replicates, with interval and p (None where n < 2)."""

    difference: float
    half: float | None
    p: float | None
    n: int


def interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Return the mean and its two-sided t interval (Student, 1908).

    Raises:
        ValueError: no values.
    """
    n = len(values)
    if n == 0:
        raise ValueError("an interval needs at least one value, got none")
    mean = math.fsum(values) / n
    if n == 1:
        return Interval(mean, None, 1)
    return Interval(mean, _quantile(level, n - 1) * _standard_error(values, mean), n)


def paired(a: Scores, b: Scores, level: float = 0.95) -> Comparison | None:
    """Compare two methods by the paired t test over their common replicates; None if they share none.

    Differences that are all equal have no spread: p is then 0, or 1 where they are all zero.
    """
    common = sorted(a.keys() & b.keys())
    if not common:
        return None
    differences = [a[i] - b[i] for i in common]
    spread = interval(differences, level)
    if spread.half is None:
        return Comparison(spread.mean, None, None, 1)
    error = _standard_error(differences, spread.mean)
    if error < 1e-12:  # rounding of equal differences; accuracies differ by 1e-5 or not at all
        return Comparison(spread.mean, 0.0, 0.0 if abs(spread.mean) > 1e-12 else 1.0, spread.n)
    from scipy import special

    p = 2 * float(special.stdtr(spread.n - 1, -abs(spread.mean / error)))
    return Comparison(spread.mean, spread.half, p, spread.n)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p values for multiple testing (Holm, 1979), in the given order.

    A test that could not be made (None) stays None but counts as a member of the family, which is conservative.
    """
    adjusted: list[float | None] = [None] * len(p_values)
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    highest = 0.0
    for place, (p, i) in enumerate(known):
        highest = max(highest, min(1.0, (len(p_values) - place) * p))
        adjusted[i] = highest
    return adjusted


def compare_all(methods: Mapping[str, Scores]) -> dict[tuple[str, str], Comparison]:
    """Compare every two methods within one setting, p adjusted by Holm over all of these pairs.

    Both orders of a pair are keys; pairs without a common replicate are left out.
    """
    pairs = list(combinations(methods, 2))
    raw = [paired(methods[a], methods[b]) for a, b in pairs]
    adjusted = holm([None if test is None else test.p for test in raw])
    tests = {}
    for (a, b), test, p in zip(pairs, raw, adjusted, strict=True):
        if test is not None:
            tests[a, b] = replace(test, p=p)
            tests[b, a] = replace(test, p=p, difference=-test.difference)
    return tests


def higher(
    tests: Mapping[tuple[str, str], Comparison], methods: Sequence[str], alpha: float = 0.05
) -> set[tuple[str, str]] | None:
    """Return the pairs (a, b) of which a is significantly higher, of the tests that `compare_all` made.

    None where one of the pairs could not be tested (fewer than two common replicates): no test is not a tie.
    """
    if any(tests.get(pair) is None or tests[pair].p is None for pair in combinations(methods, 2)):
        return None
    return {pair for pair, test in tests.items() if test.p is not None and test.p < alpha and test.difference > 0}


def ranks(methods: Mapping[str, Scores], alpha: float = 0.05) -> dict[str, int | None]:
    """Return 1 + the number of methods that are significantly better, within one setting.

    None for all where one of the pairs cannot be tested.
    """
    return ranks_of(higher(compare_all(methods), list(methods), alpha), list(methods))


def ranks_of(better: set[tuple[str, str]] | None, methods: Sequence[str]) -> dict[str, int | None]:
    """Return 1 + the number of methods that are better, of the pairs that `higher` found."""
    if better is None:
        return dict.fromkeys(methods)
    return {b: 1 + sum((a, b) in better for a in methods) for b in methods}


def complete_settings(cells: Mapping[str, Mapping[str, Scores]], methods: Sequence[str]) -> list[str]:
    """Return the settings (of setting → method → scores) in which no method lacks its cell."""
    return [setting for setting, row in cells.items() if all(row.get(method) for method in methods)]


def mean_ranks(ranked: Mapping[str, Mapping[str, int | None]], methods: Sequence[str]) -> dict[str, float | None]:
    """Return each method's mean rank over the settings (of setting → method → rank) where all have one.

    A missing cell takes its setting out for all; None for all where no setting is left.
    """
    rows = [[row.get(method) for method in methods] for row in ranked.values()]
    whole = [[rank for rank in row if rank is not None] for row in rows if None not in row]
    if not whole:
        return dict.fromkeys(methods)
    return {method: math.fsum(row[i] for row in whole) / len(whole) for i, method in enumerate(methods)}


def _standard_error(values: Sequence[float], mean: float) -> float:
    n = len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)


@cache
def _quantile(level: float, degrees: int) -> float:
    from scipy import special  # 0.1 s to import, so not before it is needed

    return float(special.stdtrit(degrees, (1 + level) / 2))
