"""A reading counts as its host's run, or not at all: never as the part of that run that it looked at."""

import pytest

from lnlbench.leaderboard.results.hosts import apart, said
from lnlbench.leaderboard.results.rules import can_score, score, scores_of


@pytest.fixture
def pair(make):
    """A run whose validation is best in the last epoch, and a reading that stopped before it."""
    host = make(test=[0.5, 0.7, 0.9], validation=[0.1, 0.2, 0.3])
    return host, make(label="stops", test=[0.5, 0.7], validation=[0.1, 0.2], host=host.key, report=0)


def test_a_reading_has_the_scores_of_its_host_but_the_epoch_that_it_reports(pair):
    host, reading = pair
    scores = scores_of(reading, {host.key: host})
    assert scores == scores_of(host, {}) | {"final": 0.5}
    assert scores["noisy_val"] == 0.9


def test_without_its_host_it_has_none_but_that(pair):
    host, reading = pair
    assert scores_of(reading, {}) == {"final": 0.5}
    assert can_score(reading, "final", {}) and not can_score(reading, "noisy_val", {})
    with pytest.raises(ValueError, match=f"'stops' has no score under 'noisy_val' without the run {host.key}"):
        score(reading, "noisy_val", {})


def test_results_are_told_apart_from_readings_without_their_hosts(pair, make):
    host, reading = pair
    assert apart([host, reading]) == ([host, reading], []) and said([]) == ""
    kept, alone = apart([reading, make(label="gce")])
    assert [run.label for run in kept] == ["gce"] and alone == [reading]
    assert said(alone) == "1 reading is without the run that it was read off, and scored under `final` alone: stops"
