"""`lnlbench study`: what it lists, runs and writes, its exit codes, and nothing half-written."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from lnlbench.benchmark.studies import registry
from lnlbench.benchmark.studies.base import Criterion, Evidence, Study
from lnlbench.leaderboard.store.store import Store


@dataclass(frozen=True)
class Nothing:
    steps: int = 3
    names: tuple[str, ...] = ("a",)


class Quick(Study[Nothing]):
    """Measures one in no time."""

    title, source, claim, caption = "A quick one", "nobody, 2000", "One is one.", "A line."
    fast, full = Nothing(), Nothing(5)
    criteria = (Criterion("Q1", "the one", "one", 1, 1),)

    def measure(self, config, context):
        steps = np.arange(config.steps)
        return Evidence({"one": [1.0]}, {"line": (steps, steps)})

    def draw(self, evidence, figure):
        figure.subplots().plot(*evidence.curves["line"])


class Impossible(Quick):
    """Wants one to be two."""

    criteria = (*Quick.criteria, Criterion("Q2", "the one, wanted to be two", "one", 2, 2))
    analysis = {"Q2": "One is not two."}  # noqa: RUF012


class Heavy(Impossible):
    """The same at a third length, for machines without a GPU."""

    laptop = Nothing(4)
    criteria = (*Quick.criteria, Criterion("Q2", "the one, wanted to be two", "one", 2, 2, "full"))


@pytest.fixture
def study(lnlbench, stored):
    """Call `lnlbench study` in this process, on a fresh store."""
    return lambda *arguments: lnlbench("study", *arguments)


@pytest.fixture
def temporary(monkeypatch):
    """Three studies that are there for one test: T-GOOD holds, T-BAD cannot, T-HEAVY in seconds alone."""
    registry.studies()
    monkeypatch.setattr(registry, "_STUDIES", dict(registry._STUDIES))
    registry.register("T-GOOD")(type("Good", (Quick,), {}))
    registry.register("T-BAD")(type("Bad", (Impossible,), {}))
    registry.register("T-HEAVY")(type("Heavy", (Heavy,), {}))


def test_list_shows_every_study(study, temporary, tmp_path):
    code, out, _ = study("list", "--docs", tmp_path, "--json")
    rows = json.loads(out)
    assert code == 0 and [row["study"] for row in rows] == list(registry.studies())
    assert {"study": "T-BAD", "what": "A quick one", "source": "nobody, 2000", "state": "not yet run"} in rows
    code, out, _ = study("list", "--docs", tmp_path)
    assert code == 0 and all(name in out for name in registry.studies())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["E000A"], "unknown study 'E000A'; did you mean 'E000-A'? known: E000-A, ", id="unknown, close"),
        pytest.param(["lazy"], "unknown study 'lazy'; known: E000-A, ", id="unknown, close to none"),
        pytest.param([], "name the studies to run, or say --all", id="none named"),
        pytest.param(["t-good", "--all"], "name the studies to run, or say --all", id="named and all"),
        pytest.param(["T-GOOD", "E99"], "unknown study 'E99'", id="one of two is unknown"),
        pytest.param(["T-GOOD", "--set", "step=4"], "T-GOOD has no field 'step'; it has: steps, names", id="field"),
        pytest.param(["T-GOOD", "--set", "steps=four"], "steps is of the kind 3, not 'four'", id="value"),
        pytest.param(["T-GOOD", "--laptop"], "T-GOOD has no length 'laptop'; it has: full, fast", id="no such length"),
        pytest.param(
            ["T-GOOD", "--fast", "--full"], "--fast and --full exclude each other; name one", id="two lengths"
        ),
        pytest.param(
            ["T-HEAVY", "--full", "--laptop", "--fast"], "--fast and --laptop and --full exclude each", id="all lengths"
        ),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_run(study, temporary, url, arguments, message):
    code, out, err = study("run", *arguments)
    assert (code, out) == (2, "") and message in err and err.count("\n") == 1
    store = Store(url)
    assert store.studies(("outcome.json",)) == []
    store.close()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(["t-good"], 0, id="all criteria hold"),
        pytest.param(["T-BAD"], 1, id="one fails"),
        pytest.param(["T-BAD", "T-GOOD"], 1, id="one of two studies fails"),
    ],
)
def test_exit_code_of_a_run(study, temporary, names, expected):
    code, out, err = study("run", *names)
    assert code == expected and "holds" in out and ("FAILS" in out) == bool(expected)
    assert "Traceback" not in err and f"{names[0].upper()} A quick one (fast)" in err


def test_a_laptop_run_is_held_to_the_criteria_of_the_full_length(study, temporary):
    assert study("run", "T-HEAVY", "--fast")[0] == 0
    code, out, err = study("run", "T-HEAVY", "--laptop", "--json")
    assert code == 1 and "T-HEAVY A quick one (laptop)" in err
    assert [row["verdict"] for row in json.loads(out)] == ["holds", "FAILS"]


def test_all_at_a_length_leaves_out_and_names_those_without_it(study, temporary, monkeypatch):
    monkeypatch.setattr(registry, "_STUDIES", {n: s for n, s in registry._STUDIES.items() if n.startswith("T-")})
    code, out, _ = study("run", "--all", "--laptop", "--json")
    left = {row["study"]: row["claim"] for row in json.loads(out) if row["verdict"] == "not run"}
    assert code == 1 and left == dict.fromkeys(("T-BAD", "T-GOOD"), "it has no length 'laptop'")
    assert {row["study"] for row in json.loads(out)} - set(left) == {"T-HEAVY"}


def test_run_as_json(study, temporary):
    code, out, _ = study("run", "T-BAD", "--full", "--json")
    assert code == 1
    common = {"study": "T-BAD", "measured": "1"}
    assert json.loads(out) == [
        common | {"criterion": "Q1", "claim": "the one", "threshold": "= 1", "verdict": "holds"},
        common | {"criterion": "Q2", "claim": "the one, wanted to be two", "threshold": "= 2", "verdict": "FAILS"},
    ]


def test_report_is_written_whole(study, temporary, tmp_path):
    study("run", "T-BAD", "T-GOOD")
    code, out, _ = study("report", "--docs", tmp_path)
    page = (tmp_path / "studies.md").read_text()
    assert code == 0 and out == f"written: {tmp_path / 'studies.md'}\n"
    assert all(f"\n## {name} " in page for name in registry.studies())
    assert (
        "**Q2 fails.** One is not two." in page and "| Q2 | the one, wanted to be two | 1 | = 2 | **fails** |" in page
    )
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == [
        "T-BAD.fast.json", "T-BAD.fast.png", "T-GOOD.fast.json", "T-GOOD.fast.png",
    ]  # fmt: skip

    study("run", "T-GOOD", "--set", "steps=4", "--set", "names=['b']")
    study("report", "--docs", tmp_path)
    page = (tmp_path / "studies.md").read_text()
    shown = """`lnlbench study run T-GOOD --fast --set steps=4 --set 'names=["b"]'`"""
    assert page.count(shown) == 1, "the page names what was run"

    code, out, err = study("list", "--docs", tmp_path, "--json")
    assert {row["study"]: row["state"] for row in json.loads(out)}["T-BAD"] == "fast: 1 of 2 criteria hold"

    (tmp_path / "figures" / "T-GOOD.fast.json").write_text("{")  # as a broken disk leaves it
    code, out, err = study("report", "--docs", tmp_path, "--tracking-uri", f"sqlite:///{tmp_path}/none.db")
    assert (code, out) == (2, "") and "not the outcome of a study" in err and err.count("\n") == 1
    assert (tmp_path / "studies.md").read_text() == page, "the old page stays"
