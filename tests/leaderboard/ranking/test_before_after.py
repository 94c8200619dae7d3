"""Methods tuned and not: differences by the tests of boards, Holm over the table."""

import pytest

from lnlbench.leaderboard.ranking.before_after import changes
from lnlbench.leaderboard.ranking.compare import compare
from lnlbench.leaderboard.ranking.families import holm

BEFORE = {"a": {0: 90.0, 1: 92.0, 2: 91.0}, "b": {0: 80.0, 1: 81.5, 2: 82.0}, "c": {0: 72.5, 1: 71.0, 2: 70.0}}
AFTER = {"a": {0: 95.0, 1: 96.0, 2: 97.5}, "b": {0: 80.5, 1: 81.0, 2: 83.0}, "c": BEFORE["c"], "d": {0: 60.0, 1: 61.0}}


def test_every_difference_is_tested_within_the_table():
    (found,) = changes(BEFORE, AFTER)
    assert list(found) == ["a", "b", "c", "d"]
    assert found["a"].difference == pytest.approx(96.1667 - 91, abs=1e-3) and found["a"].p < 0.05 < found["b"].p
    assert {found[name].family for name in "ab"} == {2}
    named = {f"before {n}": row for n, row in BEFORE.items()} | {f"after {n}": row for n, row in AFTER.items()}
    able = list(named)
    _, tests = compare(named, able, sources=[n for n in able if n != "after c"], reference=None, family=())
    raw = [tests.pair(f"before {name}", f"after {name}").p for name in "ab"]
    assert [found[name].p for name in "ab"] == pytest.approx(holm(raw))


def test_equal_runs_and_missing_ones_are_not_tested():
    (found,) = changes(BEFORE, AFTER)
    assert found["c"].same and found["c"].p is None and found["c"].difference == 0
    assert found["d"].before is None and found["d"].difference is None and found["d"].p is None


def test_several_conditions_are_one_family():
    other = {"a": {0: 90.5, 1: 91.0, 2: 92.5}, "b": AFTER["b"], "c": {0: 60.0, 1: 62.5, 2: 61.0}}
    first, second = changes(BEFORE, AFTER, other)
    assert second["b"] == first["b"], "the same runs are tested once"
    tested = {first["a"].family, first["b"].family, second["a"].family, second["c"].family}
    assert tested == {4} and first["a"].difference > second["a"].difference
    (alone,) = changes(BEFORE, AFTER)
    assert first["a"].p > alone["a"].p, "more tests, higher p"
