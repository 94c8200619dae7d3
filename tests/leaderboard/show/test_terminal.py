"""Tables in terminals of any width: no word broken, no column lost, nothing wider than the screen."""

import io

import pytest
from rich.console import Console

from lnlbench.leaderboard.show.terminal import Fitted, glued, widths, wrapped


def printed(what, width):
    console = Console(width=width, file=io.StringIO())
    console.print(what)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        pytest.param("one two", 7, "one two", id="it fits"),
        pytest.param("one two", 5, "one\ntwo", id="at a space"),
        pytest.param("digits/symmetric-0.4", 15, "digits/\nsymmetric-0.4", id="behind a slash"),
        pytest.param("asam(adaptive=True, rho=0.5)", 14, "asam(\nadaptive=True,\nrho=0.5)", id="behind a bracket"),
        pytest.param("Liu (arXiv)", 6, "Liu\n(arXiv)", id="a bracket begins a word"),
        pytest.param("a\nb", 9, "a\nb", id="own lines"),
        pytest.param("unbreakable", 4, "unbreakable", id="a word too long"),
        pytest.param("", 4, "", id="nothing"),
    ],
)
def test_lines_end_where_words_do(text, width, lines):
    assert wrapped(text, width) == lines


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("96.86 ± 1.27 (1 ab)", ["96.86 ± 1.27", "(1 ab)"]),
        ("1.33 [1.00, 2.00] ab", ["1.33", "[1.00, 2.00]", "ab"]),
        ("50.01 % wrong", ["50.01 % wrong"]),
        ("resolution 1.45 points", ["resolution", "1.45 points"]),
        ("n = 2", ["n = 2"]),
        ("98.00 ± 0.19 =", ["98.00 ± 0.19 ="]),
        ("clean †", ["clean", "†"]),
        ("a table of 3 words", ["a", "table", "of", "3", "words"]),
    ],
)
def test_numbers_keep_their_signs_and_units(text, parts):
    assert glued(text).split(" ") == [part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts]


@pytest.mark.parametrize(
    ("least", "most", "space", "found"),
    [
        pytest.param([3, 3], [10, 20], 40, [10, 20], id="all fit"),
        pytest.param([3, 3], [10, 20], 25, [10, 15], id="the widest is cut"),
        pytest.param([9, 3], [10, 20], 15, [9, 6], id="down to the least"),
        pytest.param([9, 9], [10, 20], 10, [5, 5], id="too narrow for words"),
    ],
)
def test_widths(least, most, space, found):
    assert widths(least, most, space) == found


def test_parts_repeat_the_first_column():
    out = printed(Fitted(["name", "first", "second"], [["a", "x" * 20, "y" * 20]], repeated=1), 40)
    assert [line.split()[0] for line in out.splitlines() if line.startswith((" name", " a"))] == ["name", "a"] * 2
    assert "x" * 20 in out and "y" * 20 in out


def test_without_such_a_column_words_are_cut_and_nothing_is_lost():
    out = printed(Fitted(["name", "first"], [["a", "x" * 50]]), 30)
    assert out.count("x") == 50 and max(map(len, out.splitlines())) <= 30


def test_nothing_is_nothing():
    assert printed(Fitted([], []), 80).strip() == ""
