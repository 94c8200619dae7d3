"""How far rows were checked, in one line where they have it in common."""

import pytest

from lnlbench.leaderboard.results.standing import of_all


@pytest.mark.parametrize(
    ("rows", "shared"),
    [
        pytest.param(["claimed by Ada, 2026-01-30"] * 2, "claimed by Ada, 2026-01-30", id="the same"),
        pytest.param(
            ["claimed by Ada, 2026-01-31", "claimed by Ada, 2026-01-30", "claimed by Ada, 2026-01-31"],
            "claimed by Ada, 2026-01-30 to 2026-01-31",
            id="other days",
        ),
        pytest.param(["claimed by Ada, 2026-01-30", "claimed by Grace, 2026-01-30"], "", id="somebody else"),
        pytest.param(["claimed by Ada, 2026-01-30", "verified by Ada, 2026-01-30"], "", id="further"),
        pytest.param(["claimed by Ada, 2026-01-30", "claimed by Ada"], "", id="no day"),
        pytest.param(["claimed by Ada, 2026-01-30", ""], "", id="kept of some alone"),
        pytest.param(["", ""], "", id="kept of none"),
        pytest.param([], "", id="no row"),
    ],
)
def test_what_rows_have_in_common(rows, shared):
    assert of_all(rows) == shared
