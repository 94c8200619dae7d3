"""Intervals, tests and ranks against closed forms and against scipy's own tests."""

import math

import numpy as np
import pytest
from scipy import stats

from lnlbench.leaderboard.ranking.statistics import (
    compare_all,
    complete_settings,
    holm,
    interval,
    mean_ranks,
    paired,
    ranks,
)


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


def test_paired_t_of_two_pairs_in_closed_form():
    # d = (1, 3): t = 2/1 with one degree of freedom, p = 1 − (2/π) arctan t.
    test = paired({0: 2.0, 1: 5.0}, {0: 1.0, 1: 2.0})
    assert test.difference == 2.0
    assert test.p == pytest.approx(1 - 2 / math.pi * math.atan(2))


@pytest.mark.parametrize("n", [3, 5, 20])
def test_paired_t_against_scipy(n):
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=n), rng.normal(0.3, size=n)
    reference = stats.ttest_rel(a, b)
    test = paired(dict(enumerate(a)), dict(enumerate(b)))
    low, high = reference.confidence_interval()
    assert test.p == pytest.approx(reference.pvalue)
    assert (test.difference - test.half, test.difference + test.half) == (pytest.approx(low), pytest.approx(high))


def test_only_common_replicates_are_paired():
    test = paired({0: 0.1, 1: 0.5, 2: 0.7}, {1: 0.4, 2: 0.5, 3: 0.9})
    assert (test.n, test.difference) == (2, pytest.approx(0.15))
    assert paired({0: 1.0}, {1: 1.0}) is None


def test_equal_differences():
    assert paired({0: 0.5, 1: 0.6, 2: 0.7}, {0: 0.4, 1: 0.5, 2: 0.6}).p == 0.0
    assert paired({0: 0.5, 1: 0.6}, {0: 0.5, 1: 0.6}).p == 1.0


def test_one_pair_cannot_be_tested():
    test = paired({0: 0.9}, {0: 0.1})
    assert (test.p, test.half, test.n) == (None, None, 1)


def test_holm_by_hand():
    # Sorted: 0.01·4, 0.02·3, 0.03·2, 0.04·1, each at least the one before.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("seed", range(5))
def test_holm_rejects_what_stepping_down_rejects(seed):
    p_values = list(np.random.default_rng(seed).uniform(size=8) ** 4)
    rejected = set()
    for step, i in enumerate(sorted(range(8), key=p_values.__getitem__)):
        if p_values[i] > 0.05 / (8 - step):
            break
        rejected.add(i)
    assert {i for i, p in enumerate(holm(p_values)) if p <= 0.05} == rejected


def test_holm_counts_tests_that_could_not_be_made():
    assert holm([0.01, None]) == [0.02, None]


def scores(*values):
    return dict(enumerate(values))


def test_ranks_count_the_significantly_better():
    methods = {
        "good": scores(0.900, 0.911, 0.889, 0.905),
        "also good": scores(0.902, 0.907, 0.891, 0.904),
        "bad": scores(0.500, 0.513, 0.487, 0.502),
    }
    assert ranks(methods) == {"good": 1, "also good": 1, "bad": 3}


def test_ranks_use_the_family():
    pair = {"a": scores(5.0, 4.0, 3.0, 2.0, 1.0), "b": scores(5.0, 5.0, 5.0, 5.0, 5.0)}
    assert compare_all(pair)["a", "b"].p == pytest.approx(0.0474, abs=1e-4)  # t = 2 √2 with four degrees of freedom
    assert ranks(pair) == {"a": 2, "b": 1}
    alike = pair | {"c": scores(5.1, 3.9, 3.1, 1.9, 1.0)}
    assert compare_all(alike)["a", "b"].p > 0.05
    assert ranks(alike) == {"a": 1, "b": 1, "c": 1}


def test_comparisons_are_antisymmetric():
    tests = compare_all({"a": scores(1.0, 2.0, 4.0), "b": scores(0.0, 2.0, 2.0)})
    assert tests["a", "b"].difference == -tests["b", "a"].difference == 1.0
    assert tests["a", "b"].p == tests["b", "a"].p


def test_no_test_is_no_tie():
    assert ranks({"a": {0: 0.9}, "b": {0: 0.1}}) == {"a": None, "b": None}
    assert ranks({"a": scores(0.9, 0.8), "b": {5: 0.9, 6: 0.8}}) == {"a": None, "b": None}
    assert ranks({"a": {0: 0.9}}) == {"a": 1}


def test_a_missing_cell_takes_its_setting_out():
    cells = {"s1": {"a": {0: 1.0}, "b": {0: 1.0}}, "s2": {"a": {0: 1.0}}, "s3": {"a": {0: 1.0}, "b": {}}}
    assert complete_settings(cells, ["a", "b"]) == ["s1"]
    assert mean_ranks({"s1": {"a": 1, "b": 2}, "s2": {"a": 1}, "s4": {"a": 2, "b": 1}}, ["a", "b"]) == {
        "a": 1.5,
        "b": 1.5,
    }
    assert mean_ranks({"s2": {"a": 1}}, ["a", "b"]) == {"a": None, "b": None}
