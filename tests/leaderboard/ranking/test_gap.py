"""The memorisation gap against numbers worked out by hand."""

from dataclasses import replace

import pytest

from lnlbench.leaderboard.ranking.gap import gaps, to_markdown


@pytest.fixture
def runs(make):
    plain = make(test=[0.5, 0.9, 0.7], validation=[0.3, 0.4, 0.5])
    plain = replace(plain, method="ce", label="ce", report=2)
    robust = replace(make(test=[0.5, 0.8, 0.85], validation=[0.3, 0.4, 0.5]), label="gce", report=2)
    return [plain, robust]


def test_share_is_zero_for_the_last_epoch_of_cross_entropy_and_one_for_its_best(runs):
    found = {gap.method: gap for gap in gaps(runs)}
    assert found["ce"].size == pytest.approx(0.2)
    assert found["ce"].closed == pytest.approx(0.0)
    assert found["gce"].closed == pytest.approx(0.75)


def test_without_cross_entropy_in_the_same_replicate_there_is_no_gap(runs):
    assert gaps([replace(runs[1], replicate=7), runs[0]]) == gaps([runs[0]])


def test_without_a_fall_the_share_is_undefined(runs):
    flat = replace(runs[0], curves=runs[0].curves | {"test_accuracy": [0.5, 0.6, 0.7]})
    (found,) = gaps([flat])
    assert found.closed is None


def test_table_has_a_row_a_method_and_the_size_of_the_gap(runs):
    text = to_markdown(gaps(runs))
    assert "20.00 (s0)" in text
    assert text.endswith("| gce | 75 % |\n| ce | 0 % |"), "most first"
