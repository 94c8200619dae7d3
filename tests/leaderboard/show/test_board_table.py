"""A board as a page of results shows it: below a heading of the page, with short names of settings."""

from pathlib import Path

from lnlbench.leaderboard.ranking.build import build
from lnlbench.leaderboard.show.formats import to_markdown as of_the_command

SCRIPTS = Path(__file__).parents[3] / "docs" / "scripts"


def test_a_board_of_a_page_has_no_title_and_one_line_on_its_settings(make, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    from board_table import to_markdown

    noises = ("symmetric-0.4", "clean")
    runs = [make(label=label, noise=noise, replicate=i) for label in ("ce", "gce") for noise in noises for i in (0, 1)]
    board = build(runs, "final", suite="digits")
    first, _, head, rule, *rest = to_markdown(board).splitlines()
    assert first == "`digits`, rule `final`, track `default`, length `fast`, protocol 1."
    assert head == "|  | method | mean of 2 | rank | vs ce | symmetric 0.4 | clean |"
    assert rule == "|---|---|---:|---:|---:|---:|---:|"
    (settings,) = (line for line in rest if line.startswith("Symmetric 0.4: "))
    assert "40.00 % wrong, resolution " in settings and "n = 2; clean: " in settings
    same = of_the_command(board)
    assert [line for line in rest if line.startswith(("- ", "| "))] == [
        line for line in same.splitlines() if line.startswith(("- ", "| "))
    ][1:]
