"""Families of tests: Holm by hand, rank ranges, practical equality, and the counts of the shipped results."""

import numpy as np
import pytest

from lnlbench.leaderboard.ranking.families import against, all_pairs, chances_of_first, gap_bounds, holm, rank_ranges
from lnlbench.leaderboard.ranking.moderation import Moderated, moderate
from lnlbench.leaderboard.ranking.thresholds import ALPHA
from lnlbench.leaderboard.ranking.welch import Welch
from lnlbench.leaderboard.results.rules import score


def known(means, deviation=0.1, replicates=3.0, freedom=6.0):
    """The tests of means with a known spread."""
    count = len(means)
    own = Moderated(
        variance=np.full(count, deviation**2),
        freedom=np.full(count, freedom),
        prior=np.full(count, deviation**2),
        borrowed=4.0,
        estimated=4.0,
    )
    return Welch(np.array(means, float), np.full(count, replicates), own)


def test_holm_by_hand():
    """Of 0.01, 0.04, 0.03 the smallest counts three times, the next twice; no p falls below one before it."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


def test_rank_ranges_of_two_groups():
    """Two methods far above two others: within a group nothing is told."""
    found = rank_ranges(known([95, 95.05, 80, 80.05]))
    assert (found.best.tolist(), found.worst.tolist()) == ([1, 1, 3, 3], [2, 2, 4, 4])


def test_an_unstable_method_may_be_first_but_beats_nobody():
    """Its range is wide; that of the others does not suffer from it."""
    welch = known([95, 94, 80])
    variance = np.array([100.0, 0.01, 0.01])
    own = Moderated(variance=variance, freedom=np.full(3, 6.0), prior=variance, borrowed=4.0, estimated=4.0)
    found = rank_ranges(Welch(welch.means, welch.replicates, own))
    assert (found.best.tolist(), found.worst.tolist()) == ([1, 1, 2], [3, 2, 3])


def test_one_method_is_first():
    found = rank_ranges(known([90]))
    assert (found.best.tolist(), found.worst.tolist()) == ([1], [1])
    assert gap_bounds(known([90]), 0).tolist() == [0]


def test_the_family_of_the_reference_leaves_out_readings():
    welch = known([95, 94.9, 94.8, 94.7])
    members = np.array([True, True, True, False])
    adjusted = against(welch, 3, members)
    assert adjusted[:3] == pytest.approx(holm(welch.p[:3, 3])) and np.isnan(adjusted[3])
    fewer = against(welch, 0, np.array([True, True, False, False]))
    assert fewer[1] == welch.p[1, 0] and np.isnan(fewer[[0, 2, 3]]).all()


def test_all_pairs_are_one_family():
    welch = known([95, 94.9, 94.7])
    adjusted = all_pairs(welch)
    assert adjusted == pytest.approx(adjusted.T) and (np.diag(adjusted) == 1).all()
    assert adjusted[0, 2] == pytest.approx(3 * welch.p[0, 2])


def test_the_gap_to_the_first_is_bounded_from_below():
    """Of two methods it is the one-sided t bound; of more it is wider."""
    two, three = known([95, 94.9]), known([95, 94.9, 90])
    bound = gap_bounds(two, 0)[1]
    assert bound == pytest.approx(-0.1 - 1.782288 * 0.1 * (2 / 3) ** 0.5, abs=1e-5)  # t(0.95, 12)
    assert gap_bounds(three, 0)[1] < bound and gap_bounds(three, 0)[0] == 0


def test_chances_of_being_first():
    """Equal means share them; a gap of one standard error of the difference is won in Φ(1), here of t."""
    equal = chances_of_first(known([90, 90, 90, 50]))
    assert equal[:3] == pytest.approx([1 / 3] * 3, abs=0.02) and equal[3] == 0 and equal.sum() == pytest.approx(1)
    error = 0.1 * (2 / 3) ** 0.5
    assert chances_of_first(known([90 + error, 90], freedom=1e6))[0] == pytest.approx(0.8413, abs=0.01)
    assert (chances_of_first(known([90, 89.9]), seed=3) == chances_of_first(known([90, 89.9]), seed=3)).all()


def scores_of(results, rule="final"):
    """Names; scores in percent [method, setting, replicate]; whose runs diverged [method, setting]; readings."""
    hosts = {result.key: result for result in results}
    names, settings = (list(dict.fromkeys(getattr(r, field) for r in results)) for field in ("label", "setting"))
    shape = len(names), len(settings), len({r.replicate for r in results})
    scores, diverged, readings = np.full(shape, np.nan), np.zeros(shape[:2], bool), np.zeros(len(names), bool)
    for r in results:
        i, j = names.index(r.label), settings.index(r.setting)
        scores[i, j, r.replicate] = 100 * score(r, rule, hosts)
        diverged[i, j] |= r.diverged
        readings[i] = r.host is not None
    return names, settings, scores, diverged, readings


def compared(scores, sources, *, trend):
    means, replicates = scores.mean(-1), np.full(len(scores), float(scores.shape[-1]))
    return Welch(means, replicates, moderate(means, scores.var(-1, ddof=1), replicates, sources, trend=trend))


DECIDED = {
    "asymmetric-0.4": (367, "elr nce_agce dividemix forward truncated_gce pes gmm_split"),
    "clean": (392, "label_smoothing sam asam label_noise_sgd elr early_stopping clean_early_stopping"),
    "symmetric-0.5": (519, "dividemix pes elr dal_variant nce_rce gmm_split dal nce_agce gce nce_mae"),
}
"""Pairs decided of 703, and who could be best, in order: computed by two independent programs."""


def test_what_thirty_eight_methods_decide(methods_on_mnist):
    names, settings, scores, diverged, readings = scores_of(methods_on_mnist)
    for j, setting in enumerate(settings):
        decided, contenders = DECIDED[setting.partition("/")[2]]
        welch = compared(scores[:, j], ~readings & ~diverged[:, j], trend=True)
        assert (all_pairs(welch) < ALPHA).sum() // 2 == decided
        best = rank_ranges(welch).best == 1
        order = np.argsort(-welch.means)
        assert [names[i] for i in order if best[i]] == contenders.split()


def test_what_thirty_eight_methods_decide_overall(methods_on_mnist):
    names, _, scores, diverged, readings = scores_of(methods_on_mnist)
    welch = compared(scores.mean(1), ~readings & ~diverged.any(1), trend=False)
    ranges, half = rank_ranges(welch), welch.mean_half_widths()
    shown = {
        name: (round(welch.means[i], 2), round(half[i], 2), ranges.best[i], ranges.worst[i])
        for i, name in enumerate(names)
    }
    assert shown["elr"] == (97.36, 0.21, 1, 5)
    assert shown["nce_rce"] == (96.71, 0.21, 2, 10)
    assert shown["forward"] == (96.21, 1.55, 1, 26)
    assert shown["label_smoothing"] == (90.72, 0.3, 27, 31)
    assert shown["ce"] == (89.67, 0.32, 32, 35)
    assert shown["sln"] == (83.94, 2.27, 31, 37)
    marks = against(welch, names.index("ce"), ~readings)
    assert marks[names.index("elr")] < 0.05 < marks[names.index("ema")]
    assert np.isnan(marks[names.index("early_stopping")])


def test_what_the_grid_of_seven_decides_overall(grid_on_mnist):
    names, _, scores, diverged, readings = scores_of(grid_on_mnist)
    welch = compared(scores.mean(1), ~readings & ~diverged.any(1), trend=False)
    ranges = rank_ranges(welch)
    order = [names[i] for i in np.argsort(-welch.means)]
    assert order[:4] == ["dal", "gce", "sam", "co_teaching"]
    for place, name in enumerate(order[:4], 1):
        i = names.index(name)
        assert (ranges.best[i], ranges.worst[i]) == (place, place)
    assert (all_pairs(welch) < ALPHA).sum() // 2 == 20
