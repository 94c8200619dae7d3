"""The whole plan once on a CPU, in few seconds and small, where none of mlflow, optuna and datasets can be imported."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from lnlbench.benchmark.verification.import_results import import_results
from lnlbench.benchmark.verification.receipts import receipts
from lnlbench.leaderboard.results import archive
from lnlbench.leaderboard.store.address import store_address

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[4]
BLOCKED = """
import importlib.metadata as metadata, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("mlflow", "optuna", "datasets", "sqlalchemy"):
            raise ImportError(f"{name} is not installed here")

def version(name, known=metadata.version):
    if name == "lnlbench":
        raise metadata.PackageNotFoundError(name)
    return known(name)

sys.meta_path.insert(0, Blocked())
metadata.version = version
"""
PLAN = """
import sys, time
from dataclasses import replace
from pathlib import Path
from lnlbench.benchmark.bench.gpu import parts
from lnlbench.benchmark.bench.gpu.__main__ import main

cells = tuple(replace(one, methods=("ce", "no_such", "gce"), cost=900.0) for one in parts.REHEARSAL.cells)
parts.REHEARSAL = replace(parts.REHEARSAL, equal=("no_such", "ce"), cells=cells, replicates=1)
if __name__ == "__main__":
    Path(__file__).with_name("began").write_text(str(time.monotonic()))
    sys.exit(main(sys.argv[1:]))
"""
"""The rehearsal, with a method that does not exist, and with results whose stated cost is 90 s each."""
FIRST, SECOND = 60, 1200
"""Budgets: a result is never begun in the first call."""


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """Two calls on one folder: the budget of each, the seconds that it took, and its events."""
    folder = tmp_path_factory.mktemp("rehearsal")
    (folder / "path").mkdir()
    (folder / "path/lnlbench").symlink_to(ROOT)
    (folder / "path/sitecustomize.py").write_text(BLOCKED)
    (folder / "plan.py").write_text(PLAN)
    own = {"PYTHONPATH": str(folder / "path"), "LNLBENCH_HOME": str(folder / "home"), "LNLBENCH_COMMIT": "abc123"}
    found, seen = [], 0
    for budget in (FIRST, SECOND):
        words = ["--budget", str(budget), "--out", str(folder / "out"), "--device", "cpu", "--rehearsal"]
        done = subprocess.run(
            [sys.executable, str(folder / "plan.py"), *words], env=os.environ | own, capture_output=True, text=True
        )
        spent = time.monotonic() - float((folder / "began").read_text())
        assert done.returncode == 0, done.stderr
        events = [json.loads(line) for line in (folder / "out/findings.jsonl").read_text().splitlines()]
        found.append(SimpleNamespace(budget=budget, spent=spent, events=events[seen:], told=done.stdout))
        seen = len(events)
    return folder / "out", found


def ends(call):
    return [(e["part"], e["event"]) for e in call.events if e["event"] in ("done", "failed", "cut")]


@pytest.mark.slow
def test_the_budget_is_kept_within_a_tenth(calls):
    for call in calls[1]:
        assert call.spent <= 1.1 * call.budget, call.told


def test_what_cannot_end_in_time_is_left_to_the_next_call_and_nothing_is_done_twice(calls):
    first, second = calls[1]
    assert [part for part, _ in ends(first) if part.startswith("cell")] == []
    assert "- cell/digits/symmetric-0.4/ce/0: no time" in first.told
    done = [part for call in (first, second) for part, state in ends(call) if state == "done"]
    assert len(done) == len(set(done)) and {"machine", "cell/digits/symmetric-0.4/ce/0", "kernels/mlp"} <= set(done)


def test_the_order_is_kept_and_what_raises_stops_nothing(calls):
    first, second = calls[1]
    order = ["machine", "equal", "rate", "stack", "grid", "cell", "kernels"]
    for call in (first, second):
        places = [order.index(part.partition("/")[0]) for part, state in ends(call) if state != "failed"]
        assert places == sorted(places)
    assert {part.partition("/")[0] for call in calls[1] for part, state in ends(call) if state == "done"} == set(order)
    failed = [part for part, state in ends(second) if state == "failed"]
    assert failed == ["cell/digits/symmetric-0.4/no_such/0", "equal/mlp/no_such/stack-2"]  # that one for a second time
    lines = next(e["lines"] for e in second.events if e["event"] == "failed")
    assert lines[-1].startswith("lnlbench.methods._errors.MethodError: unknown method 'no_such'")


def test_every_file_is_there_and_small(calls):
    folder, (_, second) = calls
    files = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert sorted(files) == ["findings.jsonl", "kernels.md", "results-1.jsonl.xz", "summary.md"]
    assert max(files.values()) < 16 << 20
    assert (folder / "summary.md").read_text() == second.told
    assert "commit abc123" in second.told


def test_the_results_verify_and_can_be_imported(calls, url):
    file = calls[0] / "results-1.jsonl.xz"
    results = archive.read(file)
    assert sorted(result.label for result in results) == ["ce", "gce"]
    assert {result.environment["commit"] for result in results} == {"abc123"}
    assert len(import_results(file, None, [], store_address(url)).added) == 2
    assert {receipt.state for receipt in receipts([str(file)], None, [], store_address(url))} == {"ok"}
