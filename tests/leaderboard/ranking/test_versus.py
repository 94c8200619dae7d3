"""One method against others: differences, Holm over the others of a setting, and what cannot be decided."""

import pytest

from lnlbench.leaderboard.ranking.statistics import holm, paired
from lnlbench.leaderboard.ranking.versus import together, versus
from lnlbench.leaderboard.shipped import shipped

CELLS = {
    "s1": {"mine": {0: 0.9, 1: 0.92, 2: 0.93}, "a": {0: 0.8, 1: 0.83, 2: 0.82}, "b": {0: 0.9, 1: 0.93, 2: 0.92}},
    "s2": {"mine": {0: 0.5}, "a": {0: 0.6}},
}


def test_p_values_are_adjusted_within_the_setting():
    first, second, third = versus(CELLS, "mine", ["a", "b"])
    raw = [paired(CELLS["s1"]["mine"], CELLS["s1"][other]).p for other in ("a", "b")]
    assert [first.test.p, second.test.p] == pytest.approx(holm(raw))
    assert first.test.difference == pytest.approx(0.1)
    assert (first.verdict, second.verdict) == ("better", "not decided with 3 replicates")
    assert (third.setting, third.verdict) == ("s2", "cannot be decided with one replicate")


def test_worse_is_said_too():
    (row,) = versus({"s1": CELLS["s1"]}, "a", ["mine"])
    assert row.verdict == "worse"


def test_equal_scores_are_no_open_question():
    (row,) = versus({"s": {"mine": {0: 0.5, 1: 0.6}, "copy": {0: 0.5, 1: 0.6}}}, "mine", ["copy"])
    assert row.verdict == "the same scores"


def test_two_settings_decide_nothing_together():
    assert "cannot be decided with 1 setting" in together(CELLS, "mine", ["a", "b"])


def test_shipped_results_are_found():
    found = shipped()
    assert {"mnist-fast/symmetric-0.5", "mnist-fast/clean"} <= {result.setting for result in found}
    assert len({result.key for result in found}) == len(found) >= 54
