"""Names in a sentence."""

import pytest

from lnlbench.leaderboard.results.listing import listed, some


@pytest.mark.parametrize(
    ("names", "word", "text"),
    [
        pytest.param("", "and", "", id="none"),
        pytest.param("a", "or", "a", id="one"),
        pytest.param("ab", "or", "a or b", id="two"),
        pytest.param("abcdefg", "and", "a, b, c, d, e, f and g", id="all, where one alone would be counted"),
        pytest.param("abcdefgh", "and", "a, b, c, d, e, f and 2 more", id="many"),
        pytest.param("abcdefgh", "or", "a, b, c, d, e, f or one of 2 more", id="one of many"),
    ],
)
def test_names_in_words(names, word, text):
    assert listed([*names], word) == text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        pytest.param(["a", "b"], "a, b", id="all"),
        pytest.param([3, 4, 5], "3, 4 and 1 more", id="numbers, and how many more"),
    ],
)
def test_some_names(names, text):
    assert some(names, 2) == text
