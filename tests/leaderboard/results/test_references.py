"""Runs of twice the length: a row beside the setting that they refer to, which changes no number of the others."""

import pytest

from lnlbench.leaderboard.ranking.build import boards
from lnlbench.leaderboard.results.references import base, is_wanted, split_references


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        pytest.param("mnist-fast,epochs=2x/clean", "mnist-fast/clean", id="a multiple"),
        pytest.param("mnist,epochs=2x,lr=0.1/clean", "mnist,lr=0.1/clean", id="with another change"),
        pytest.param("mnist,epochs=20/clean", "mnist,epochs=20/clean", id="a number is a setting of its own"),
        pytest.param("mnist/file:a,epochs=2x.npy", "mnist/file:a,epochs=2x.npy", id="in a file's name"),
    ],
)
def test_the_setting_that_is_referred_to(setting, expected):
    assert base(setting) == expected
    assert is_wanted(setting, {expected}) and is_wanted(setting, {setting}) and not is_wanted(setting, {"mnist/x"})


@pytest.fixture
def runs(make):
    usual = [
        make(label=label, replicate=i, test=[0.5, v + i / 100])
        for label, v in (("ce", 0.6), ("sam", 0.7))
        for i in (0, 1)
    ]
    longer = [make(replicate=i, test=[0.5, 0.6, 0.65], setting="digits,epochs=2x/symmetric-0.4") for i in (0, 1)]
    return usual, longer


def test_a_reference_is_a_row_that_does_not_rank(runs):
    usual, longer = runs
    (alone,), (both,) = boards(usual, ["final"]), boards(usual + longer, ["final"])
    (reference,) = both.below
    assert (reference.name, reference.status) == ("ce (2x epochs)", "reference")
    assert reference.cells["digits/symmetric-0.4"].mean == pytest.approx(65)
    assert reference.cells["digits/symmetric-0.4"].rank is None
    assert (both.rows, both.columns, both.tests) == (alone.rows, alone.columns, alone.tests)
    assert any("not compared: ce (2x epochs)" in note for note in both.notes)


def test_without_its_setting_a_reference_is_an_ordinary_result(runs):
    _, longer = runs
    assert split_references(longer) == (longer, [])
    (board,) = boards(longer, ["final"])
    assert [(row.name, row.status) for row in board.rows] == [("ce", "ranked")]


def test_another_track_is_no_setting_to_refer_to(runs, make):
    _, longer = runs
    assert split_references([make(track="tuned"), *longer])[1] == []
