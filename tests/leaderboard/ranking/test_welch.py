"""Two methods compared: against SciPy without the prior, and by hand with it."""

import numpy as np
import pytest
from scipy import stats

from lnlbench.leaderboard.ranking.moderation import Moderated, moderate
from lnlbench.leaderboard.ranking.welch import Welch


def plain(means, variances, replicates):
    """The tests on variances as they are."""
    variances, replicates = np.array(variances, float), np.array(replicates, float)
    own = Moderated(
        variance=variances, freedom=replicates - 1, prior=np.full(len(variances), np.nan), borrowed=0.0, estimated=0.0
    )
    return Welch(np.array(means, float), replicates, own)


@pytest.mark.parametrize(
    ("variances", "replicates"),
    [
        pytest.param([0.1, 0.2, 3.0], [3, 3, 3], id="unequal variances"),
        pytest.param([0.1, 0.2, 3.0], [2, 5, 10], id="unequal n"),
        pytest.param([1.0, 1.0, 1.0], [2, 2, 2], id="two replicates"),
    ],
)
def test_without_a_prior_it_is_the_test_of_scipy(variances, replicates):
    means = [97.0, 96.0, 90.5]
    found = plain(means, variances, replicates)
    for a in range(3):
        for b in range(3):
            if a != b:
                numbers = [(means[i], variances[i] ** 0.5, replicates[i]) for i in (a, b)]
                test = stats.ttest_ind_from_stats(*numbers[0], *numbers[1], equal_var=False)
                assert found.statistic[a, b] == pytest.approx(test.statistic)
                assert found.p[a, b] == pytest.approx(test.pvalue)


def test_intervals_are_those_of_scipy():
    rng = np.random.default_rng(1)
    scores = [rng.normal(90, 1, 4), rng.normal(88, 3, 6)]
    found = plain([row.mean() for row in scores], [row.var(ddof=1) for row in scores], [4, 6])
    interval = stats.ttest_ind(*scores, equal_var=False).confidence_interval()
    assert found.difference[0, 1] - found.half_widths()[0, 1] == pytest.approx(interval.low)
    assert found.bounds(0.975)[0, 1] == pytest.approx(interval.low)
    alone = stats.t.interval(0.95, 3, scores[0].mean(), stats.sem(scores[0]))
    assert found.mean_half_widths()[0] == pytest.approx((alone[1] - alone[0]) / 2)


def test_borrowed_freedom_counts():
    """s̃² = (1·0.5 + 2·0.2)/3, df 3: written out."""
    own = Moderated(variance=np.full(2, 0.3), freedom=np.full(2, 3.0), prior=np.full(2, 0.5), borrowed=1, estimated=9)
    found = Welch(np.array([96.0, 95.0]), np.full(2, 3.0), own)
    assert found.error[0, 1] == pytest.approx((0.2) ** 0.5)
    assert found.freedom[0, 1] == pytest.approx(6)
    assert found.p[0, 1] == pytest.approx(2 * stats.t.sf(1 / 0.2**0.5, 6))
    assert found.higher[0, 1] == pytest.approx(1 - found.p[0, 1] / 2)


def test_equal_scores_everywhere_decide_nothing():
    means, replicates = np.array([90.0, 80.0]), np.full(2, 3.0)
    found = Welch(means, replicates, moderate(means, np.zeros(2), replicates, np.ones(2, bool)))
    assert found.p[0, 1] == 1 and found.statistic[0, 1] == 0


def test_one_replicate_has_no_interval():
    means, replicates = np.array([90.0, 80.0, 70.0]), np.array([1.0, 3.0, 3.0])
    variances = np.array([np.nan, 0.1, 0.2])
    found = Welch(means, replicates, moderate(means, variances, replicates, np.ones(3, bool)))
    assert found.mean_half_widths()[0] == np.inf and np.isfinite(found.mean_half_widths()[1:]).all()
