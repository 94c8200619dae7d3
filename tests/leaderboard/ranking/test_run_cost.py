"""What a run costs beside one of cross-entropy, as the page of results says it."""

from pathlib import Path

SCRIPTS = Path(__file__).parents[3] / "docs" / "scripts"


def test_costs_are_those_of_cross_entropy_times_so_much(make, monkeypatch):
    """`sam` takes twice the passes and three times the seconds; a stopped run half of both; `sop` has one task only."""
    monkeypatch.syspath_prepend(SCRIPTS)
    from run_cost import to_markdown

    def run(label, seconds, passes=1, epochs=10):
        spent = {"train_seconds": seconds, "forward_passes": passes, "backward_passes": passes, "epochs": epochs}
        return make(label=label, cost=spent, networks=1)

    first = [run("ce", 10.0), run("sam", 30.0, passes=2), run("stopped", 5.0, epochs=5)]
    tasks = {"small": first, "large": [run("ce", 40.0), run("sop", 50.0)]}
    lines = to_markdown(tasks, ["sam", "sop", "ce", "stopped"]).splitlines()
    assert lines[0] == "|  | passes, forward + backward | networks | seconds, small | seconds, large |"
    assert lines[2:] == [
        "| `stopped` | 0.5 + 0.5 | 1 | 0.50 | — |",
        "| `sop` | 1 + 1 | 1 | — | 1.25 |",
        "| `ce` | 1 + 1 | 1 | 1.00 | 1.00 |",
        "| `sam` | 2 + 2 | 1 | 3.00 | — |",
    ]
