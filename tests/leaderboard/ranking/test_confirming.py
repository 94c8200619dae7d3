"""The choice on fresh draws: the defaults stay unless another is better by more than its standard error."""

import pytest

from lnlbench.leaderboard.ranking.confirming import Choice, best, candidates, choose


def test_what_a_draw_adds_to_all_drops_out():
    draws = {0: [0.50, 0.60, 0.40], 3: [0.52, 0.62, 0.42], 7: [0.49, 0.59, 0.39]}
    assert choose(draws) == Choice(3, pytest.approx(0.02), pytest.approx(0, abs=1e-12))


def test_the_error_is_that_of_a_difference_of_two_means():
    """Two configurations: the residuals are half the differences, and the error is that of their paired t test."""
    draws = {0: [0.5, 0.5, 0.5], 1: [0.50, 0.53, 0.56]}
    differences = [0.0, 0.03, 0.06]
    variance = sum((d - 0.03) ** 2 for d in differences) / 2
    found = choose(draws)
    assert found.error == pytest.approx((variance / 3) ** 0.5) and found.gain == pytest.approx(0.03)
    assert found.number == 1


@pytest.mark.parametrize(
    ("other", "number"),
    [
        pytest.param([0.50, 0.53, 0.56], 1, id="better by more than its error"),
        pytest.param([0.40, 0.53, 0.60], 0, id="better by less"),
        pytest.param([0.40, 0.40, 0.41], 0, id="worse"),
        pytest.param([0.50, 0.50, 0.50], 0, id="equal"),
    ],
)
def test_the_defaults_stay_unless_another_is_better_by_more_than_its_error(other, number):
    assert choose({0: [0.5, 0.5, 0.5], 1: other}).number == number


@pytest.mark.parametrize(
    "draws",
    [
        pytest.param({1: [0.1, 0.2]}, id="no defaults"),
        pytest.param({0: [0.1], 1: [0.2]}, id="one draw"),
        pytest.param({0: [0.1, 0.2], 1: [0.2]}, id="unlike draws"),
        pytest.param({}, id="nothing"),
    ],
)
def test_draws_that_decide_nothing_are_refused(draws):
    with pytest.raises(ValueError, match="need the defaults and as many draws of each"):
        choose(draws)


def test_the_defaults_alone_stay():
    assert choose({0: [0.1, 0.2]}) == Choice(0, 0.0, 0.0)


def test_candidates_are_the_defaults_and_the_best_two_others():
    assert candidates({0: 0.9, 1: 0.2, 2: 0.5, 3: None, 4: 0.5}) == [0, 2, 4]
    assert candidates({0: None, 1: 0.2}) == [0, 1]
    assert best({0: None, 1: 0.2, 2: 0.5, 4: 0.5}) == 2
    with pytest.raises(ValueError, match="no configuration"):
        best({0: None})
