"""The mark behind a method is read in one place."""

import pytest

from lnlbench.leaderboard.results.marks import marked


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ce", ("ce", None)),
        ("gce(q=0.7) + sam [true-0.2]", ("gce(q=0.7) + sam", "true-0.2")),
        ("forward [estimated-v2]", ("forward", "estimated-v2")),
        ("forward [true] + sam", ("forward [true] + sam", None)),
        ("forward [two words]", ("forward [two words]", None)),
        ("two\nlines [true]", ("two\nlines [true]", None)),
    ],
)
def test_a_mark_stands_behind_the_whole_method(text, parts):
    assert marked(text) == parts
