"""One run in the terminal: found by any of its names, drawn, and as JSON."""

import json
import math
import os
import re
import threading
from dataclasses import replace

import pytest
from rich.console import Console

from lnlbench.benchmark import run
from lnlbench.benchmark.cli.one_run import one_run
from lnlbench.benchmark.cli.own_files import files_of, with_paths
from lnlbench.benchmark.cli.run_view import Curves, as_json, shown, sparkline
from lnlbench.leaderboard.results.archive import write
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.rules import RULES, best_epoch
from lnlbench.leaderboard.shipped import shipped
from lnlbench.leaderboard.store.store import Store


@pytest.mark.parametrize(
    ("curve", "text"),
    [
        pytest.param([0.0, 0.5, 1.0], "▁▅█", id="from low to high"),
        pytest.param([0.0, None, math.nan, 2.0], "▁  █", id="gaps, and above the top"),
        pytest.param([], "", id="empty"),
        pytest.param([0.0] * 30 + [1.0] * 30, "▁▁▁███", id="means of ten"),
    ],
)
def test_sparklines(curve, text):
    assert sparkline(curve, 0.0, 1.0, width=6) == text


@pytest.fixture(scope="module")
def filled(template, tmp_path_factory):
    file = tmp_path_factory.mktemp("show") / "mlflow.db"
    file.write_bytes(template.read_bytes())
    uri = f"sqlite:///{file}"
    run("digits/symmetric-0.4", "ce, gce(q=0.5) + early_stopping", "0-1", tracking_uri=uri, device="cpu", epochs=2)
    store = Store(uri)
    yield store
    store.close()


def test_a_run_has_many_names(filled):
    key, run_id = next(iter(filled.stored().items()))
    result = filled.result(key)
    called = f"{result.label} {result.setting}"
    names = [key, key[:6], run_id, f"{called} {result.replicate}", f"{called} s{result.replicate}"]
    names.append(f"{result.method} {result.setting} {result.replicate}")
    assert {filled.find(name)[0] for name in names} == {run_id}
    assert filled.find(f"gce(q=0.5)+early_stopping {result.setting} 1")[1].host is not None


@pytest.mark.parametrize("name", ["nothing", "a", ""])
def test_what_is_not_there_is_one_line(filled, name):
    with pytest.raises(StoreError, match="no finished run is called") as caught:
        filled.find(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "what", "command"),
    [
        pytest.param(
            "ce digits/clean s0",
            "ce on digits/clean, replicate 0, is stored: ",
            "digits/clean -m ce -s 0",
            id="setting",
        ),
        pytest.param(
            "ce digits/symmetric-0.4 0",
            "ce on digits/symmetric-0.4, replicate 0, is stored; of ce there is digits,epochs=2/symmetric-0.4: ",
            "digits/symmetric-0.4 -m ce -s 0",
            id="other values",
        ),
        pytest.param(
            "gce + sam digits/clean 0",
            "gce + sam on digits/clean, replicate 0, is stored: ",
            "digits/clean -m 'gce + sam' -s 0",
            id="composition",
        ),
        pytest.param(
            "ce digits,epochs=2/symmetric-0.4 7",
            "ce on digits,epochs=2/symmetric-0.4, replicate 7, is stored; replicates 0 and 1 are there: ",
            "digits,epochs=2/symmetric-0.4 -m ce -s 7",
            id="replicate",
        ),
    ],
)
def test_of_a_run_that_is_not_there_the_command_that_makes_it_is_named(filled, name, what, command):
    with pytest.raises(StoreError) as caught:
        filled.find(name)
    assert str(caught.value) == f"no run of {what}`lnlbench run {command}` makes it"


@pytest.mark.parametrize("name", ["forward [true] digits/clean 0", "ce my-data@dece2ac2c250/given 0"])
def test_of_what_no_single_option_makes_no_command_is_named(filled, name):
    with pytest.raises(StoreError, match=r"replicate 0, is stored$"):
        filled.find(name)


