"""A board as a page of results shows it: below a heading of the page, with short names of settings."""

from pathlib import Path

import pytest
from rich.console import Console

from lnlbench.leaderboard.ranking.build import build
from lnlbench.leaderboard.show.formats import to_markdown as of_the_command
from lnlbench.leaderboard.show.terminal_board import TerminalBoard

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


@pytest.mark.parametrize("noises", [("instance-0.4",), ("instance-0.4", "clean")], ids=["one setting", "two"])
def test_a_sign_stands_at_the_head_of_the_column_that_a_footnote_is_of(make, noises):
    def runs(noise):
        identity = make().identity | {"noise": {"realised_rate": 0.4, "guaranteed": noise == "clean"}}
        return [make(label=k, noise=noise, replicate=i, identity=identity) for k in ("ce", "gce") for i in (0, 1)]

    every = [run for noise in noises for run in runs(noise)]
    console = Console(width=80)
    for rule, signs in (("noisy_val", 1), ("final", 0)):
        with console.capture() as capture:
            console.print(TerminalBoard(build(every, rule)))
        head, *_, note = [line for line in capture.get().splitlines() if "†" in line] or ["", ""]
        assert ("inst 0.4†" in head, note.startswith("† digits/instance-0.4: its noise")) == (bool(signs), bool(signs))
