"""Moderated variances: against R limma's `squeezeVar`, and what happens at the edges."""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from lnlbench.leaderboard.ranking.moderation import invert_trigamma, moderate

LIMMA = Path(__file__).parent / "limma.csv"  # R limma on the variances of shipped settings, with the uncapped prior


def groups():
    found = defaultdict(list)
    with LIMMA.open(newline="") as file:
        for row in csv.DictReader(file):
            found[row.pop("group")].append({name: float(value) for name, value in row.items()})
    return found


def squeezed(rows, **how):
    variances, freedom = np.array([[row["s2"], row["df"]] for row in rows]).T
    every = np.ones(len(rows), bool)
    return moderate(np.full(len(rows), 50.0), variances, freedom + 1, every, trend=False, **how)


@pytest.mark.parametrize("group", [name for name, rows in groups().items() if np.isfinite(rows[0]["df_prior"])])
def test_prior_and_posterior_are_those_of_limma(group):
    rows = groups()[group]
    found = squeezed(rows, cap=False)
    assert found.estimated == pytest.approx(rows[0]["df_prior"], rel=1e-9)
    assert found.prior == pytest.approx([row["var_prior"] for row in rows], rel=1e-9)
    assert found.variance == pytest.approx([row["var_post"] for row in rows], rel=1e-9)
    assert found.freedom == pytest.approx([row["df"] + row["df_prior"] for row in rows], rel=1e-9)


@pytest.mark.parametrize("group", [name for name, rows in groups().items() if np.isinf(rows[0]["df_prior"])])
def test_the_prior_is_infinite_where_limma_says_so_and_is_capped(group):
    rows = groups()[group]
    assert squeezed(rows, cap=False).estimated == np.inf
    found = squeezed(rows)
    assert found.borrowed == min(4, len(rows) / 6)
    shrunk = (found.borrowed * found.prior + np.array([row["df"] * row["s2"] for row in rows])) / found.freedom
    assert found.variance == pytest.approx(shrunk)


def test_the_cap_changes_the_weight_and_not_the_prior_variance():
    rows = groups()["mlp:mnist-mlp/instance-0.4"]
    capped, free = squeezed(rows), squeezed(rows, cap=False)
    assert free.borrowed == pytest.approx(4.8013, abs=1e-4) and capped.borrowed == pytest.approx(7 / 6)
    assert capped.prior == pytest.approx(free.prior)


@pytest.mark.parametrize(("n", "borrowed"), [(2, 4.0), (3, 4.0), (4, 4.0), (5, 3.0), (7, 1.0), (8, 0.0), (20, 0.0)])
def test_who_has_replicates_borrows_less(n, borrowed):
    scores = np.random.default_rng(0).normal(90.0, 1.0, (40, n))
    variances, every = scores.var(axis=1, ddof=1), np.ones(40, bool)
    found = moderate(scores.mean(axis=1), variances, np.full(40, float(n)), every, trend=False)
    assert found.borrowed == min(borrowed, found.estimated) and (found.freedom == n - 1 + found.borrowed).all()


def test_a_prior_that_is_worth_less_than_a_replicate_is_none():
    wide = [{"s2": 10.0**power, "df": 2.0} for power in range(-6, 6)]
    free, capped = squeezed(wide, cap=False), squeezed(wide)
    assert 0 < free.estimated < 1 and free.borrowed == free.estimated
    assert capped.borrowed == 0 and capped.estimated == free.estimated
    assert capped.variance.tolist() == [row["s2"] for row in wide] and (capped.freedom == 2).all()


def test_equal_scores_tell_nothing_of_the_others_and_take_their_variance():
    alike = [{"s2": s2, "df": 2.0} for s2 in (0.20, 0.25, 0.30, 0.22, 0.28)]
    without, found = squeezed(alike), squeezed([*alike, {"s2": 0.0, "df": 2.0}])
    assert found.estimated == without.estimated == np.inf
    assert found.prior[:5] == pytest.approx(without.prior) and found.variance[5] > 0.05
    assert (squeezed([{"s2": 0.0, "df": 2.0}] * 6).variance == np.inf).all(), "where all are equal nothing is known"


@pytest.mark.parametrize("x", [1e-3, 0.1, 0.5, 1.0, 7.0, 1e4])
def test_trigamma_is_inverted(x):
    assert invert_trigamma(float(special.polygamma(1, x))) == pytest.approx(x, rel=1e-9)


