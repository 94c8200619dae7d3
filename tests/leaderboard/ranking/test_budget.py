"""What n trials are worth: closed forms against all orders, and the interval that includes the search."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from lnlbench.leaderboard.ranking import budget
from lnlbench.leaderboard.ranking.board import Cell
from lnlbench.leaderboard.ranking.budget import curve, expected, incumbents, searched, winning, with_search
from lnlbench.leaderboard.ranking.confirming import choose
from lnlbench.leaderboard.results.form import TUNED, UNCONFIRMED

PAIRS = [(0.5, 0.60), (0.7, 0.50), (0.6, 0.90), (0.7, 0.80), (0.2, 0.10)]


def by_enumeration(pairs, size):
    """The mean over all orders of the test accuracy of the first n trials' winner, ties to the earliest."""
    orders = list(itertools.permutations(pairs))
    return math.fsum(incumbents(order)[size - 1] for order in orders) / len(orders)


@pytest.mark.parametrize("size", range(1, 6))
def test_the_expectation_is_that_over_all_orders(size):
    assert expected(PAIRS, size) == pytest.approx(by_enumeration(PAIRS, size))


@pytest.mark.parametrize(("count", "size"), [(1, 1), (5, 1), (5, 2), (5, 5), (20, 4)])
def test_the_chance_to_win_is_the_hypergeometric_one(count, size):
    exact = [math.comb(count - 1 - r, size - 1) / math.comb(count, size) for r in range(count)]
    assert winning(count, size) == pytest.approx(exact)


def test_one_trial_is_the_mean_and_all_are_the_winner():
    assert expected(PAIRS, 1) == pytest.approx(np.mean([test for _, test in PAIRS]))
    assert expected(PAIRS, 5) == pytest.approx((0.5 + 0.8) / 2), "two share the best validation"


@pytest.mark.parametrize("size", [0, 6])
def test_a_search_of_no_such_size_is_refused(size):
    with pytest.raises(ValueError, match="must be in 1 to 5"):
        expected(PAIRS, size)


def test_the_curve_has_powers_of_two_and_all_and_brackets_itself():
    pairs = [(i / 20, (i * 7 % 20) / 20) for i in range(20)]
    rows = curve(pairs)
    assert [row[0] for row in rows] == [1, 2, 4, 8, 16, 20]
    assert all(low <= mean <= high for _, mean, low, high in rows)
    assert rows == curve(pairs), "the same numbers every time"


def test_the_incumbent_is_the_earliest_best():
    assert incumbents(PAIRS) == [0.60, 0.50, 0.50, 0.50, 0.50]


def cell(scores, half=None, freedom=None):
    """A cell of these scores; by default with the interval of Student's t, nothing borrowed."""
    count = len(scores)
    if half is None and count > 1:
        freedom = count - 1
        half = float(stats.t.ppf(0.975, freedom) * stats.sem(scores))
    return Cell(mean=float(np.mean(scores)), half=half, freedom=freedom, n=count, scores=dict(enumerate(scores)))


def test_an_interval_with_the_search_is_wider_where_the_search_could_have_gone_otherwise():
    scores = cell([0.50, 0.51, 0.52])
    alike = with_search(scores, [(0.7, 0.5)] * 20)
    other = with_search(scores, [(0.7, 0.5), *[(0.69, 0.3)] * 19])
    assert alike is not None and other is not None
    assert alike == pytest.approx((0.51 - scores.half, 0.51 + scores.half))
    assert other[0] < alike[0] - 0.1
    assert with_search(cell([0.5]), PAIRS) is None and with_search(scores, []) is None


