"""The table of the methods that could be best, as the page of results begins with it."""

from pathlib import Path

SCRIPTS = Path(__file__).parents[3] / "docs" / "scripts"


def test_settings_are_rows_and_those_without_result_say_so(make, monkeypatch):
    """`elr` leads symmetric noise alone, asymmetric noise has no result, clean labels have one."""
    monkeypatch.syspath_prepend(SCRIPTS)
    from best import to_markdown

    from lnlbench.leaderboard.ranking.build import build

    def run(label, noise, replicate, value):
        curves = {"test_accuracy": [value], "validation_accuracy": [value]}
        return make(label=label, noise=noise, replicate=replicate, curves=curves, epochs=1, report=0)

    runs = [run("elr", "symmetric-0.4", i, 0.9 + i / 1000) for i in range(3)]
    runs += [run("ce", "symmetric-0.4", i, 0.5 + i / 1000) for i in range(3)]
    shown = [runs[0].setting, "digits/asymmetric-0.4"]
    head, _, *rows = to_markdown({"final": [build(runs, "final")]}, shown, 6).splitlines()
    assert head == "|  | rows / replicates | `final` |"
    assert rows == [
        "| digits, symmetric 0.4 | 2 / 3 | **`elr`** 90.10 (`ce` 50.10) |",
        "| digits, asymmetric 0.4 |  | no result yet |",
    ]
    single = to_markdown({"final": [build([run("ce", "clean", 0, 0.9)], "final")]}, ["digits/clean"], 6)
    assert single.endswith("| digits, clean | 1 / 1 | too few replicates to tell |\n")
