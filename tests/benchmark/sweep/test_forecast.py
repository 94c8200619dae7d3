"""What a sweep would do and how long it would take: from the store, from shipped results, and the sum."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from lnlbench.benchmark.cli import display
from lnlbench.benchmark.engine.device import check_device, hardware
from lnlbench.benchmark.protocol.settings import setting
from lnlbench.benchmark.runs import run as run_module
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.sweep import forecast as forecast_module
from lnlbench.benchmark.sweep.forecast import Carried, forecast, in_the_package, slower
from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import sweep
from lnlbench.benchmark.verification.import_results import import_results
from lnlbench.leaderboard.shipped import located, shipped
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.reader import StoreReader
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods._parse import parse

SETTING = "digits,epochs=2/symmetric-0.4"


@pytest.fixture
def options(url):
    return Options(store=store_address(url), device="cpu", jobs=1)


def runs_of(options, methods, replicates, epochs=2):
    return grid(["digits/symmetric-0.4"], methods, replicates, {"epochs": epochs}, options)


def test_what_is_stored_tells_how_long_the_rest_takes(options):
    runs = runs_of(options, "ce, gce + early_stopping", "0-1")
    sweep(runs[:3], options)
    *rows, total = forecast(runs, options)
    seconds = [row.pop("seconds") for row in rows]
    assert seconds[0] > 0 and seconds[1] > 0 and seconds[2] == 0
    cell = {"setting": SETTING, "stored": [0], "missing": [1]}
    assert rows == [
        {**cell, "method": "ce", "how": "2 epochs", "from": "store"},
        {**cell, "method": "gce", "how": "2 epochs", "from": "store"},
        {**cell, "method": "gce + early_stopping", "how": "read off gce", "from": ""},
    ]
    assert (total["setting"], total["stored"], total["missing"]) == ("total", 3, 3)
    assert total["seconds"] == pytest.approx(seconds[0] + seconds[1], rel=0.1)
    assert total["how"].startswith("about ") and total["how"].endswith(" with 1 process")


def test_many_runs_are_told_apart_and_estimated_once(options, monkeypatch):
    """The key of each run is hashed once, and what a cell is compared with is parsed for the cell, not for each run."""
    hashed, parsed = [], []

    def key_of(*of, real=run_module.key_of):
        hashed.append(of)
        return real(*of)

    def parse_once(text, real=forecast_module.parse):
        parsed.append(text)
        return real(text)

    monkeypatch.setattr(run_module, "key_of", key_of)
    monkeypatch.setattr(forecast_module, "parse", parse_once)
    Store(options.store).close()
    counts = []
    for replicates in ("0-2", "0-8"):
        runs = runs_of(options, "ce, gce", replicates)
        hashed.clear(), parsed.clear()
        forecast(runs, options)
        counts.append((len(hashed) / len(runs), len(parsed)))
    assert counts[0] == counts[1] and counts[0][0] <= 1


def test_what_nothing_tells_is_unknown(options):
    sweep(runs_of(options, "ce", "0"), options)
    longer, total = forecast(runs_of(options, "ce", "0", epochs=3), options)
    assert longer["seconds"] == "unknown", "another length tells nothing"
    assert (total["seconds"], total["how"]) == ("unknown", "1 of 1 runs unknown")
    stored, _ = forecast(runs_of(options, "ce", "0"), options)
    assert (stored["seconds"], stored["missing"]) == (0, []), "nothing of it is missing"


def test_a_run_is_of_one_process(options):
    sweep(runs_of(options, "ce", "0"), options)
    (one, alone), (_, two) = (
        forecast(runs_of(options, "ce", replicates), replace(options, jobs=2)) for replicates in ("1", "1-2")
    )
    assert one["seconds"] == alone["seconds"] and two["seconds"] == pytest.approx(2 * one["seconds"], rel=0.1)
    assert alone["how"].endswith(" with 1 process"), "a second one has nothing to do"
    assert two["how"] == alone["how"].replace("1 process", "2 processes")
    runs = runs_of(options, "ce", "0-2") + runs_of(options, "ce", "0-2", epochs=3)
    *_, total = forecast(runs, replace(options, jobs=2))
    assert total["how"].startswith("at least ") and total["how"].endswith("; 3 of 5 runs unknown")


def test_a_method_of_which_nothing_is_known_is_estimated_by_cross_entropy_and_its_networks(options):
    sweep(runs_of(options, "ce", "0"), options)
    ce, gce, two, reading, total = forecast(
        runs_of(options, "ce, gce, co_teaching, gce + early_stopping", "1"), options
    )
    assert [(row["method"], row["from"]) for row in (ce, gce, two, reading)] == [
        ("ce", "store"),
        ("gce", "about ce"),
        ("co_teaching", "about 2 ce"),
        ("gce + early_stopping", ""),
    ]
    assert gce["seconds"] == ce["seconds"] and two["seconds"] == pytest.approx(2 * ce["seconds"], rel=0.1)
    assert total["seconds"] == pytest.approx(4 * ce["seconds"], rel=0.1) and "unknown" not in total["how"]


def test_a_composition_costs_what_is_known_of_its_parts(options, monkeypatch):
    took = {"ce": 10.0, str(parse("sam")): 20.0, str(parse("dal")): 11.0, str(parse("gce")): 9.0}
    here = hardware(check_device("cpu"))
    timings = {("digits,epochs=2", text, here): seconds for text, seconds in took.items()}
    monkeypatch.setattr(
        StoreReader, "timings", lambda self, of: {what: seconds for what, seconds in timings.items() if what[1] in of}
    )
    sweep(runs_of(options, "ce", "0"), options)  # so that there is a store
    *rows, _ = forecast(runs_of(options, "dal + sam, mae + sam, co_teaching + gce, gce + mixup, mae", "1"), options)
    assert [(row["seconds"], row["from"]) for row in rows] == [
        (22.0, "about dal × sam"),
        (20.0, "about sam"),
        (20.0, "about 2 ce"),
        (10.0, "about ce"),
        (10.0, "about ce"),
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_a_plan_fits_the_terminal_with_where_its_numbers_are_from(width):
    cell = {"setting": "mnist-mlp/asymmetric-0.4", "stored": [0, 1, 2, 4], "missing": [3], "how": "read off ce"}
    cells = [cell | {"method": "clean_early_stopping", "seconds": 120.0, "from": "about 2 ce"}]
    total = {"setting": "total", "method": "", "stored": 4, "missing": 1, "seconds": 120.0, "from": ""}
    console = Console(width=width)
    with console.capture() as capture:
        console.print(display.planned([*cells, total | {"how": "about 12 min with 2 processes"}]))
    head, *lines = capture.get().splitlines()
    assert max(map(len, lines)) <= width and [name.strip() for name in head.split("┃")] == [
        *("setting", "method", "replicates", "how", "seconds")
    ]
    assert "s0-2, s4 stored, s3 missing" in " ".join(
        " ".join(line.split("│")[2].strip() for line in lines[1:4]).split()
    )


def test_looking_makes_no_database(options, url):
    nothing = Options(store=store_address(f"{url}.none"), device="cpu")
    assert forecast(runs_of(options, "ce", "0"), nothing)[0]["missing"] == [0]
    assert not Path(f"{url.removeprefix('sqlite:///')}.none").exists()


def test_shipped_results_tell_in_seconds_of_this_machine(options):
    asked = []

    def thrice():
        asked.append(1)
        return 3.0

    carried = Carried(thrice)
    shipped_runs = shipped(suites=["mnist-fast"], methods=["gce"])
    seconds = min(run.cost["total_seconds"] for run in shipped_runs)  # all of ten epochs
    known, spelled, other = (
        Run(setting("mnist-fast/clean"), parse(text), text, 0, "") for text in ("gce", "gce(q=0.7)", "gce(q=0.123)")
    )
    assert carried.seconds(known) == pytest.approx(3 * seconds)
    assert carried.seconds(other) is None
    assert [carried.seconds(run) for run in runs_of(options, "ce", "0")] == [None], "no digits are shipped"
    assert len(asked) == 1, "nothing is measured for what is not shipped"
    assert carried.seconds(spelled) == carried.seconds(known), "the same method, written otherwise"


@pytest.mark.realdata("ylecun/mnist")
def test_a_run_of_another_length_takes_its_share(options, data_dir):
    options = replace(options, data_dir=data_dir)
    runs = grid(["mnist-fast/clean"], "gce, ce", "0", {"epochs": 3}, options)
    usual = {row["method"]: row for row in forecast(grid(["mnist-fast/clean"], "gce, ce", "0", {}, options), options)}
    for row in forecast(runs, options)[:-1]:
        assert row["from"] == "3/10 of package"
        assert row["seconds"] == pytest.approx(0.3 * usual[row["method"]]["seconds"], rel=0.05)
    other = grid(["mnist-fast/clean"], "ce", "0", {"epochs": 3, "batch_size": 16}, options)
    assert forecast(other, options)[0]["seconds"] == "unknown", "steps of another size"


def test_this_machine_is_measured_once():
    assert 0.02 < slower("cpu") < 200
    assert slower("cpu") == slower("cpu")


@pytest.mark.slow
@pytest.mark.realdata("ylecun/mnist")
def test_runs_that_come_with_the_package_are_said_until_they_are_stored(options, data_dir):
    options = replace(options, data_dir=data_dir)
    target = "mnist-mlp/pairflip-0.4"
    runs = grid([target], "gce, mae", "0-1", {}, options)
    said = "2 of 4 missing runs come with the package: `lnlbench import shipped` stores all that do."
    assert in_the_package(runs, options) == said, "of mae none"
    assert in_the_package(grid([target], "gce", "0", {"lr": 0.2}, options), options) == ""
    import_results(located("shipped") / "results" / "mnist-mlp" / "gce", data_dir, (), options.store)
    assert in_the_package(runs, options) == ""