@pytest.mark.parametrize(
    ("half", "freedom"),
    [
        pytest.param(0.3, 2.0, id="as wide as Student's"),
        pytest.param(0.9, 3.3, id="wider, from a moderated variance"),
        pytest.param(0.02, 5.0, id="narrower"),
    ],
)
def test_an_interval_with_the_search_is_that_of_the_cell_and_never_narrower(half, freedom):
    """With shifts it holds 95 % of the draws of the cell's t, each moved by one of the shifts."""
    own = cell([60.0, 60.1, 60.3], half, freedom)
    assert with_search(own, [(0.7, 50.0)] * 5) == pytest.approx((own.mean - half, own.mean + half))
    pairs = [(0.7, 59.0), (0.69, 59.4), (0.68, 58.0), (0.3, 40.0)]
    low, high = with_search(own, pairs)
    assert high - low > 2 * half
    rng, scale = np.random.default_rng(0), half / stats.t.ppf(0.975, freedom)
    shift = np.repeat(budget._resampled(pairs)[1][:, 0] - 59.0, 200)
    drawn = own.mean + shift + scale * rng.standard_t(freedom, len(shift))
    assert (drawn < low).mean() == pytest.approx(0.025, abs=0.001)
    assert (drawn > high).mean() == pytest.approx(0.025, abs=0.001)


def test_of_a_confirmed_choice_the_fresh_draws_are_resampled():
    """Two draws say the defaults by far; of another record one draw says 1, and so may a resample."""
    scores = cell([50.0, 51.0, 52.0])

    def record(validation):
        rows = [{"trial": 0, "validation": [0.6, 0.6], "test": [0.5, 0.5]}]
        return {"trial": 0, "confirming": [*rows, {"trial": 1, "validation": validation, "test": [0.3, 0.3]}]}

    sure, unsure = (searched(record(validation), scores, TUNED) for validation in ([0.5, 0.5], [0.5, 0.61]))
    assert sure == pytest.approx((51 - scores.half, 51 + scores.half))
    assert unsure[0] < sure[0] - 10, "20 points lower where the other is chosen"
    assert searched(record([0.5, 0.5]), cell([50.0]), TUNED) is None and searched({}, scores, TUNED) is None
    assert searched({"scores": [[0.7, 0.5]] * 20}, scores, TUNED) == pytest.approx(sure)


def test_what_the_search_alone_chose_is_held_against_the_search_alone():
    """Confirmation prefers the defaults by far, ten points higher, which says nothing of the row without it."""
    pairs = [[0.6, 0.8], *[[0.7, 0.7]] * 19]
    confirming = [
        {"trial": 0, "validation": [0.9, 0.9], "test": [0.8, 0.8]},
        {"trial": 1, "validation": [0.5, 0.5], "test": [0.7, 0.7]},
    ]
    tuning, scores = {"trial": 1, "scores": pairs, "confirming": confirming}, cell([70.0, 70.1, 70.2])
    low, high = searched(tuning, scores, UNCONFIRMED)
    assert low < 70.1 < high < 71


def test_a_search_that_serves_several_settings_is_chosen_from_anew_once(monkeypatch):
    """Of three draws there are ten samples: each is chosen from once, whatever its order and how many cells ask."""
    asked = []
    monkeypatch.setattr(budget, "choose", lambda draws: asked.append(draws) or choose(draws))
    draws = {0: [0.60, 0.61, 0.58], 4: [0.62, 0.60, 0.63], 2: [0.61, 0.62, 0.59]}
    confirming = [{"trial": number, "validation": row, "test": [number / 10] * 3} for number, row in draws.items()]
    ends = {searched({"trial": 0, "confirming": confirming}, cell([50.0, 51.0, 52.0]), TUNED) for _ in range(4)}
    assert len(ends) == 1 and len(asked) == 10

    rows = np.random.default_rng([0, 0]).integers(0, 3, (budget.RESAMPLES, 3))
    plain = [choose({number: [row[i] for i in places] for number, row in draws.items()}).number for places in rows]
    assert budget._rechosen(tuple((number, tuple(row)) for number, row in draws.items())) == tuple(plain)
    assert len(set(plain)) > 1