def test_a_known_prior_is_found_again():
    """Variances of many methods around an inverse χ² prior of six degrees of freedom and variance 0.3."""
    rng = np.random.default_rng(0)
    truth = 0.3 * 6 / rng.chisquare(6, 20_000)
    variances = truth * rng.chisquare(2, 20_000) / 2
    found = moderate(np.full(20_000, 90.0), variances, np.full(20_000, 3.0), np.ones(20_000, bool), trend=False)
    assert found.estimated == pytest.approx(6, rel=0.1) and found.prior[0] == pytest.approx(0.3, rel=0.05)
    error, plain = np.log(found.variance / truth), np.log(variances / truth)
    assert np.mean(error**2) < 0.25 * np.mean(plain**2)


def test_the_prior_follows_the_error_from_twelve_methods_on():
    """The standard deviation is a tenth of the error; without the trend good methods would get too wide intervals."""
    rng = np.random.default_rng(0)
    means = np.linspace(80, 99.5, 400)
    truth = (0.1 * (100 - means)) ** 2
    variances = truth * rng.chisquare(2, 400) / 2
    every = np.ones(400, bool)
    found = moderate(means, variances, np.full(400, 3.0), every)
    assert np.abs(np.log(found.prior / truth)).max() < 0.5 < np.log(truth.max() / truth.min())
    few, enough = (moderate(means[:k], truth[:k], np.full(k, 3.0), every[:k]) for k in (11, 12))
    assert np.ptp(few.prior) == 0 < np.ptp(enough.prior)


def test_a_variance_that_is_next_to_nothing_counts_as_a_hundred_thousandth_of_the_median():
    variances = np.array([0.5, 1.0, 1.0, 2.0, 1e-9])
    found, floor = (
        moderate(np.full(5, 90.0), np.append(variances[:4], least), np.full(5, 3.0), np.ones(5, bool), cap=False)
        for least in (1e-9, 1e-5)
    )
    assert found.estimated == pytest.approx(floor.estimated) and found.prior == pytest.approx(floor.prior)


def test_only_sources_tell_of_the_prior():
    variances = np.array([0.1, 0.2, 0.15, 0.3, 1e4])
    means, replicates = np.full(5, 90.0), np.full(5, 3.0)
    sources = np.array([True, True, True, True, False])
    found = moderate(means, variances, replicates, sources)
    alone = moderate(means[:4], variances[:4], replicates[:4], sources[:4])
    assert found.variance[:4] == pytest.approx(alone.variance) and found.variance[4] > 1000


def test_fewer_than_four_methods_borrow_nothing():
    variances = np.array([0.1, 0.4, 0.2])
    found = moderate(np.full(3, 90.0), variances, np.array([2.0, 3.0, 5.0]), np.ones(3, bool))
    assert found.borrowed == 0 and np.isnan(found.prior).all()
    assert (found.variance == variances).all() and found.freedom.tolist() == [1, 2, 4]


@pytest.mark.parametrize(
    ("variances", "expected"),
    [
        pytest.param([0.0, 0.2, 0.4], [0.3, 0.2, 0.4], id="that of the others"),
        pytest.param([0.0, 0.0, 0.0], [np.inf] * 3, id="nothing known"),
    ],
)
def test_equal_scores_have_no_variance_of_zero_without_a_prior(variances, expected):
    found = moderate(np.full(3, 90.0), np.array(variances), np.full(3, 3.0), np.ones(3, bool))
    assert found.variance == pytest.approx(expected)


def test_equal_scores_shrink_the_variance_of_the_prior():
    """As every variance does: they are 0 with n − 1 degrees of freedom, and what is left of the prior is above 0."""
    variances = np.array([0.0, 0.1, 0.2, 0.4, 0.1, 0.3])
    found = moderate(np.full(6, 90.0), variances, np.full(6, 3.0), np.arange(6) > 0)
    assert found.variance[0] == pytest.approx(found.borrowed * found.prior[0] / (found.borrowed + 2))
    assert found.freedom[0] == found.borrowed + 2


def test_a_single_replicate_gets_the_prior_alone():
    variances = np.array([0.1, 0.2, 0.4, 0.1, 0.3, np.nan])
    replicates = np.array([3.0] * 5 + [1.0])
    found = moderate(np.full(6, 90.0), variances, replicates, np.ones(6, bool))
    assert found.variance[-1] == pytest.approx(found.prior[-1]) and found.freedom[-1] == found.borrowed
