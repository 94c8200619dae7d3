"""Intervals of claims: by how much one method is above another, and how large a share is."""

from __future__ import annotations

import numpy as np

from lnlbench.leaderboard.ranking.compare import column_of
from lnlbench.leaderboard.ranking.statistics import interval
from lnlbench.leaderboard.ranking.welch import Welch, side_by_side

Cell = tuple[str, str]
"""Method and noise."""


def columns_of(scores: dict[Cell, dict[int, float]]) -> dict[str, tuple[list[str], Welch]]:
    """Return the methods of every noise, and the column that tests are asked of."""
    methods: dict[str, list[str]] = {}
    for method, noise in scores:
        methods.setdefault(noise, []).append(method)
    return {
        noise: (names, column_of(names, {name: scores[name, noise] for name in names}, names))
        for noise, names in methods.items()
    }


def difference(columns: dict[str, tuple[list[str], Welch]], a: Cell, b: Cell, level: float) -> list[float]:
    """Return the ends of the interval of a minus b, in points; not numbers with one replicate."""
    (first, one), (second, other) = columns[a[1]], columns[b[1]]
    both = side_by_side(one, first.index(a[0]), other, second.index(b[0]))
    if both.replicates.min() < 2:
        return [np.nan, np.nan]
    middle, half = float(both.difference[0, 1]), float(both.half_widths(level)[0, 1])
    return [middle - half, middle + half] if np.isfinite(half) else [np.nan, np.nan]


def share(values: list[float], level: float) -> list[float]:
    """Return the ends of the t interval of shares in percent; not numbers with fewer than two."""
    if len(values) < 2:
        return [np.nan, np.nan]
    found = interval(values, level)
    half = found.half or 0.0
    return [found.mean - half, found.mean + half]