def test_all_that_matters_is_shown(filled):
    run_id, result = filled.find(next(iter(filled.stored())))
    console = Console(width=140, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(shown(run_id, result, {}))
    text = capture.get()
    words = [*RULES, "memorised_online", "auroc", result.key, run_id, "realised", "train_seconds", "torch", "█"]
    assert [word for word in words if word not in text] == []
    assert re.search(r"final +│ \S+ +│ 2 ", text), "the second epoch is the last: epochs are counted from 1"
    record = json.loads(as_json(run_id, result, {}))
    assert record["scores"].keys() == RULES.keys() and "predictions" not in record
    assert record["curves"]["test_accuracy"] == result.curves["test_accuracy"]


def test_commands_of_a_method_of_a_file_name_the_file(filled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = filled.result(next(iter(filled.stored())))
    assert files_of(result) == ()
    own = replace(result, method="nobody(q=0.5) + sam", environment=result.environment | {"plugins": ["mine.py"]})
    assert files_of(own) == ("PATH/mine.py",), "results have no folders"
    assert files_of(own, ["../mine.py"]) == ("../mine.py",), "as this command was given it"
    assert with_paths([own, result], ["../mine.py"])[0].environment["plugins"] == ["../mine.py"]
    assert with_paths(with_paths([own])) == with_paths([own]) and with_paths([result]) == [result]
    (tmp_path / "mine.py").touch()
    assert files_of(own) == ("mine.py",), "it is here"
    assert files_of(replace(own, environment=result.environment)) == ("FILE",), "a record of before"


def test_curves_take_what_the_terminal_leaves_them(filled):
    _, result = filled.find(next(iter(filled.stored())))
    long = replace(result, curves={name: curve * 75 for name, curve in result.curves.items()})
    for width in (80, 140):
        console = Console(width=width)
        with console.capture() as capture:
            console.print(Curves(long))
        lines = capture.get().splitlines()
        assert max(map(len, lines)) <= width
        first = next(line for line in lines if line.startswith(" test_accuracy"))
        assert "epochs 1 to 150" in lines[0] and "validation_accuracy " in capture.get()
        shown = first.rpartition("│")[2].strip()
        assert len(shown) == (60 if width == 140 else 80 - first.index(shown) - 1), "to the edge, or 60 at most"


def test_what_an_estimate_rests_on_is_shown(filled):
    run_id, result = filled.find(next(iter(filled.stored())))
    facts = {"noise_rate": 0.5812, "out_of_fold_accuracy": 0.2761, "upper_bound": True}
    told = replace(result, told=("noise_rate (estimated)",), identity=result.identity | {"told": facts})
    console = Console(width=140)
    with console.capture() as capture:
        console.print(shown(run_id, told, {}))
    assert "noise_rate (estimated): 0.5812, an upper bound; out-of-fold accuracy 0.2761" in capture.get()


def test_a_reading_shows_what_boards_make_of_it():
    """Scores are of its host's epochs, but for the one that it reports."""
    runs = {result.key: result for result in shipped(suites=["mnist-fast"], methods=["ce", "early_stopping"])}
    readings = [run for run in runs.values() if run.host is not None]
    reading = max(readings, key=lambda run: runs[run.host].trained - run.trained)
    host = runs[reading.host]
    best = best_epoch(host.curves["validation_accuracy"])
    for hosts, score in ((runs, 100 * host.curves["test_accuracy"][best]), ({}, None)):
        console = Console(width=140)
        with console.capture() as capture:
            console.print(shown("", reading, hosts))
        text = capture.get()
        assert re.search(rf"final +│ \S+ +│ {1 + reading.report} ", text)
        scores = json.loads(as_json("", reading, hosts))["scores"]
        if score is None:
            assert scores.keys() == {"final"} and "noisy_val" not in text and "which is not there" in text
        else:
            assert re.search(rf"noisy_val \(ranks\) +│ {score:.2f} +│ {1 + best} ", text)
            assert 100 * scores["noisy_val"] == pytest.approx(score)


def test_the_host_of_a_reading_is_found_with_it(filled, tmp_path):
    file = tmp_path / "results.jsonl.xz"
    results = filled.results()
    write(file, results)
    name = next(run.key for run in results if run.host is not None)
    os.mkfifo(pipe := tmp_path / "pipe")
    threading.Thread(target=lambda: pipe.write_bytes(file.read_bytes()), daemon=True).start()
    for source in (file, pipe, None):
        _, result, hosts = one_run(name[:12], {}, source, filled.address)
        assert hosts.keys() == {result.host} and result in results
    _, result, hosts = one_run("early_stopping mnist-fast/clean 0", {}, None, filled.address)
    assert hosts.keys() == {result.host} and hosts[result.host].label == "ce"
