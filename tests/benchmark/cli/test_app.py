"""The command line: what it shows, and that every mistake is one line, exit code 2, and nothing half-written."""

import csv
import io
import json
import re
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch

from lnlbench.benchmark.cli import app as cli
from lnlbench.benchmark.cli import boards, catalogue, display
from lnlbench.benchmark.protocol import settings
from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import Report
from lnlbench.benchmark.sweep.worker import Event
from lnlbench.leaderboard import shipped
from lnlbench.leaderboard.results.rules import RULES
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods import FAMILIES, methods
from lnlbench.methods import _registry as registry

NOISY = "digits/symmetric-0.4"
FAST = ("--epochs", "2", "--device", "cpu", "--jobs", "1")


@pytest.fixture
def lnlbench(monkeypatch, capfd):
    """Call the command line in this process: exit code, standard output, standard error."""
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)  # pytest's own handlers stay
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["lnlbench", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        return exit_.value.code or 0, *capfd.readouterr()

    return call


@pytest.fixture
def stored(url, monkeypatch):
    """The URL of a fresh store that the command line finds by itself."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    return url


@pytest.fixture(scope="module")
def filled(template, tmp_path_factory):
    """The URL of a store with two methods and a reading, two replicates, and a run of another length."""
    from lnlbench.benchmark import run

    file = tmp_path_factory.mktemp("filled") / "mlflow.db"
    file.write_bytes(template.read_bytes())
    how = {"tracking_uri": f"sqlite:///{file}", "device": "cpu", "epochs": 3}
    run(NOISY, "ce, gce + early_stopping", "0-1", **how)
    run(NOISY, "ce", "0", length="full", **how)
    return f"sqlite:///{file}"


# What is shown.


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--help"], ["run", "list", "leaderboard", "ui", "doctor"], id="all"),
        pytest.param(["run", "--help"], ["--methods", "--seeds", "--epochs", "--set", "--dry-run", "--json"], id="run"),
        pytest.param(["leaderboard", "--help"], ["--rule", "--format", "oracle"], id="leaderboard"),
        pytest.param(["list", "--help"], ["datasets", "models"], id="list"),
    ],
)
def test_help(lnlbench, arguments, words):
    code, out, err = lnlbench(*arguments)
    assert (code, err) == (0, "")
    assert [word for word in words if word not in out] == []


@pytest.mark.parametrize(
    ("what", "column", "expected"),
    [
        pytest.param(["suites"], "suite", set(settings.suites()), id="suites"),
        pytest.param(
            ["settings"],
            "setting",
            {member.name for members in settings.suites().values() for member in members},
            id="settings",
        ),
        pytest.param(["datasets"], "dataset", {"cifar10", "cifar100", "digits", "mnist"}, id="data sets"),
        pytest.param(["models"], "model", {"mlp", "cnn4", "any timm name"}, id="networks"),
    ],
)
def test_lists(lnlbench, what, column, expected):
    code, out, err = lnlbench("list", *what, "--json")
    assert (code, err) == (0, "")
    assert expected <= {row[column] for row in json.loads(out)}
    code, out, err = lnlbench("list", *what)
    assert (code, err) == (0, "")
    assert [name for name in expected if name not in out] == []
    assert column in out.splitlines()[0]


@pytest.mark.parametrize("what", [[], ["methods"]], ids=["methods", "methods by name"])
def test_methods_are_listed_with_their_papers(lnlbench, what):
    code, out, err = lnlbench("list", *what, "--json")
    assert (code, err) == (0, "")
    rows = json.loads(out)
    assert {row["method"] for row in rows} >= {str(method()) for method in methods().values()}
    assert {row["family"] for row in rows} == set(FAMILIES)
    (gce,) = (row for row in rows if row["name"] == "gce")
    assert (gce["paper"], gce["year"], gce["origins"]) == ("Zhang and Sabuncu, NeurIPS", 2018, {"q": "paper"})
    code, out, err = lnlbench("list", *what)
    assert (code, err) == (0, "")
    assert [name for name in methods() if f" {name} " not in out] == []


def test_methods_of_a_family_fit_into_eighty_columns(lnlbench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = lnlbench("list", "methods", "--family", "loss")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    names = {name for name, method in methods().items() if method.family == "loss"}
    assert [name for name in methods() if (f" {name} " in out) != (name in names)] == []
    cells = [line.split("│") for line in out.splitlines() if "│" in line]
    first = next(i for i, row in enumerate(cells) if row[0].strip() == "gce")
    idea = " ".join(row[1].strip() for row in cells[first : first + 5])
    assert idea.startswith("Generalised cross-entropy: between cross-entropy (q → 0) and the mean absolute error")
    assert (cells[first][2].strip(), cells[first][3].strip()) == ("Zhang and Sabuncu, NeurIPS", "2018")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["methods", "--family", "losses"], "did you mean 'loss'?", id="no such family"),
        pytest.param(["suites", "--family", "loss"], "suites have no family", id="no families"),
    ],
)
def test_a_family_that_is_none(lnlbench, arguments, words):
    code, out, err = lnlbench("list", *arguments)
    assert code == 2 and out == "" and words in err and len(err.splitlines()) == 1


def test_citations_name_each_paper_once(lnlbench):
    code, out, err = lnlbench("cite", "gce(q=0.5) + sam", "truncated_gce,mnist", "ce")
    assert (code, err) == (0, "")
    keys = re.findall(r"^@(\w+)\{(\w+),$", out, re.MULTILINE)
    assert keys == [
        ("inproceedings", "zhang2018generalized"),
        ("inproceedings", "foret2021sharpness"),
        ("article", "lecun1998gradient"),
        ("article", "good1952rational"),
    ]
    assert out.count("{") == out.count("}")
    assert "  author = {Zhilu Zhang and Mert R. Sabuncu}," in out.splitlines()


def test_a_name_that_cannot_be_cited_is_one_line(lnlbench):
    code, out, err = lnlbench("cite", "gcee")
    assert (code, out) == (2, "")
    assert "unknown method or data set 'gcee'; did you mean 'gce'?" in err and len(err.splitlines()) == 1


def test_data_sets_say_where_they_come_from(lnlbench, tmp_path):
    rows = {row["dataset"]: row for row in json.loads(lnlbench("list", "datasets", "--json")[1])}
    assert (rows["digits"]["from"], rows["mnist"]["from"]) == ("embedded", None)
    assert rows["cifar100"]["classes"] == 100


def test_brackets_are_no_markup(capfd):
    cli._print(display.table([{"a": "/tmp/[bold]/x[/red]", "b": "[1]"}]))
    assert "/tmp/[bold]/x[/red]" in (out := capfd.readouterr().out) and "[1]" in out


def test_a_dry_run_makes_nothing(lnlbench, tmp_path):
    code, out, err = lnlbench("run", NOISY, "-m", "ce, gce + early_stopping", "-s", "0-1", "--dry-run", "--json", *FAST)
    assert (code, err) == (0, "")
    assert [(row["method"], row["missing"], row["how"]) for row in json.loads(out)] == [
        ("ce", [0, 1], "2 epochs"),
        ("gce", [0, 1], "2 epochs"),
        ("gce + early_stopping", [0, 1], "read off gce"),
    ]
    assert "read off gce" in lnlbench("run", NOISY, "-m", "gce + early_stopping", "--dry-run")[1]
    assert not (tmp_path / "home").exists()


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
    assert [row["reason"] for row in found["failed"]] == ["RuntimeError: [/bold] is no markup"]
    assert found["failed"][0]["run"] == "digits,epochs=2/symmetric-0.4 wrong s0"


def test_progress_counts_epochs_and_shows_failures(monkeypatch, capfd):
    from lnlbench.benchmark.sweep import scheduler as sweep

    runs = grid([NOISY], "ce, early_stopping, gce", "0", {"epochs": 4}, Options())

    def played(runs, options, watch):
        for epoch in range(4):
            watch(Event("epoch", runs[0].key, epoch))
        watch(Event("done", runs[0].key))
        watch(Event("failed", runs[1].key, reason="an [/end] of nothing"))
        return Report(done=[runs[0].key])

    monkeypatch.setattr(sweep, "sweep", played)
    monkeypatch.setenv("COLUMNS", "120")
    display.followed(runs, Options(), quiet=False)
    err = capfd.readouterr().err
    assert "8/8 epochs" in err, "what failed is done with"
    assert "failed digits,epochs=4/symmetric-0.4 gce s0: an [/end] of nothing" in err
    display.followed(runs, Options(), quiet=True)
    assert capfd.readouterr().err == ""


ALL_RULES = ",".join(RULES)


@pytest.mark.parametrize("rule", [*RULES, ALL_RULES])
@pytest.mark.parametrize("form", boards.FORMS)
def test_leaderboards(lnlbench, filled, form, rule):
    code, out, err = lnlbench("leaderboard", "--rule", rule, "--format", form, "--tracking-uri", filled)
    assert (code, err) == (0, "")
    names = rule.split(",")
    if form == "json":
        boards = json.loads(out)
        assert [(board["length"], board["rule"]) for board in boards] == [
            (length, name) for length in ("fast", "full") for name in names
        ]
        fast = boards[0]
        assert {row["name"] for row in fast["rows"]} == {"ce", "gce", "gce + early_stopping"}
        assert all(1 < cell["mean"] <= 100 and cell["n"] == 2 for row in fast["rows"] for cell in row["cells"].values())
    elif form == "csv":
        rows = list(csv.DictReader(io.StringIO(out)))
        assert {(row["length"], row["rule"], row["method"]) for row in rows} == {
            ("fast", name, method) for name in names for method in ("ce", "gce", "gce + early_stopping")
        } | {("full", name, "ce") for name in names}
        assert all(0 <= float(row["mean"]) <= 100 for row in rows)
    else:
        assert all(
            out.replace("\\_", "_").count(f"{name}, track default, length {length}") == 1
            for name in names
            for length in ("fast", "full")
        )
        assert "gce + early_stopping" in out.replace("\\_", "_") and ("\\pm " if form == "latex" else "± ") in out


def test_the_page_is_one_file_with_links(lnlbench, filled, tmp_path):
    file = tmp_path / "board.html"
    code, out, err = lnlbench("leaderboard", "--html", file, "--ui", "http://127.0.0.1:5000/", "--tracking-uri", filled)
    assert (code, err) == (0, "")
    assert out == f"7 results in {file}; open it in any browser\n"
    assert file.read_text().count('href="http://127.0.0.1:5000/#/experiments/') == 7
    for more, message in ((["--methods", "ce"], "filters of its own"), (["--ui", "localhost"], "http://")):
        code, out, err = lnlbench("leaderboard", "--html", file, *more, "--tracking-uri", filled)
        assert (code, out, err.count("\n")) == (2, "", 1) and message in err


def test_a_leaderboard_of_some_methods_and_settings(lnlbench, filled):
    how = ("--format", "json", "--tracking-uri", filled)
    names = [row["name"] for row in json.loads(lnlbench("leaderboard", "--methods", "gce", *how)[1])[0]["rows"]]
    assert names == ["gce"]
    answer = lnlbench("leaderboard", "mnist", *how)
    assert_one_line(answer, "nothing is stored of mnist; there is: digits,epochs=3,length=full/")
    answer = lnlbench("leaderboard", "--track", "tuned", *how)
    assert_one_line(answer, "nothing is stored in the track tuned; there is: digits,epochs=3,length=full/")


def test_a_leaderboard_finds_runs_of_another_length_and_says_so(lnlbench, filled):
    code, out, err = lnlbench("leaderboard", "digits", "--format", "json", "--tracking-uri", filled)
    assert code == 0 and err == (
        "nothing is stored of digits as it is; these are 7 runs with epochs=3 and with epochs=3,length=full\n"
    )
    assert [board["suite"] for board in json.loads(out)] == ["digits,epochs=3", "digits,epochs=3,length=full"]


def test_a_leaderboard_is_drawn(lnlbench, filled, tmp_path):
    how = ("--track", "default", "--tracking-uri", filled)
    files = [tmp_path / "board.svg", tmp_path / "pairs.png"]
    code, out, err = lnlbench("leaderboard", "digits", "--figure", files[0], *how)
    assert_one_line((code, out, err.partition("\n")[2]), "a figure is of one board, and there are 2")
    (tmp_path / "one.jsonl.xz").write_bytes((Path(shipped.__file__).parent / "mnist-fast.jsonl.xz").read_bytes())
    source = ("--from", tmp_path / "one.jsonl.xz")
    code, out, err = lnlbench("leaderboard", "--figure", files[0], "--matrix", files[1], *source)
    assert (code, err, out.count("drawn in")) == (0, "", 2) and all(file.stat().st_size > 5000 for file in files)
    assert "co_teaching" in files[0].read_text()
    assert_one_line(lnlbench("leaderboard", "--figure", "board.gif", *source), "ends with .pdf, .png, .svg, got")


def test_all_pairs_as_csv(lnlbench):
    source = ("--from", Path(shipped.__file__).parent / "mnist-fast.jsonl.xz")
    code, out, err = lnlbench("leaderboard", "--pairs", "--format", "csv", *source)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, err, len(rows)) == (0, "", 4 * 28), "eight methods, three settings and their mean"
    assert_one_line(lnlbench("leaderboard", "--pairs", *source), "--pairs is a table for csv")


def test_the_memorisation_gap(lnlbench, filled):
    out = lnlbench("leaderboard", "--gap", "--format", "markdown", "--tracking-uri", filled)[1]
    assert "cross-entropy's best test epoch minus its last" in out


def test_published_numbers(lnlbench, filled):
    out = lnlbench("leaderboard", "--published", "--format", "markdown", "--tracking-uri", filled)[1]
    assert "No published number is of" in out  # digits
    code, _, err = lnlbench("leaderboard", "--published", "--format", "csv", "--tracking-uri", filled)
    assert code == 2 and "--published is a text" in err


def test_verify_and_import(lnlbench, filled, stored, tmp_path):
    file = tmp_path / "all.jsonl.xz"
    assert lnlbench("export", file, "--tracking-uri", filled)[0] == 0
    code, out, err = lnlbench("verify", file)
    assert (code, err) == (0, "") and "verify" in out
    assert "were stored before" in lnlbench("import", file)[1]
    assert lnlbench("import", file)[1].startswith("0 results added")
    file.write_bytes(file.read_bytes()[:-30])
    code, out, err = lnlbench("import", file)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_doctor(lnlbench, stored):
    code, out, err = lnlbench("doctor", "--json")
    assert (code, err) == (0, "")
    rows = {row["what"]: row for row in json.loads(out)}
    assert {"python", "torch", "mlflow", "device", "digits", "mnist", "store"} <= rows.keys()
    assert rows["digits"]["state"] == rows["store"]["state"] == "ok" and rows["mnist"]["state"] == "missing"
    assert rows["store"]["detail"].endswith("mlflow.db ($MLFLOW_TRACKING_URI), 0 runs")
    assert "torch" in lnlbench("doctor")[1]


def test_doctor_makes_no_store(lnlbench, tmp_path):
    file = tmp_path / "none.db"
    code, out, _ = lnlbench("doctor", "--json", "--tracking-uri", f"sqlite:///{file}")
    assert code == 0 and not file.exists()
    assert [row["state"] for row in json.loads(out) if row["what"] == "store"] == ["missing"]


def test_doctor_finds_a_broken_store(lnlbench, tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"These are my notes. " * 1000)
    code, out, err = lnlbench("doctor", "--json", "--tracking-uri", f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert (code, err) == (1, "")
    (row,) = [row for row in json.loads(out) if row["state"] == "broken"]
    assert row["what"] == "store" and "is not an SQLite database" in row["detail"]


# Mistakes.


@pytest.fixture
def plugin_of(tmp_path, monkeypatch):
    """Write a plug-in; what it registers is forgotten after the test."""
    monkeypatch.setattr(registry, "_METHODS", dict(registry.methods()))

    def write(text):
        path = tmp_path / "plugin.py"
        path.write_text(text)
        return path

    return write


RUN = ("run", NOISY, "-m", "ce", "-s", "0", *FAST)
NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")

GRAPH = ("--device", "cpu", "--execution", "graph")
MISTAKES = [
    pytest.param(["run", "digitz"], "unknown suite 'digitz'; did you mean 'digits'?", id="suite"),
    pytest.param(["run", "mnst/clean"], "unknown task 'mnst'; did you mean 'mnist'?", id="task"),
    pytest.param(["run", "mnist/none*"], "no setting fits 'mnist/none*'", id="pattern"),
    pytest.param(["run", NOISY, "-m", "gec"], "unknown method 'gec'; did you mean 'gce'?", id="method"),
    pytest.param(["run", NOISY, "-m", "gce(p=1)"], "gce has no hyper-parameter 'p'", id="hyper-parameter"),
    pytest.param(["run", NOISY, "-m", "gce(q=9)"], "gce: q must be in", id="value"),
    pytest.param(["run", NOISY, "-m", "gce + elr"], "'gce' both answer `loss`", id="methods that do not combine"),
    pytest.param(["run", NOISY, "-m", "gce("], "cannot read the method 'gce('", id="method that is no expression"),
    pytest.param([*RUN, "--model", "resnet81"], "unknown model 'resnet81'; did you mean", id="network"),
    pytest.param([*RUN, "--set", "dataset=mnits"], "unknown data set 'mnits'; did you mean 'mnist'?", id="data set"),
    pytest.param(["run", "digits/symetric-0.4"], "unknown noise 'symetric'; did you mean 'symmetric'?", id="noise"),
    pytest.param(["run", "digits/symmetric"], "has no rate", id="noise without a rate"),
    pytest.param(["run", "digits/symmetric-0.95"], "leaves no diagonal dominance", id="symmetric-0.95"),
    pytest.param(["run", "digits/asymmetric-0.6"], "leaves no diagonal dominance", id="asymmetric-0.6"),
    pytest.param(["run", "digits/symmetric-1.5"], "must be at least 0 and below 1", id="symmetric-1.5"),
    pytest.param(["run", "digits/human-worst"], "there is no set of human labels for digits", id="no human labels"),
    pytest.param(["run", NOISY, *GRAPH], "'graph' replays CUDA graphs, but the device is 'cpu'", id="graph"),
    pytest.param(["tune", NOISY, *GRAPH], "it has: auto, loop, stack", id="graph for tuning"),
    pytest.param(["run", NOISY, "-s", "a"], "replicates are written '0,1,2' or '0-4', but got 'a'", id="seeds"),
    pytest.param(["run", NOISY, "-s", "4-2"], "replicates are written", id="seeds backwards"),
    pytest.param([*RUN, "--set", "lr"], "written name=value, as in lr=0.1, but got 'lr'", id="set without a value"),
    pytest.param([*RUN, "--set", "=5"], "written name=value", id="set without a name"),
    pytest.param([*RUN, "--set", "lrr=1"], "unknown field 'lrr'; did you mean 'lr'?", id="set of nothing"),
    pytest.param([*RUN, "--set", "lr=fast"], "lr must be in 0.0 to 100.0, but got 'fast'", id="set to nonsense"),
    pytest.param([*RUN, "--set", "epochs=1.5"], "epochs must be an integer, but got 1.5", id="set to half an epoch"),
    pytest.param([*RUN[:-6], "--epochs", "0"], "epochs must be in 1 to 10000, but got 0", id="no epochs"),
    pytest.param([*RUN[:-6], "--epochs", "many"], "epochs must be in 1 to 10000, but got 'many'", id="epochs in words"),
    pytest.param([*RUN, "--device", "cuda"], "'cuda' was asked for, but torch sees 0", id="no GPU", marks=NO_GPU),
    pytest.param([*RUN[:-4], "--device", "gpu"], "unknown device 'gpu'; known: auto, cpu, cuda", id="device"),
    pytest.param([*RUN, "--precision", "fp16"], "unknown precision 'fp16'; known: auto, fp32, bf16", id="precision"),
    pytest.param([*RUN, "--jobs", "-1"], "'--jobs'", id="jobs"),
    pytest.param([*RUN, "--plugin", "nowhere.py"], "nowhere.py", id="no plug-in"),
    pytest.param([*RUN, "--data-dir", "nowhere"], "'nowhere' is not a directory", id="no data directory"),
    pytest.param([*RUN, "--tracking-uri", "mlruns"], "a store is sqlite:///file", id="no store"),
    pytest.param(["run", "mnist/clean"], "hf download ylecun/mnist", id="data set that is not here"),
    pytest.param(["run"], "SUITE-OR-SETTING", id="nothing to run"),
    pytest.param([*RUN, "--sedes", "1"], "No such option", id="option"),
    pytest.param(["ruin"], "No such command", id="command"),
    pytest.param(["list", "method"], "cannot list 'method'; did you mean 'methods'?", id="list"),
    pytest.param(["leaderboard", "--rule", "noisy"], "unknown rule 'noisy'; did you mean 'noisy_val'?", id="rule"),
    pytest.param(["leaderboard", "--rule", ""], "unknown rule ''", id="no rule"),
    pytest.param(["leaderboard", "-f", "html"], "unknown format 'html'; known: terminal", id="format"),
    pytest.param(["leaderboard", "digitz"], "unknown suite 'digitz'; did you mean 'digits'?", id="board of no suite"),
    pytest.param(["leaderboard"], "nothing is stored yet", id="empty board"),
    pytest.param(["show"], "Missing argument 'run'", id="nothing to show"),
    pytest.param(["show", "ce", "digits/clean", "0"], "nothing is stored yet", id="show of an empty store"),
    pytest.param(["verify", "ce", "digits/clean", "0"], "nothing is stored yet", id="verify of an empty store"),
    pytest.param(["ui", "--port", "99999"], "'--port'", id="port"),
    pytest.param(["ui", "--tracking-uri", "mlruns"], "a store is sqlite:///file", id="ui of no store"),
    pytest.param(["check"], "Missing argument 'method'", id="nothing to check"),
    pytest.param(["check", ""], "cannot read the method ''", id="check of an empty text"),
    pytest.param(["check", "gec"], "unknown method 'gec'; did you mean 'gce'?", id="check of no method"),
    pytest.param(["check", "nothing.py"], "no Python file at", id="check of no file"),
    pytest.param(["new-method", "My-Loss"], "lower-case letters, digits and '_'", id="name of a new method"),
    pytest.param(["new-method", "gce"], "there is a method called 'gce' already", id="name of an old method"),
    pytest.param(["new-method", "my_loss", "--folder", "none"], "none/my_loss.py cannot be written", id="no folder"),
    pytest.param(["compare", "gce", "--rule", "best"], "unknown rule 'best'; known: final", id="compare under no rule"),
    pytest.param(["compare", "gce", "--against", "gec"], "did you mean 'gce'?", id="compare with no method"),
    pytest.param(["compare", "gce", "-a", "gce"], "needs a method and other ones", id="compare with itself"),
    pytest.param(["compare", "gce", "--suite", "mnst"], "did you mean 'mnist'?", id="compare on no suite"),
    pytest.param(["compare", "gce", "-s", "x", "--suite", "digits"], "replicates are written", id="compare no seeds"),
    pytest.param(
        ["compare", "gce", "--set", "epochs"], "written name=value", id="compare with a field without a value"
    ),
]


def assert_one_line(answer, message):
    code, out, err = answer
    assert (code, out) == (2, ""), err
    assert message in err
    assert err.startswith("lnlbench: ") and err.count("\n") == 1 and err.endswith("\n"), err


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing(lnlbench, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert_one_line(lnlbench(*arguments), message)
    assert list(tmp_path.rglob("*.db*")) == [] and not (tmp_path / "mlruns").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("import nothing_of_this_name", "does not import: ModuleNotFoundError", id="missing import"),
        pytest.param("def broken(:", "does not import: SyntaxError", id="no Python"),
        pytest.param("x = 1", "registers no method", id="no method"),
        pytest.param(
            "from lnlbench.methods import Method, register\n@register('gce')\nclass Mine(Method):\n    pass\n",
            "two methods are called 'gce'",
            id="name that is taken",
        ),
    ],
)
def test_a_plugin_that_cannot_be_used(lnlbench, plugin_of, tmp_path, text, message):
    assert_one_line(lnlbench(*RUN, "--plugin", plugin_of(text)), message)
    assert list(tmp_path.rglob("*.db*")) == []


EVERYWHERE = [
    pytest.param("run", [NOISY, "-m", "{}"], id="run"),
    pytest.param("tune", [NOISY, "-m", "{}"], id="tune"),
    pytest.param("tune", [NOISY, "-m", "all", "--plugin", "{}"], id="tune all"),
    pytest.param("compare", ["{}", "--suite", NOISY], id="compare"),
    pytest.param("compare", ["gce", "-a", "{}", "--suite", NOISY], id="compare against"),
    pytest.param("check", ["{}"], id="check"),
    pytest.param("list", ["methods", "--plugin", "{}"], id="list"),
    pytest.param("leaderboard", ["-m", "{}"], id="leaderboard"),
    pytest.param("show", ["{}", NOISY, "0"], id="show"),
    pytest.param("verify", ["{}", NOISY, "0"], id="verify"),
    pytest.param("verify", ["all.jsonl.xz", "--plugin", "{}"], id="verify a file"),
    pytest.param("import", ["all.jsonl.xz", "--plugin", "{}"], id="import"),
]


@pytest.mark.parametrize(("command", "arguments"), EVERYWHERE)
def test_a_plugin_that_ends_the_program_is_a_mistake_everywhere(lnlbench, plugin_of, command, arguments, filled):
    path = plugin_of("import sys\nsys.exit(0)")
    more = [] if command in ("check", "list") else ["--tracking-uri", filled]
    answer = lnlbench(command, *(word.format(path) for word in arguments), *more)
    assert_one_line(answer, f"{path} ends the program: it calls sys.exit(0) when it is imported")


MINE = "from lnlbench.methods import Method, register\n\n\n@register('mine_here')\nclass Mine(Method):\n    pass\n"


def test_a_file_is_a_method_in_every_command(lnlbench, plugin_of, stored):
    path = plugin_of(MINE)
    how = ("-m", path, "--epochs", "2", "--device", "cpu", "--json")
    code, out, err = lnlbench("tune", NOISY, "--trials", "2", "--dry-run", *how)
    assert (code, err) == (0, "") and [row["for"] for row in json.loads(out)] == [[f"digits,epochs=2/{NOISY[7:]}"]]
    assert len(json.loads(lnlbench("run", NOISY, "-s", "0-1", *how)[1])["made"]) == 2
    assert '"mine_here"' in lnlbench("leaderboard", "-m", path, "-f", "json")[1]
    run = (path, f"digits,epochs=2/{NOISY[7:]}", "0")
    code, out, err = lnlbench("show", *run, "--json")
    assert (code, err) == (0, "") and "mine_here" in out
    code, out, err = lnlbench("verify", *run)
    assert (code, err) == (0, "") and "1 of 1 verifies" in out
    with_set = ("--suite", NOISY, "-s", "0-1", "--set", "epochs=2", "--device", "cpu", "--jobs", "1", "--json")
    code, out, err = lnlbench("compare", path, "-a", "ce", *with_set)
    assert (code, err) == (0, "") and [verdict["method"] for verdict in json.loads(out)] == ["mine_here"]


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
def test_a_label_file_that_does_not_fit(lnlbench, tmp_path, labels, message):
    path = tmp_path / "labels.npy"
    if isinstance(labels, bytes):
        path.write_bytes(labels)
    elif labels is not None:
        np.save(path, labels)
    assert_one_line(lnlbench("run", f"digits/file:{path}", "-m", "ce", "-s", "0", *FAST), message)
    assert list(tmp_path.rglob("*.db*")) == []


def test_a_store_that_is_locked(lnlbench, stored, monkeypatch):
    monkeypatch.setitem(Store.__init__.__kwdefaults__, "wait", 0.3)
    with closing(sqlite3.connect(stored.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert_one_line(lnlbench(*RUN), "is locked by another program; close it, or try again")
    assert lnlbench(*RUN)[0] == 0, "and then it works"
    store = Store(stored)
    assert len(store.stored()) == 1
    store.close()


def test_a_store_that_is_something_else(lnlbench, tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"These are my notes. " * 1000)
    for command in (RUN, ("leaderboard",)):
        answer = lnlbench(*command, "--tracking-uri", f"sqlite:///{tmp_path / 'mlflow.db'}")
        assert_one_line(answer, "is not an SQLite database")
    assert (tmp_path / "mlflow.db").read_bytes() == b"These are my notes. " * 1000


def test_a_method_that_is_not_stored_has_no_board(lnlbench, filled):
    answer = lnlbench("leaderboard", "--methods", "gec", "--tracking-uri", filled)
    assert_one_line(answer, "nothing is stored of 'gec'; there is: ce, gce, gce + early_stopping")


def test_an_error_of_ours_is_a_traceback(lnlbench, monkeypatch):
    def broken(*arguments):
        raise ValueError("a bug")

    monkeypatch.setattr(catalogue, "listing", broken)
    monkeypatch.setattr(sys, "argv", ["lnlbench", "list"])
    with pytest.raises(ValueError, match="a bug"):
        cli.main()


def test_an_interruption(lnlbench, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(catalogue, "listing", interrupted)
    code, out, err = lnlbench("list")
    assert (code, out) == (130, "")
    assert err == "lnlbench: interrupted; what is finished is stored, and the same command goes on from there\n"


# As a program.


def program(*arguments, **options):
    command = [Path(sysconfig.get_path("scripts")) / "lnlbench", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    return done.returncode, done.stdout, done.stderr


def test_the_program():
    code, out, err = program("list", "suites", "--json")
    assert (code, err) == (0, "") and "digits" in {row["suite"] for row in json.loads(out)}
    assert_one_line(program("list", "suits"), "did you mean 'suites'?")
    code, out, err = program("--help")
    assert (code, err) == (0, "") and "learning with noisy labels" in out
    code, out, err = program()
    assert (code, err) == (2, "") and "leaderboard" in out


AS_NOBODY = """
import os, sys
from lnlbench.benchmark.cli import app as cli
good, closed = sys.argv[1:]
def call(folder):
    os.environ["LNLBENCH_HOME"] = folder
    sys.argv[1:] = ["run", "digits/clean", "-m", "ce", "-s", "0", "--epochs", "1", "--jobs", "1", "--device", "cpu"]
    try:
        cli.main()
    except SystemExit as done:
        return done.code
assert not call(good)  # imports all that another user may not be able to read
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)  # root may write everything
sys.exit(call(closed))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_store_that_cannot_be_written(template):
    with tempfile.TemporaryDirectory() as name:
        good, closed = Path(name) / "good", Path(name) / "closed"
        for folder in (good, closed):
            folder.mkdir()
            (folder / "mlflow.db").write_bytes(template.read_bytes())
        Path(name).chmod(0o755)
        closed.chmod(0o555)
        command = [sys.executable, "-c", AS_NOBODY, good, closed]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        closed.chmod(0o755)
        assert [path.name for path in closed.iterdir()] == ["mlflow.db"]
    assert done.stdout.startswith("1 runs made")
    assert_one_line(
        (done.returncode, "", done.stderr), f"{closed} cannot be written; set LNLBENCH_HOME to a folder that can"
    )
