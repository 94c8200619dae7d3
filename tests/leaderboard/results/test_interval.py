"""Means and differences with their intervals: no printed end is one that cannot be."""

import pytest

from lnlbench.leaderboard.results.interval import difference_text, mean_text


@pytest.mark.parametrize(
    ("mean", "half", "text"),
    [
        pytest.param(97.36, 0.21, "97.36 ± 0.21", id="within"),
        pytest.param(97.36, None, "97.36", id="nothing known"),
        pytest.param(71.67, 162.36, "71.67 [0, 100]", id="anything"),
        pytest.param(53.41, 47.20, "53.41 [6, 100]", id="one end"),
        pytest.param(9.8, 12.25, "9.80 [0, 22]", id="the other end"),
        pytest.param(99.9, 0.25, "99.90 [99.65, 100]", id="less than a point"),
        pytest.param(100.0, 0.0, "100.00 ± 0.00", id="at the end"),
    ],
)
def test_a_mean_is_cut_to_0_and_100(mean, half, text):
    assert mean_text(mean, half) == text


@pytest.mark.parametrize(
    ("difference", "half", "text"),
    [
        pytest.param(1.2, 0.35, "+1.20 ± 0.35", id="within"),
        pytest.param(-1.2, None, "-1.20", id="nothing known"),
        pytest.param(28.05, 162.04, "+28.05 [-100, +100]", id="anything"),
        pytest.param(60.0, 59.7, "+60.00 [+0.30, +100]", id="above 0, as the verdict says"),
        pytest.param(-60.0, 61.0, "-60.00 [-100, +1.00]", id="the other end"),
    ],
)
def test_a_difference_is_cut_to_100(difference, half, text):
    assert difference_text(difference, half) == text
