"""How many replicates a difference would need, against scipy's noncentral t and against a simulation."""

import numpy as np
import pytest
from scipy import stats

from lnlbench.leaderboard.ranking.power import paired_spread, replicates_needed


def power(n, effect, alpha):
    critical, shift = stats.t.ppf(1 - alpha / 2, n - 1), effect * n**0.5
    return stats.nct.sf(critical, n - 1, shift) + np.nan_to_num(stats.nct.cdf(-critical, n - 1, shift))


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 36])
@pytest.mark.parametrize("spread", [0.002, 0.005, 0.02])
def test_the_fewest_with_enough_power(spread, alpha):
    n = replicates_needed(spread, alpha)
    assert power(n, 0.005 / spread, alpha) >= 0.8
    assert power(n - 1, 0.005 / spread, alpha) < 0.8


def test_against_a_simulation():
    n = replicates_needed(0.01, 0.05)
    draws = np.random.default_rng(0).normal(0.005, 0.01, size=(20_000, n))
    assert (stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.02)


def test_the_extremes():
    assert replicates_needed(0.0, 0.05) == 2  # without a spread any two replicates show it
    assert replicates_needed(1e-7, 0.05) == 2
    assert replicates_needed(100.0, 0.05) is None


def test_the_spread_is_that_of_paired_differences():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=5)
    a, b = shared + 0.1 * rng.normal(size=5), shared + 0.1 * rng.normal(size=5)
    assert paired_spread({"a": dict(enumerate(a)), "b": dict(enumerate(b))}) == pytest.approx(np.std(a - b, ddof=1))
    assert paired_spread({"a": {0: 0.5}, "b": {0: 0.4}}) is None
    assert paired_spread({"a": {0: 0.5, 1: 0.6}}) is None
