"""What a sweep would do and how long it would take: from the store, from shipped results, and the sum."""

from pathlib import Path

import pytest

from lnlbench.benchmark.sweep.forecast import Carried, forecast, slower
from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import sweep
from lnlbench.leaderboard.shipped import shipped
from lnlbench.leaderboard.store.address import store_address

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


def test_what_nothing_tells_is_unknown(options):
    sweep(runs_of(options, "ce", "0"), options)
    longer, total = forecast(runs_of(options, "ce", "0", epochs=3), options)
    assert longer["seconds"] == "unknown", "another length tells nothing"
    assert (total["seconds"], total["how"]) == ("unknown", "1 runs unknown")
    stored, _ = forecast(runs_of(options, "ce", "0"), options)
    assert (stored["seconds"], stored["missing"]) == (0, []), "nothing of it is missing"


def test_looking_makes_no_database(options, url):
    nothing = Options(store=store_address(f"{url}.none"), device="cpu")
    assert forecast(runs_of(options, "ce", "0"), nothing)[0]["missing"] == [0]
    assert not Path(f"{url.removeprefix('sqlite:///')}.none").exists()


def test_shipped_results_tell_in_seconds_of_this_machine():
    asked = []

    def thrice():
        asked.append(1)
        return 3.0

    carried = Carried(thrice)
    shipped_runs = [run for run in shipped() if run.setting.startswith("mnist-fast/") and run.method == "ce"]
    mean = sum(run.cost["total_seconds"] for run in shipped_runs) / len(shipped_runs)
    assert carried.seconds("mnist-fast", "ce") == pytest.approx(3 * mean)
    assert carried.seconds("mnist-fast", "gce(q=0.123)") is None and carried.seconds("digits", "ce") is None
    assert len(asked) == 1, "nothing is measured for what is not shipped"


def test_this_machine_is_measured_once():
    assert 0.02 < slower("cpu") < 200
    assert slower("cpu") == slower("cpu")
