"""Each rule on histories whose score can be read off by eye."""

import math

import pytest

from lnlbench.leaderboard.results.rules import (
    DETECTION,
    EVERY,
    RANKED,
    RULES,
    applies,
    best_epoch,
    resolution,
    rule_named,
)

LONG = [i / 100 for i in range(12)]


@pytest.mark.parametrize(
    ("rule", "test", "validation", "report", "score"),
    [
        pytest.param("noisy_val", [0.5, 0.7, 0.6], [0.1, 0.2, 0.3], 0, 0.6, id="test at the best validation"),
        pytest.param("noisy_val", [0.5, 0.7, 0.6], [0.1, 0.3, 0.3], 0, 0.7, id="ties to the earliest"),
        pytest.param("noisy_val", [0.5, 0.7, 0.6], [0.3, math.nan, None], 0, 0.5, id="NaN and gaps never win"),
        pytest.param("final", [0.5, 0.7, 0.6], [0.1, 0.2, 0.3], 2, 0.6, id="last by default"),
        pytest.param("final", [0.5, 0.7, 0.6], [0.1, 0.2, 0.3], 0, 0.5, id="what the method reports"),
        pytest.param("oracle", [0.5, 0.7, 0.6], [0.9, 0.2, 0.3], 2, 0.7, id="best test epoch"),
        pytest.param("mean10", LONG, LONG, 11, sum(LONG[2:]) / 10, id="last ten"),
        pytest.param("mean10", [0.4, 0.6], [0.1, 0.2], 1, 0.5, id="fewer than ten"),
    ],
)
def test_rules(make, rule, test, validation, report, score):
    result = make(test=test, validation=validation, report=report)
    assert RULES[rule](result) == pytest.approx(score, abs=1e-15)


@pytest.mark.parametrize("rule", RULES)
def test_a_diverged_run_scores_chance(make, rule):
    assert RULES[rule](make(test=[0.9, 0.9], diverged=True, classes=4)) == 0.25
    assert RULES[rule](make(test=[], report=0, diverged=True, classes=100)) == 0.01


def test_the_epochs_that_count(make):
    result = make(test=LONG, validation=LONG[::-1], report=3)
    assert {name: list(rule.epochs(result)) for name, rule in RULES.items()} == {
        "noisy_val": [0],
        "final": [3],
        "mean10": [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
        "oracle": [11],
    }


def test_the_oracle_never_ranks():
    assert set(RULES) - set(RANKED) == {"oracle"}


def test_every_rule_says_what_it_means():
    assert all(rule.words for rule in EVERY.values())


def test_detection_is_scored_at_the_epoch_of_best_noisy_validation(make):
    curves = {"auroc_online": [0.6, 0.9, 0.8], "found_online": [0.5, None, 0.7], "auroc_margin_online": [0.1, 0.4, 0.2]}
    curves |= {"f1_confident_online": [0.1, 0.5, 0.6]}
    result = make(validation=[0.1, 0.3, 0.2], more=curves)
    assert rule_named("detection_auroc")(result) == 0.9
    assert rule_named("detection_margin")(result) == 0.4
    assert rule_named("detection_confident")(result) == 0.5
    with pytest.raises(ValueError, match="no value of found_online"):
        rule_named("detection_recall")(result)
    assert rule_named("detection_recall")(make(validation=[0.1, 0.2, 0.3], more=curves)) == 0.7


def test_a_diverged_run_detects_by_chance(make):
    result = make(diverged=True, more={detector.curve: [None] * 3 for detector in DETECTION.values()})
    expected = {"detection_auroc": 0.5, "detection_recall": 0.4, "detection_margin": 0.5, "detection_confident": 0.0}
    assert {name: rule(result) for name, rule in DETECTION.items()} == expected, "the noise rate is 0.4"


def test_a_detector_needs_wrong_labels(make):
    assert not any(applies(rule, make()) for rule in DETECTION)
    assert not applies("detection_auroc", make(more={"auroc_online": [None] * 3}))
    assert applies("detection_auroc", make(more={"auroc_online": [None, 0.5, None]}))
    assert all(applies(rule, make()) for rule in RULES)


def test_a_run_that_diverged_in_its_first_epoch_is_a_detector_where_labels_are_wrong(make):
    curves = {detector.curve: [None] for detector in DETECTION.values()}

    def lost(curves=curves, rate=0.4):
        return make(test=[0.1], diverged=True, more=curves, identity={"noise": {"realised_rate": rate}})

    assert all(applies(rule, lost()) for rule in DETECTION)
    assert not any(applies(rule, lost(rate=rate)) for rule in DETECTION for rate in (0.0, None)), "clean, or unknown"
    assert not any(applies(rule, lost({})) for rule in DETECTION), "made before the rule existed"


def test_unknown_rule():
    with pytest.raises(ValueError, match="unknown rule 'finl'; did you mean 'final'"):
        rule_named("finl")


def test_no_epoch_to_choose():
    with pytest.raises(ValueError, match="no number"):
        best_epoch([None, math.nan])


def test_resolution_without_noise_is_the_standard_error():
    assert resolution(2500, 0.5, 0.0, 10) == pytest.approx(0.01)


def test_resolution_grows_as_noise_hides_the_signal():
    # 1 - 0.4 - 0.4/9 = 5/9
    assert resolution(2500, 0.5, 0.4, 10) == pytest.approx(0.01 * 9 / 5)


@pytest.mark.parametrize(
    ("size", "accuracy", "rate", "classes"),
    [(0, 0.5, 0.1, 10), (10, 1.5, 0.1, 10), (10, 0.5, 0.9, 10), (10, 0.5, -0.1, 10), (10, 0.5, 0.5, 2)],
)
def test_resolution_refuses(size, accuracy, rate, classes):
    with pytest.raises(ValueError, match="got"):
        resolution(size, accuracy, rate, classes)
