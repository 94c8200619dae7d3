"""Welch's t test between any two methods of one column, on moderated variances."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lnlbench.leaderboard.ranking.moderation import Moderated

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Welch:
    """Every two of m methods compared: row minus column, in percentage points.

    Args:
        means: [m] accuracies in percent.
        replicates: [m] how many each mean is of.
        moderated: their variances.

    Source: Welch, Biometrika 34, 1947, with the degrees of freedom of Satterthwaite, Biometrics 2, 1946.
    """

    means: Floats
    replicates: Floats
    moderated: Moderated

    @cached_property
    def squared_errors(self) -> Floats:
        """Return the squared standard error of every mean [m]."""
        return self.moderated.variance / self.replicates

    @cached_property
    def difference(self) -> Floats:
        """Return by how much the row is higher than the column [m, m]."""
        return self.means[:, None] - self.means[None, :]

    @cached_property
    def error(self) -> Floats:
        """Return the standard error of every difference [m, m]."""
        return np.sqrt(self.squared_errors[:, None] + self.squared_errors[None, :])

    @cached_property
    def freedom(self) -> Floats:
        """Return the degrees of freedom of every comparison [m, m]; at least those of the poorer method."""
        e = self.squared_errors
        with np.errstate(invalid="ignore", divide="ignore"):
            parts = e**2 / self.moderated.freedom
            found = self.error**4 / (parts[:, None] + parts[None, :])
        return np.where(np.isfinite(e[:, None] + e[None, :]), found, 1.0)

    @cached_property
    def statistic(self) -> Floats:
        """Return t [m, m]; 0 where nothing is known of a spread."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.nan_to_num(self.difference / self.error, nan=0.0)

    @cached_property
    def p(self) -> Floats:
        """Return the two-sided p of every difference [m, m], not adjusted; 1 on the diagonal."""
        return np.minimum(1.0, 2 * self.tail(-np.abs(self.statistic)))

    @cached_property
    def higher(self) -> Floats:
        """Return the probability that the row is truly higher than the column [m, m]: a description, no test."""
        return self.tail(self.statistic)

    def tail(self, statistic: Floats) -> Floats:
        """Return the probability of t below a value, with the degrees of freedom of each comparison [m, m]."""
        probability: Floats = _special().stdtr(self.freedom, statistic)
        return probability

    def half_widths(self, level: float = 0.95) -> Floats:
        """Return half the width of the interval of every difference [m, m]."""
        width: Floats = _special().stdtrit(self.freedom, (1 + level) / 2) * self.error
        return width

    def bounds(self, level: float) -> Floats:
        """Return the one-sided lower bound of every difference [m, m]."""
        bound: Floats = self.difference - _special().stdtrit(self.freedom, level) * self.error
        return bound

    def mean_half_widths(self) -> Floats:
        """Return half the width of every mean's 95 % interval [m]; infinite where nothing is known of its spread."""
        freedom = np.maximum(self.moderated.freedom, 1e-9)
        with np.errstate(invalid="ignore"):
            width = _special().stdtrit(freedom, 0.975) * np.sqrt(self.squared_errors)
        return np.where(self.moderated.freedom > 0, width, np.inf)


def side_by_side(first: Welch, i: int, second: Welch, j: int) -> Welch:
    """Return the comparison of one method of each of two columns.

    Args:
        first: a column.
        i: place of a method in it.
        second: another column, or the same.
        j: place of a method in that.
    """
    both = ((first, i), (second, j))
    moderated = Moderated(
        variance=np.array([column.moderated.variance[at] for column, at in both]),
        freedom=np.array([column.moderated.freedom[at] for column, at in both]),
        prior=np.array([column.moderated.prior[at] for column, at in both]),
        borrowed=min(column.moderated.borrowed for column, _ in both),
        estimated=min(column.moderated.estimated for column, _ in both),
    )
    return Welch(
        np.array([column.means[at] for column, at in both]),
        np.array([column.replicates[at] for column, at in both]),
        moderated,
    )


def _special() -> Any:
    from scipy import special  # 0.1 s to import, so not before it is needed

    return special
