"""What every command costs as the store grows: `python -m lnlbench.benchmark.bench.growth --runs 100 1000`.

Processor seconds of the whole command, start-up included, of this process's children; the clock on the wall says
nothing on a busy machine. The last column is the exponent between the two largest stores, 0 for a cost that does not
grow and 1 for one that grows with the store.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from lnlbench.benchmark.bench.large_store import enlarge
from lnlbench.benchmark.engine.device import megabytes
from lnlbench.leaderboard.results.markdown import table

GRID = ("digits", "-m", "ce,gce", "-s", "0-1")
"""The real runs of every store; all others are copies."""
RECORDED, EPOCHS = 20, 20
"""New runs whose recording is timed, and their length."""

_CLI = ("-m", "lnlbench.benchmark.cli")
_PREPARE = (
    "import sys\nfrom lnlbench.leaderboard.store.store import Store\n"
    "from lnlbench.leaderboard.store.showcase import prepare\nprepare(Store(sys.argv[1]))"
)
_RECORD = """
import sys, time
from dataclasses import replace
from lnlbench.leaderboard.results.result import pack, unpack
from lnlbench.leaderboard.store.recording import RunInfo
from lnlbench.leaderboard.store.store import Store
store, number, epochs = Store(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
like = next(iter(store.results(settings={"digits/symmetric-0.4"})))
spent = 0.0
for i in range(-2, number):
    curves = {n: [v if v is None else v + i * 1e-9 for v in c[:epochs]] for n, c in like.curves.items()}
    result = replace(like, key=f"{i + 2:031x}r", label="new", method="new(q=0.7)", replicate=i + 2, curves=curves,
                     report=epochs - 1, epochs=epochs, predictions=pack(unpack(like.predictions)[:epochs]))
    info = RunInfo.of(result, params=result.identity["setting"])
    begin = time.process_time()
    assert store.claim(result.key, "growth")
    with store.begin(info, "growth") as recording:
        for epoch in range(result.trained):
            recording.log({n: c[epoch] for n, c in curves.items()}, epoch)
        recording.finish(result)
    spent += time.process_time() - begin if i >= 0 else 0.0
print(spent / number)
"""


class Cost(NamedTuple):
    """What a command took: processor seconds, and the most memory in MB."""

    seconds: float
    memory: float


def commands(uri: str, folder: Path) -> dict[str, list[str]]:
    """Return the command lines that are measured, by name; their order matters: `import` reads what `export` wrote."""
    stored, file = ["--tracking-uri", uri], str(folder / "all.jsonl.xz")
    few = str(folder / "few.jsonl.xz")
    return {
        "run (all stored)": [*_CLI, "run", *GRID, *stored],
        "run --dry-run": [*_CLI, "run", *GRID, "--dry-run", *stored],
        "show": [*_CLI, "show", "ce", "digits/clean", "0", *stored],
        "leaderboard": [*_CLI, "leaderboard", "--format", "csv", *stored],
        "leaderboard of one suite": [*_CLI, "leaderboard", "digits", "--format", "csv", *stored],
        "export": [*_CLI, "export", file, *stored],
        "import (8 of 8 stored)": [*_CLI, "import", few, *stored],
        "ui, first time": ["-c", _PREPARE, uri],
        "ui, again": ["-c", _PREPARE, uri],
        "doctor": [*_CLI, "doctor", *stored],
    }


def measure(original: Path, runs: int, say: Callable[[str], None]) -> dict[str, Cost]:
    """Return what each command costs on a store of so many runs.

    Args:
        original: folder of a store with the runs of `GRID`.
        runs: of the store, which is made and deleted.
        say: takes a line as soon as it is measured.
    """
    costs: dict[str, Cost] = {}
    with tempfile.TemporaryDirectory(prefix="lnlbench-growth-", dir=original.parent) as name:
        folder = Path(name)
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        _cost([*_CLI, "export", str(folder / "few.jsonl.xz"), "--tracking-uri", f"sqlite:///{original / 'mlflow.db'}"])
        shutil.copy(original / "mlflow.db", folder)
        enlarge(folder / "mlflow.db", runs)
        for title, command in commands(uri, folder).items():
            costs[title] = _cost(command)
            say(f"{runs:6} runs  {title:28} {costs[title].seconds:7.2f} s {costs[title].memory:7.0f} MB")
        spent = subprocess.run(
            [sys.executable, "-c", _RECORD, uri, str(RECORDED), str(EPOCHS)], check=True, capture_output=True, text=True
        )
        costs["recording of a run"] = Cost(float(spent.stdout), 0.0)
        size = sum(file.stat().st_size for file in folder.glob("mlflow.db*")) / 1e6
        say(f"{runs:6} runs  recording of a run {1000 * costs['recording of a run'].seconds:7.1f} ms; {size:.0f} MB")
    return costs


def exponent(costs: dict[int, Cost]) -> float:
    """Return the exponent of the cost between the two largest sizes."""
    small, large = sorted(costs)[-2:]
    return math.log(costs[large].seconds / costs[small].seconds) / math.log(large / small)


def report(costs: dict[int, dict[str, Cost]]) -> str:
    """Return the costs as a Markdown table, one line per command, in processor seconds."""
    rows = []
    for title in costs[max(costs)]:
        of_title = {runs: costs[runs][title] for runs in sorted(costs)}
        last = f"{exponent(of_title):.2f}" if len(of_title) > 1 else ""
        memory = f"{of_title[max(costs)].memory:.0f}"
        rows.append([title, *(f"{cost.seconds:.3g}" for cost in of_title.values()), last, memory])
    return table(
        ["command", *(f"{runs:,} runs" for runs in sorted(costs)), "exponent", "MB at the largest"], rows, "lr"
    )


def _cost(command: Sequence[str]) -> Cost:
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    text = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{' '.join(command)[:200]} ended with {code}: {text[-500:]}")
    return Cost(usage.ru_utime + usage.ru_stime, megabytes(usage.ru_maxrss))


def main() -> None:
    """Make the stores, measure, and show the table."""

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, nargs="+", default=[100, 1000], help="sizes of the stores")
    parser.add_argument("--out", type=Path, help="write the costs as JSON to this file")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lnlbench-growth-") as name:
        original = Path(name) / "original"
        original.mkdir()
        _cost([*_CLI, "run", *GRID, "--tracking-uri", f"sqlite:///{original / 'mlflow.db'}"])
        costs = {runs: measure(original, runs, say) for runs in chosen.runs}
    if chosen.out is not None:
        chosen.out.write_text(json.dumps(costs, indent=1) + "\n")
    say(report(costs))


if __name__ == "__main__":
    main()
