"""Tests across settings against scipy, by hand, and on tables that are too small to decide anything."""

import math

import numpy as np
import pytest
from scipy import stats

from lnlbench.leaderboard.ranking.across import compare_across, mean_rank_intervals, signed_rank


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n", [2, 5, 11, 20])
def test_signed_rank_is_scipys_exact_test(n, seed):
    values = np.random.default_rng(seed).normal(0.3, size=n)
    assert signed_rank(list(values)) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue)


@pytest.mark.parametrize("seed", range(6))
def test_signed_rank_with_ties_and_zeros_is_scipys_permutation_test(seed):
    values = np.random.default_rng(seed).integers(-2, 5, size=10) / 4
    every = stats.PermutationMethod(n_resamples=1 << 12)  # more than 2^10: all of them
    assert signed_rank(list(values)) == pytest.approx(stats.wilcoxon(values, method=every).pvalue)


def test_signed_rank_by_hand():
    assert signed_rank([1.0, 2.0, 3.0]) == 2 / 8
    assert signed_rank([0.1 + 0.2, 0.3, -0.3]) == 1.0  # rounding does not break a tie
    assert signed_rank([0.0, 0.0]) == signed_rank([]) == 1.0


def table(settings, methods, seed=0):
    rng = np.random.default_rng(seed)
    return {f"s{i}": {m: 0.9 - 0.1 * k + rng.normal(0, 0.01) for k, m in enumerate(methods)} for i in range(settings)}


@pytest.mark.parametrize(
    ("settings", "methods", "decidable"),
    [
        pytest.param(5, "ab", False, id="two methods, 2/2^5 = 0.0625"),
        pytest.param(6, "ab", True, id="two methods, 2/2^6 = 0.03125"),
        pytest.param(10, "abcdefghi", False, id="nine methods, 36 * 2/2^10 = 0.07"),
        pytest.param(11, "abcdefghi", True, id="nine methods, 36 * 2/2^11 = 0.035"),
        pytest.param(0, "ab", False, id="no setting"),
        pytest.param(9, "a", False, id="nobody to compare with"),
    ],
)
def test_only_what_can_be_decided_is(settings, methods, decidable):
    found = compare_across(table(settings, methods), methods)
    assert found.decidable is decidable
    assert bool(found.p) is decidable
    if decidable:  # every difference has one sign: the smallest p there is, so all pairs differ
        assert len(found.higher) == math.comb(len(methods), 2)
        assert ("a", "b") in found.higher
    else:
        assert "cannot be decided" in found.sentence and "tied" not in found.sentence


def test_the_sentence_prints_the_smallest_p():
    found = compare_across(table(3, "abc"), "abc")
    assert found.sentence == (
        "Across settings: cannot be decided with 3 settings (smallest attainable p 0.25, 0.75 after Holm over 3 pairs)."
    )


def test_p_values_are_holms_over_all_pairs():
    means = table(12, "abcd", seed=3)
    raw = {}
    for a, b in [("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]:
        raw[a, b] = stats.wilcoxon([row[a] - row[b] for row in means.values()], method="exact").pvalue
    order, highest = sorted(raw, key=raw.get), 0.0
    found = compare_across(means, "abcd")
    for i, pair in enumerate(order):
        highest = max(highest, min(1.0, (6 - i) * raw[pair]))
        assert found.p[pair] == found.p[pair[::-1]] == pytest.approx(highest)


def test_methods_that_are_equal_everywhere_are_not_told_apart():
    means = {f"s{i}": {"a": 0.5, "b": 0.5} for i in range(8)}
    found = compare_across(means, "ab")
    assert (found.decidable, found.higher, found.p["a", "b"]) == (True, frozenset(), 1.0)


def test_mean_rank_intervals_against_every_possible_draw():
    ranks = {"s1": {"a": 1, "b": 2}, "s2": {"a": 1, "b": 3}}
    found = mean_rank_intervals(ranks, "ab", np.random.default_rng(0))
    assert found == {"a": (1.0, 1.0), "b": (2.0, 3.0)}  # draws: (2, 2), (2, 3), (3, 2), (3, 3)


def test_mean_rank_intervals_against_scipys_bootstrap():
    values = [1, 4, 2, 2, 3, 1, 5, 2, 3, 4]
    ranks = {f"s{i}": {"a": value} for i, value in enumerate(values)}
    low, high = mean_rank_intervals(ranks, "a", np.random.default_rng(0))["a"]
    reference = stats.bootstrap((values,), np.mean, method="percentile", rng=1).confidence_interval
    assert (low, high) == (pytest.approx(reference.low, abs=0.1), pytest.approx(reference.high, abs=0.1))


def test_one_setting_has_no_spread():
    assert mean_rank_intervals({"s": {"a": 1}}, "a", np.random.default_rng(0)) == {"a": None}
    assert mean_rank_intervals({}, "a", np.random.default_rng(0)) == {"a": None}
