"""How numbers are written."""

import pytest

from lnlbench.leaderboard.show.words import p_value, percent


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0004, "<0.001"),
        (0.04, "0.040"),
        (0.0499, "0.0499"),
        (0.04999, "0.04999"),
        (0.0501, "0.0501"),
        (1.0, "1.000"),
    ],
)
def test_a_rounded_p_stays_on_its_side(p, text):
    assert p_value(p) == text


def test_a_zero_has_no_sign():
    assert (percent(-0.001), percent(-0.01), percent(96.857)) == ("0.00", "-0.01", "96.86")
