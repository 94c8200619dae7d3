"""Methods tuned and not: differences by the tests of boards, Holm over the table."""

import pytest

from lnlbench.leaderboard.ranking.before_after import Runs, changes
from lnlbench.leaderboard.ranking.compare import compare
from lnlbench.leaderboard.ranking.families import holm


def rows(scores, **more):
    return {name: Runs(scores=dict(enumerate(values)), **more) for name, values in scores.items()}


BEFORE = rows({"a": [90.0, 92.0, 91.0], "b": [80.0, 81.5, 82.0], "c": [72.5, 71.0, 70.0]})
AFTER = rows({"a": [95.0, 96.0, 97.5], "b": [80.5, 81.0, 83.0], "c": [72.5, 71.0, 70.0], "d": [60.0, 61.0]})


def test_every_difference_is_tested_within_the_table():
    (found,) = changes(BEFORE, AFTER)
    assert list(found) == ["a", "b", "c", "d"]
    assert found["a"].difference == pytest.approx(96.1667 - 91, abs=1e-3) and found["a"].p < 0.05 < found["b"].p
    assert {found[name].family for name in "ab"} == {2}
    named = {f"before {n}": row.scores for n, row in BEFORE.items()}
    named |= {f"after {n}": row.scores for n, row in AFTER.items()}
    able = list(named)
    _, tests = compare(named, able, sources=[n for n in able if n != "after c"], reference=None, family=())
    raw = [tests.pair(f"before {name}", f"after {name}").p for name in "ab"]
    assert [found[name].p for name in "ab"] == pytest.approx(holm(raw))


def test_equal_runs_and_missing_ones_are_not_tested():
    (found,) = changes(BEFORE, AFTER)
    assert found["c"].same and found["c"].p is None and found["c"].difference == 0
    assert found["d"].before is None and found["d"].difference is None and found["d"].p is None


def test_several_conditions_are_one_family():
    other = rows({"a": [90.5, 91.0, 92.5], "b": [80.5, 81.0, 83.0], "c": [60.0, 62.5, 61.0]})
    first, second = changes(BEFORE, AFTER, other)
    assert second["b"] == first["b"], "the same runs are tested once"
    tested = {first["a"].family, first["b"].family, second["a"].family, second["c"].family}
    assert tested == {4} and first["a"].difference > second["a"].difference
    (alone,) = changes(BEFORE, AFTER)
    assert first["a"].p > alone["a"].p, "more tests, higher p"


def test_what_diverged_tells_nothing_of_the_others():
    """It is compared itself, and says how many runs it lost; chance alone has no spread."""
    wild = rows({"wild": [70.0, 10.0, 75.0]}, diverged=1), rows({"wild": [10.0, 10.0, 10.0]}, diverged=3)
    (found,), (alone,) = changes(BEFORE | wild[0], AFTER | wild[1]), changes(BEFORE, AFTER)
    assert [found[name].half for name in "ab"] == [alone[name].half for name in "ab"]
    assert found["wild"].family == 3 and found["wild"].p < 1
    assert (found["wild"].before.diverged, found["wild"].after.diverged, found["a"].after.diverged) == (1, 3, 0)
    assert found["wild"].before.half > 0 and found["wild"].after.half is None


def test_a_reading_with_the_scores_of_its_host_is_its_host():
    """Wherever it stands it is tested with it, once; without its host it stands for it."""

    def of(name, under):
        return rows({"reading": under[name].scores.values()}, reading=True)

    (found,) = changes(of("a", BEFORE) | BEFORE, of("a", AFTER) | AFTER)
    (alone,) = changes(BEFORE, AFTER)
    assert {name: found[name] for name in AFTER} == alone, "nothing changes for others"
    assert found["reading"].as_host and not found["a"].as_host
    assert (found["reading"].p, found["reading"].half) == (found["a"].p, found["a"].half)
    own = rows({"reading": [93.0, 94.0, 97.5]}, reading=True)
    (other,) = changes(of("a", BEFORE) | BEFORE, own | AFTER)
    assert other["reading"].family == 3 and not other["reading"].as_host
    left = {name: row for name, row in BEFORE.items() if name != "a"}, {n: row for n, row in AFTER.items() if n != "a"}
    (hostless,) = changes(of("a", BEFORE) | left[0], of("a", AFTER) | left[1])
    assert hostless["reading"] == alone["a"]
