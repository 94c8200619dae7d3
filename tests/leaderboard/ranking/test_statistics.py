"""Intervals against closed forms and against SciPy."""

import math

import numpy as np
import pytest
from scipy import stats

from lnlbench.leaderboard.ranking.statistics import interval


def test_interval_of_two_values_in_closed_form():
    # One degree of freedom is Cauchy's distribution, whose quantile is tan(π(q − 1/2)).
    spread = interval([0.4, 0.6])
    assert (spread.mean, spread.n) == (0.5, 2)
    assert spread.half == pytest.approx(math.tan(math.pi * 0.475) * 0.1)


def test_interval_of_three_values_in_closed_form():
    # Two degrees of freedom: t = (2q − 1) √(2 / (4 q (1 − q))).
    spread = interval([0.0, 1.0, 2.0])
    assert spread.half == pytest.approx(0.95 * math.sqrt(2 / (4 * 0.975 * 0.025)) / math.sqrt(3))


@pytest.mark.parametrize("n", [2, 5, 30])
def test_interval_against_scipy(n):
    values = np.random.default_rng(n).normal(size=n)
    low, high = stats.t.interval(0.95, n - 1, loc=values.mean(), scale=stats.sem(values))
    spread = interval(list(values))
    assert (spread.mean - spread.half, spread.mean + spread.half) == (pytest.approx(low), pytest.approx(high))


def test_one_value_has_no_interval():
    assert interval([0.7]).half is None
    with pytest.raises(ValueError, match="at least one"):
        interval([])
