"""`run`: what it makes, says and skips, with its progress."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from lnlbench.benchmark import load
from lnlbench.benchmark.cli import display, progress
from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import Report
from lnlbench.benchmark.sweep.worker import Event
from lnlbench.leaderboard.store.reader import StoreReader
from lnlbench.leaderboard.store.store import Store

NOISY = "digits/symmetric-0.4"
FAST = ("--epochs", "2", "--device", "cpu", "--jobs", "1")
RUN = ("run", NOISY, "-m", "ce", "-s", "0", *FAST)


def test_a_dry_run_makes_nothing(lnlbench, tmp_path):
    code, out, err = lnlbench("run", NOISY, "-m", "ce, gce + early_stopping", "-s", "0-1", "--dry-run", "--json", *FAST)
    assert (code, err) == (0, "")
    *rows, total = json.loads(out)
    assert (total["setting"], total["missing"]) == ("total", 6)
    assert [(row["method"], row["missing"], row["how"]) for row in rows] == [
        ("ce", [0, 1], "2 epochs"),
        ("gce", [0, 1], "2 epochs"),
        ("gce + early_stopping", [0, 1], "read off gce"),
    ]
    table = lnlbench("run", NOISY, "-m", "gce + early_stopping", "-s", "0-1", "--dry-run")[1]
    assert "read off gce" in table and "s0-1 missing" in table
    assert [part.strip() for part in table.splitlines()[-1].split("│")][2] == "0 stored, 4 missing"
    assert {path.name for path in tmp_path.glob("home/*")} <= {"cache"}, "decoded images, if no test had them before"


def test_run_and_run_again(lnlbench, stored):
    command = ("run", NOISY, "--methods", "ce, gce(q=0.5)", "--seeds", "0", "--set", "lr=0.1", "--json", *FAST)
    code, out, err = lnlbench(*command)
    assert (code, err) == (0, "")
    first = json.loads(out)
    assert (len(first["made"]), first["stored"], first["failed"]) == (2, [], [])
    code, out, _ = lnlbench(*command)
    assert (json.loads(out)["made"], set(json.loads(out)["stored"])) == ([], set(first["made"]))
    code, out, err = lnlbench(*(word for word in command if word != "--json"))
    assert (code, err) == (0, "")
    assert out.startswith("0 runs made, 2 stored before, in ") and "lnlbench leaderboard" in out
    store = Store(stored)
    assert {r.setting for r in store.results()} == {"digits,epochs=2,lr=0.1/symmetric-0.4"}
    store.close()


def test_a_run_ends_with_a_board_of_what_was_run(lnlbench, stored):
    command = ("run", NOISY, "--methods", "ce, gce", "--seeds", "0,1", *FAST)
    code, out, err = lnlbench(*command)
    assert (code, err) == (0, "") and out.startswith("4 runs made")
    assert "method" in out and "is first (" in out and "could be best: its rank range" not in out
    assert out.splitlines()[-1].startswith(("Next: `lnlbench leaderboard`", "opens it", "ui` opens"))
    code, out, err = lnlbench(*command, "--quiet")
    assert (code, err, out.count("\n")) == (0, "", 1)
    (board,) = json.loads(lnlbench("leaderboard", "digits", "--format", "json")[1])
    assert {row["name"] for row in board["rows"]} == {"ce", "gce"}


def test_until_it_is_decided(one_line, lnlbench, stored):
    command = ("run", NOISY, "--methods", "ce, gce", "--seeds", "0,1", *FAST)
    code, out, _err = lnlbench(*command, "--until-decided", "--budget", "6", "--json")
    found = json.loads(out)
    assert code == 0 and len(found["made"]) <= 6 and found["decision"]["why"]
    assert set(found["decision"]["could_be_best"]) <= {"ce", "gce"}
    again = json.loads(lnlbench(*command, "--until-decided", "0.2", "--budget", "1", "--json")[1])
    assert len(again["made"]) <= 1 and len(again["stored"]) >= 4, "it goes on from what is stored"
    one_line(lnlbench(*command, "--until-decided", "--budget", "soon"), "a budget is a number of runs or a time")
    one_line(lnlbench(*command, "--budget", "5"), "--budget is void without --until-decided")
    one_line(lnlbench("run", NOISY, "-m", "ce", "-s", "0", *FAST, "--until-decided"), "needs two methods or more")


def test_what_is_stored_under_another_spelling_takes_part_in_a_decision(lnlbench, stored, monkeypatch):
    assert lnlbench("run", NOISY, "-m", "gce(q=0.7), gce(q=0.5)", "-s", "0-1", *FAST)[0] == 0
    monkeypatch.setattr(StoreReader, "results", None)  # reads predictions, which no board needs
    asked = ("run", NOISY, "-m", "gce, gce(q=0.50)", "-s", "0", *FAST, "--until-decided", "--budget", "1")
    found = json.loads(lnlbench(*asked, "--json")[1])
    assert not found["made"] and {*found["decision"]["could_be_best"]} == {"gce", "gce(q=0.50)"}
    assert found["decision"]["why"].startswith("the budget is spent: ")
    out = lnlbench(*asked)[1]
    assert "gce(q=0.50)  " in out and "gce(q=0.5) " not in out
    reader = StoreReader(stored)
    assert reader.replicates(["gce(q=0.7)"], ["digits,epochs=2/symmetric-0.4"]) == {0, 1}
    assert reader.replicates(["ce"], ["digits,epochs=2/symmetric-0.4"]) == set()
    board = json.loads(lnlbench("leaderboard", "-f", "json")[1])[0]
    assert {row["name"] for row in board["rows"]} == {"gce(q=0.7)", "gce(q=0.5)"}
    assert lnlbench("run", NOISY, "-m", "gce", "-s", "0-2", *FAST)[0] == 0
    for name in ("gce", "gce(q=0.7)"):
        code, out, _ = lnlbench("leaderboard", "--methods", name, "--among", f"{name}, gce(q=0.5)", "-f", "json")
        (row,) = json.loads(out)[0]["rows"]
        assert (code, row["name"], row["score"]["n"]) == (0, "gce", 3)
        assert lnlbench("show", name, "digits,epochs=2/symmetric-0.4", "1")[0] == 0


def test_a_comparison_shows_its_plan_and_makes_nothing(lnlbench, stored):
    assert lnlbench("run", NOISY, "-m", "ce", "-s", "0-1", *FAST)[0] == 0
    held = ("--suite", NOISY, "-s", "0-1", "--set", "epochs=2", "--device", "cpu", "--dry-run")
    code, out, err = lnlbench("compare", "gce", "-a", "ce", *held, "--json")
    row, total = json.loads(out)
    assert (code, err) == (0, "baselines: 2 runs, 2 from the store\n")
    assert (row["method"], row["missing"]) == ("gce", [0, 1]) and total["missing"] == 2
    assert [row["name"] for row in json.loads(lnlbench("leaderboard", "-f", "json")[1])[0]["rows"]] == ["ce"]
    assert lnlbench("run", NOISY, "-m", "gce", "-s", "0-1", *FAST)[0] == 0
    assert "total" in lnlbench("compare", "gce", "-a", "ce", *held)[1]
    shorter = ("--suite", NOISY, "-s", "0-1", "--epochs", "2", "--device", "cpu", "--dry-run", "--json")
    (total,) = json.loads(lnlbench("compare", "gce", "-a", "ce", *shorter)[1])
    assert (total["setting"], total["missing"]) == ("total", 0), "`--epochs 2` is `--set epochs=2`"


def test_the_board_of_a_run_says_what_makes_it_doubtful(lnlbench, stored):
    """Noise that may depend on the image, and runs of one replicate that saw other labels."""
    code, out, _ = lnlbench("run", "digits/instance-0.4", "-m", "ce, gce", "-s", "0-1", *FAST)
    assert code == 0 and "inst 0.4†" in out and "† digits,epochs=2/instance-0.4: its noise may depend on" in out
    assert "saw other data" not in out
    results = load(stored)
    other = results[0].identity["noise"] | {"labels_sha256": "0"}
    edited = [replace(results[0], identity=results[0].identity | {"noise": other}), *results[1:]]
    console = Console(width=300)
    with console.capture() as capture:
        console.print(display.ended(edited, "noisy_val"))
    assert "Noise or split differ between methods in digits,epochs=2/instance-0.4: they saw oth" in capture.get()


def test_twice_the_epochs_are_a_reference_row(lnlbench, stored):
    for length in ([], ["--epochs", "2x"]):
        assert lnlbench("run", NOISY, "-m", "ce", "-s", "0", "--json", *length, *FAST[2:])[0] == 0
    code, out, err = lnlbench("leaderboard", NOISY, "--format", "json")
    assert (code, err) == (0, "")
    (board,) = json.loads(out)
    assert [(row["name"], row["status"]) for row in board["below"]] == [("ce (2x epochs)", "reference")]
    assert [column["setting"] for column in board["columns"]] == [NOISY]


def test_failed_runs_are_told_and_give_exit_code_1(lnlbench, stored, plugin_of):
    path = plugin_of(
        "from lnlbench.methods import Method, register\n\n\n@register('wrong')\nclass Wrong(Method):\n"
        "    def loss(self, logits, batch, clock):\n        raise RuntimeError('[/bold] is no markup')\n"
    )
    code, out, err = lnlbench("run", NOISY, "-m", "wrong, ce", "-s", "0", "--plugin", path, "--json", *FAST)
    assert (code, err) == (1, "")
    found = json.loads(out)
    assert len(found["made"]) == 1
    assert [row["reason"] for row in found["failed"]] == [f"RuntimeError: [/bold] is no markup ({path}:7)"]
    assert found["failed"][0]["run"] == "digits,epochs=2/symmetric-0.4 wrong s0"


def test_a_comparison_with_failed_runs_is_one_line_and_exit_code_2(lnlbench, stored, plugin_of):
    path = plugin_of(
        "from lnlbench.methods import Method, register\n\n\n@register('wrong')\nclass Wrong(Method):\n"
        "    def loss(self, logits, batch, clock):\n        raise RuntimeError('on purpose')\n"
    )
    how = ["--suite", NOISY, "-s", "0", "--set", "epochs=2", "--device", "cpu", "--jobs", "1"]
    code, out, err = lnlbench("compare", path, "-a", "ce", "--json", *how)
    assert (code, out) == (2, "")
    assert err == f"lnlbench: 1 of 2 runs failed: RuntimeError: on purpose ({path}:7)\n"


def test_progress_counts_epochs_and_shows_failures(monkeypatch, capfd):
    from lnlbench.benchmark.sweep import scheduler as sweep

    runs = grid([NOISY], "ce, early_stopping, gce", "0", {"epochs": 4}, Options())

    def played(runs, options, watch):
        for epoch in range(4):
            watch(Event("epoch", runs[0].key, epoch, {"validation_accuracy": 0.5 + epoch / 100}))
        watch(Event("done", runs[0].key))
        watch(Event("failed", runs[1].key, reason="an [/end] of nothing"))
        return Report(done=[runs[0].key])

    monkeypatch.setattr(sweep, "sweep", played)
    monkeypatch.setenv("COLUMNS", "120")
    progress.followed(runs, Options(), quiet=False)
    err = capfd.readouterr().err
    assert "8/8 epochs" in err, "what failed is done with"
    assert "digits,epochs=4 sym 0.4 ce s0, validation 53.0 %" in err
    assert "failed digits,epochs=4/symmetric-0.4 gce s0: an [/end] of nothing" in err
    progress.followed(runs, Options(), quiet=True)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        pytest.param(np.zeros(100, np.int64), "has shape (100,); digits has 1437 training images", id="wrong length"),
        pytest.param(np.full(1437, 10), "holds labels 10 to 10; expected 0 to 9", id="out of range"),
        pytest.param(np.full(1437, -1), "holds labels -1 to -1; expected 0 to 9", id="negative"),
        pytest.param(np.zeros(1437), "labels are integers", id="fractions"),
        pytest.param(None, "labels.npy", id="no file"),
        pytest.param(b"nonsense", "labels.npy", id="no array"),
    ],
)
def test_a_label_file_that_does_not_fit(one_line, lnlbench, tmp_path, labels, message):
    path = tmp_path / "labels.npy"
    if isinstance(labels, bytes):
        path.write_bytes(labels)
    elif labels is not None:
        np.save(path, labels)
    one_line(lnlbench("run", f"digits/file:{path}", "-m", "ce", "-s", "0", *FAST), message)
    assert list(tmp_path.rglob("*.db*")) == []


def test_a_store_that_is_locked(one_line, lnlbench, stored, monkeypatch):
    monkeypatch.setitem(Store.__init__.__kwdefaults__, "wait", 0.3)
    for module in ("scheduler", "worker"):  # which wait for minutes
        monkeypatch.setattr(f"lnlbench.benchmark.sweep.{module}.OUTAGE", 0.0)
    with closing(sqlite3.connect(stored.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN EXCLUSIVE")
        one_line(lnlbench(*RUN), "is locked by another program; close it, or try again")
    assert lnlbench(*RUN)[0] == 0, "and then it works"
    store = Store(stored)
    assert len(store.stored()) == 1
    store.close()
