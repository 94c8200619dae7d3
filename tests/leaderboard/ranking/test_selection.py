"""What choosing by noisy validation is worth."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from lnlbench.leaderboard.ranking.selection import rank_correlation, regret


def test_the_correlation_is_kendalls_with_ties():
    draws = np.random.default_rng(0).integers(0, 5, (30, 2))
    assert rank_correlation(draws.tolist()) == pytest.approx(kendalltau(*draws.T).statistic)
    assert rank_correlation([(1, 5), (2, 6)]) == 1 and rank_correlation([(1, 6), (2, 5)]) == -1


@pytest.mark.parametrize("pairs", [[], [(0.5, 0.5)], [(0.5, 0.1), (0.5, 0.9)]], ids=["none", "one", "no variation"])
def test_nothing_is_said_of_what_does_not_vary(pairs):
    assert rank_correlation(pairs) is None


def test_the_regret_is_what_the_best_is_above_the_chosen():
    assert regret([0.5, 0.9, 0.7], 2) == pytest.approx(0.2) and regret([0.5, 0.9], 1) == 0
