"""What a command costs does not grow with what is stored, but for reading what it shows."""

import gc
import json
import time

import pytest

from lnlbench.benchmark import run
from lnlbench.benchmark.bench.large_store import enlarge

RUNS = 2000
GRID = ("digits/symmetric-0.4", "--methods", "ce", "--seeds", "0-1", "--epochs", "3", "--device", "cpu")


@pytest.fixture(scope="module")
def large(template, tmp_path_factory):
    """Make a store of two thousand runs, two of which were trained; gives its URL and its folder."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "mlflow.db").write_bytes(template.read_bytes())
    url = f"sqlite:///{folder / 'mlflow.db'}"
    run("digits/symmetric-0.4", "ce", "0-1", tracking_uri=url, device="cpu", epochs=3)
    enlarge(folder / "mlflow.db", RUNS)
    return url, folder


# In units of parsing the records of all runs once. The bounds are some three times what was measured, 2.0, 0.3, 0.1 and
# 6.1 units of 0.28 s.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("most", "words"),
    [
        pytest.param(6.0, ["run", *GRID], id="run of what is stored"),
        pytest.param(2.0, ["run", *GRID, "--dry-run"], id="dry run"),
        pytest.param(1.0, ["show", "ce", "digits,epochs=3/symmetric-0.4", "0"], id="show"),
        pytest.param(16.0, ["leaderboard", "--format", "csv"], id="leaderboard, which reads them all"),
    ],
)
def test_two_thousand_runs_cost_little(lnlbench, filled, large, most, words):
    url, folder = large
    assert lnlbench(*words, "--tracking-uri", filled)[0] == 0  # imports, and what is computed once
    records = list(folder.rglob("record.json"))
    assert len(records) == RUNS
    unit = _spent(lambda: [json.loads(record.read_bytes()) for record in records])
    code = []
    spent = _spent(lambda: code.append(lnlbench(*words, "--tracking-uri", url)[0]))
    assert code == [0]
    assert spent <= most * unit, f"{spent:.2f} s, {spent / unit:.1f} units"


def _spent(call):
    """Return the seconds of a core, without collections of garbage: they grow with what other tests have left."""
    gc.collect()
    gc.disable()
    try:
        begin = time.process_time()
        call()
        return time.process_time() - begin
    finally:
        gc.enable()
