"""One method against others: the tests of boards, with the family that was asked for."""

import pytest

from lnlbench.leaderboard.ranking.build import boards
from lnlbench.leaderboard.ranking.families import holm
from lnlbench.leaderboard.ranking.versus import versus
from lnlbench.leaderboard.results.rules import score
from lnlbench.leaderboard.shipped import shipped

CELLS = {
    "s1": {"mine": {0: 90, 1: 92, 2: 93}, "a": {0: 80, 1: 83, 2: 82}, "b": {0: 90, 1: 93, 2: 92}},
    "s2": {"mine": {0: 50}, "a": {0: 60}},
}


def test_p_values_are_adjusted_within_the_setting():
    first, second, third, mean = versus(CELLS, "mine", ["a", "b"], {}, {})
    raw = [versus(CELLS, "mine", [other], {}, {})[0].p for other in ("a", "b")]
    assert [first.p, second.p] == pytest.approx(holm(raw)) and first.family == second.family == 2
    assert first.difference == pytest.approx(10) and first.borrowed == 0
    assert (first.verdict, second.verdict) == ("better", "cannot be told apart yet")
    assert (third.setting, third.verdict) == ("s2", "one replicate: an order, not a result")
    assert (mean.setting, mean.other, mean.n) == ("mean of 2", "a", 1)


def test_worse_is_said_too():
    (row,) = versus({"s1": CELLS["s1"]}, "a", ["mine"], {}, {})
    assert row.verdict == "worse" and row.difference < 0


def test_equal_scores_are_no_open_question():
    (row,) = versus({"s": {"mine": {0: 50, 1: 60}, "copy": {0: 50, 1: 60}}}, "mine", ["copy"], {}, {})
    assert row.verdict == "the same scores"


def test_an_open_gap_says_how_many_replicates_would_tell():
    (row,) = versus({"s": {"mine": {0: 90, 1: 92, 2: 94}, "a": {0: 91, 1: 93, 2: 95}}}, "mine", ["a"], {}, {})
    assert row.verdict == "cannot be told apart yet" and 20 < row.needed < 60
    (near,) = versus({"s": {"mine": {0: 90, 1: 92, 2: 94.01}, "a": {0: 90, 1: 92, 2: 94}}}, "mine", ["a"], {}, {})
    assert near.needed is None, "more runs will not tell"


@pytest.fixture(scope="module")
def beside_board():
    """The board of shipped runs, and the same runs as cells."""
    results = shipped(suites=["mnist-fast"])
    hosts, cells = {result.key: result for result in results}, {}
    for result in results:
        row = cells.setdefault(result.setting, {}).setdefault(result.label, {})
        row[result.replicate] = 100 * score(result, "final", hosts)
    (board,) = boards(results, ["final"])
    return board, cells


def test_it_agrees_with_the_board_on_the_same_runs(beside_board):
    board, cells = beside_board
    mine = {setting: {name: row[name] for name in ("gce", "ce")} for setting, row in cells.items()}
    readings = {setting: {"early_stopping"} for setting in cells}
    rows = versus(mine, "gce", ["ce"], cells, readings)
    held = {column.setting: column.tests for column in board.columns} | {"mean of 3": board.tests}
    assert {row.setting for row in rows} == held.keys() and len(rows) == 4
    for row in rows:
        tests = held[row.setting]
        pair = tests.pair("gce", "ce")
        assert (row.p, row.borrowed) == (pytest.approx(pair.p), tests.borrowed)
        assert abs(row.difference) == pytest.approx(pair.difference) and row.half == pytest.approx(pair.half)


def test_a_larger_family_has_a_larger_p(beside_board):
    _, cells = beside_board
    alone = versus(cells, "gce", ["ce"], {}, {})
    among = versus(cells, "gce", ["ce", "dal", "sam"], {}, {})
    here = [row for row in among if row.other == "ce"]
    assert all(a.p <= b.p and b.family == 3 for a, b in zip(alone, here, strict=True))


def test_shipped_results_are_found(package):
    found = package
    assert {"mnist-fast/symmetric-0.5", "mnist-fast/clean"} <= {result.setting for result in found}
    assert len({result.key for result in found}) == len(found) >= 54


NEAR = {"mine": {0: 90.0, 1: 90.1, 2: 90.2, 3: 90.1}, "a": {0: 90.1, 1: 90.0, 2: 90.2, 3: 90.2}}


@pytest.mark.parametrize(
    ("margin", "verdict"),
    [
        pytest.param(0.5, "practically equal, within 0.5 points", id="as on boards"),
        pytest.param(0.3, "practically equal, within 0.3 points", id="another"),
        pytest.param(0.1, "cannot be told apart yet", id="the interval is wider"),
        pytest.param(0.0, "cannot be told apart yet", id="none"),
    ],
)
def test_a_pair_is_practically_equal_where_the_whole_interval_lies_within_the_margin(margin, verdict):
    (row,) = versus({"s": NEAR}, "mine", ["a"], {}, {}, margin=margin)
    assert row.verdict == verdict and 0.1 < row.half + abs(row.difference) < 0.3
    assert row.open == (verdict == "cannot be told apart yet") and (row.open or row.needed is None)
    assert (row.json()["margin"], row.json()["practically_equal"]) == (margin, not row.open)


def test_what_is_told_apart_is_not_equal_however_near():
    shifted = {i: value + 0.4 for i, value in NEAR["mine"].items()}
    (row,) = versus({"s": {"mine": shifted, "a": NEAR["mine"]}}, "mine", ["a"], {}, {}, margin=2)
    assert row.verdict == "better" and not row.practically_equal


def test_who_saw_other_data_is_shown_and_no_test_is_made():
    """Nor in the mean over settings; the family is of the others."""
    cells = dict.fromkeys(("s1", "s2"), CELLS["s1"])
    rows = versus(cells, "mine", ["a", "b"], {}, {}, {"s1": {"a"}})
    said = {(row.setting, row.other): (row.verdict, row.family) for row in rows}
    other_data = ("not compared: other data", 0)
    assert said["s1", "a"] == said["mean of 2", "a"] == other_data and said["s2", "a"][0] == "better"
    assert said["s1", "b"][1] == said["mean of 2", "b"][1] == 1 and said["s2", "b"][1] == 2
    assert all((row.p, row.half, row.needed) == (None, None, None) for row in rows if row.apart)
