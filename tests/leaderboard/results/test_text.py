"""Text from outside: nothing of it commands a terminal or a spreadsheet, and no password is shown."""

import pytest

from lnlbench.leaderboard.results.errors import one_line, without_password
from lnlbench.leaderboard.results.text import CONTROL, cell, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("gce(q=0.7) — ±1 % für alle ✓", "gce(q=0.7) — ±1 % für alle ✓", id="ordinary text"),
        pytest.param("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m", id="colours"),
        pytest.param("\x1b]0;title\x07", r"\x1b]0;title\x07", id="a window's title"),
        pytest.param("\x9b2J", r"\x9b2J", id="an 8-bit escape"),
        pytest.param("100 %\r1 %", r"100 %\r1 %", id="writes over the line"),
        pytest.param("a\x08b\x00\x7f\t", r"a\x08b\x00\x7f\t", id="backspace, null, delete, tab"),
        pytest.param("ab\u202edc\u2066", r"ab\u202edc\u2066", id="turned around"),
        pytest.param("a\ud800", r"a\ud800", id="half a character"),
        pytest.param("two\nlines", "two\nlines", id="lines stay"),
    ],
)
def test_control_characters_are_spelled_out(text, shown):
    assert visible(text) == shown
    assert not CONTROL.search(shown.replace("\n", ""))
    shown.encode("utf-8")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "=cmd|'/C calc'!A0"])
def test_no_cell_begins_a_formula(text):
    assert cell(text) == f"'{text}"


def test_other_cells_stay():
    assert [cell(text) for text in ("gce(q=0.7)", "a=b", "", "1.5")] == ["gce(q=0.7)", "a=b", "", "1.5"]
    assert cell("\t=1") == r"\t=1" and cell("a\nb") == r"a\nb"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mysql://u:PW@host/db", "mysql://host/db"),
        ("cannot reach postgresql+psycopg://u:p/W@h:5/db.", "cannot reach postgresql+psycopg://h:5/db."),
        ("postgresql://u:P@W@h/db?sslmode=x&password=PW", "postgresql://h/db?sslmode=x&password=…"),
        ("http://u:PW@a/b and http://c/d", "http://a/b and http://c/d"),
        ("someone@example.org, http://c/d", "someone@example.org, http://c/d"),
    ],
)
def test_a_password_is_never_shown(text, shown):
    assert without_password(text) == shown
    assert one_line(ValueError(text)) == shown
