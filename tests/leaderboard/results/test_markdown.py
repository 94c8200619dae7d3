"""Tables in Markdown: alignment, and cells that would end the table."""

from lnlbench.leaderboard.results.markdown import table


def test_a_table_is_aligned_by_column_and_the_last_letter_goes_on():
    expected = "| method | n | mean |\n|---|---:|---:|\n| ce | 3 | 90.1 |\n| gce | 3 | 91.0 |"
    assert table(["method", "n", "mean"], [["ce", "3", "90.1"], ["gce", "3", "91.0"]], "lr") == expected


def test_without_letters_all_columns_are_aligned_to_the_left():
    assert table(["a", "b"], []) == "| a | b |\n|---|---|"


def test_bars_and_line_breaks_stay_within_their_cell():
    assert table(["claim"], [["mean |w|\nover runs"]]).splitlines()[2:] == [r"| mean \|w\| over runs |"]
