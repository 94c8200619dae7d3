"""Which settings count: those that nine rows in ten have, or all but one."""

import pytest

from lnlbench.leaderboard.ranking.eligible import eligible

TWO = {0: 90.0, 1: 91.0}


def chosen(having, lacking, **how):
    """What counts where so many rows have both settings, and so many the first alone."""
    scores = {f"m{i}": {"a": TWO, "b": TWO} for i in range(having)}
    scores |= {f"n{i}": {"a": TWO} for i in range(lacking)}
    return eligible(scores, list(scores), ["a", "b"], **how)


@pytest.mark.parametrize(
    ("having", "lacking", "counted"),
    [(18, 2, "ab"), (17, 3, "a"), (17, 2, "a"), (9, 1, "ab"), (2, 1, "ab"), (5, 1, "ab"), (5, 2, "a"), (1, 1, "a")],
)
def test_a_setting_counts_that_nine_in_ten_have_or_all_but_one(having, lacking, counted):
    found = chosen(having, lacking)
    assert found.counted == tuple(counted) and len(found.rows) == having + lacking * (counted == "a")
    assert chosen(having, lacking, complete=True).counted == ("a",)


def test_a_single_replicate_is_no_result_where_others_have_two():
    scores = {"x": {"a": TWO}, "y": {"a": TWO}, "z": {"a": {0: 90.0}}}
    assert eligible(scores, list(scores), ["a"]).rows == ("x", "y")
    once = {name: {"a": {0: 90.0}} for name in "xyz"}
    assert eligible(once, list(once), ["a"]).rows == ("x", "y", "z")
