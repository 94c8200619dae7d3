"""Time epochs of this checkout and of another one side by side, and compare what they give bit by bit.

python docs/scripts/two_engines.py ../before mlp:fp32 mlp:bf16 cifar10-subset:bf16 --rounds 5

Each checkout has a process of its own on one thread; rounds alternate. Images are random: what an epoch costs does not
depend on what they show. An epoch ends with its evaluation of validation and test images.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
SIZES = {  # network, channels, side, batch, images to train on and to evaluate, as the tasks have them
    "mlp": ("mlp", 1, 28, 128, 54_000, 16_000),
    "cifar10-subset": ("cnn_folded_small", 3, 32, 64, 18_000, 12_000),
    "cnn4": ("cnn4", 1, 28, 128, 5_400, 1_600),
}


def main() -> None:
    """Print one line per kind of network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="another checkout")
    parser.add_argument("what", nargs="+", help=f"NETWORK:PRECISION[:METHOD]; networks: {', '.join(SIZES)}")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    if not (asked.before / "benchmark" / "engine").is_dir():
        parser.error(f"{asked.before} is no checkout: it has no folder benchmark/engine")
    if unknown := {what.split(":")[0] for what in asked.what} - set(SIZES):
        parser.error(f"unknown network {', '.join(sorted(unknown))}; known: {', '.join(SIZES)}")
    say(f"{'':28}  same bits  core-seconds before / now: epoch, training, evaluation; core-seconds before, now")
    with _served(asked.before.resolve()) as before, _served(HERE) as now:
        for what in asked.what:
            pairs = []
            for number in range(asked.rounds + 1):  # the first to warm up
                sides = [(before, 0), (now, 1)][:: 1 if number % 2 else -1]
                found = dict(sorted((place, _ask(process, what)) for process, place in sides))
                pairs.append((found[0], found[1]))
            same = all(a["digest"] == b["digest"] for a, b in pairs)
            ratios = [statistics.median(a[k] / b[k] for a, b in pairs[1:]) for k in ("epoch", "train", "evaluate")]
            seconds = [statistics.median(side["epoch"] for side in sides) for sides in zip(*pairs[1:], strict=True)]
            shown = "  ".join(f"{x:.2f}" for x in ratios)
            say(f"{what:28}  {'yes' if same else 'NO':9}  {shown}  {seconds[0]:.3f}  {seconds[1]:.3f}")


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def _served(checkout: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that makes epochs with the package of a checkout."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "lnlbench").symlink_to(checkout)
        environment = {**os.environ, "PYTHONPATH": folder, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-P", "-c", "import runpy, sys; runpy.run_path(sys.argv[1])['serve']()", __file__]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
            yield process
            process.kill()


def _ask(process: subprocess.Popen[str], what: str) -> dict[str, Any]:
    """Have an epoch made; return its core-seconds and a digest of what came out."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{what}\n")
    process.stdin.flush()
    if not (line := process.stdout.readline()):
        raise SystemExit(f"{what} cannot be made with one of the two; what it says is above")
    answer: dict[str, Any] = json.loads(line)
    return answer


def serve() -> None:
    """Make one more epoch of each run that is asked for."""
    loops: dict[str, Any] = {}
    for line in sys.stdin:
        what = line.strip()
        loop = loops[what] = loops.get(what) or _begun(*what.split(":"))
        begin = time.process_time()
        epoch = loop.advance()
        spent = time.process_time() - begin
        digest = hashlib.sha256(epoch.online.loss.numpy().tobytes())
        weights = [value for network in loop.networks.averaged for value in network.values()]
        buffers = [value for model in loop.networks.models for value in model.buffers()]
        left = *loop.networks.flat, *weights, *buffers, epoch.validation_predictions, *epoch.predictions.values()
        for tensor in (value.detach() for value in left):
            digest.update(tensor.contiguous().numpy().tobytes())
        share = epoch.train_seconds / (epoch.train_seconds + epoch.evaluate_seconds)
        costs = {"epoch": spent, "train": spent * share, "evaluate": spent * (1 - share)}
        say(json.dumps({**costs, "digest": digest.hexdigest()}))


def _begun(name: str, precision: str, method: str = "ce") -> Any:
    import torch

    from lnlbench.benchmark.bench.workloads import MIDDLE, Kind, data_of, setting_of
    from lnlbench.benchmark.engine.device import Compute
    from lnlbench.benchmark.engine.job import Job
    from lnlbench.benchmark.engine.loop import Loop
    from lnlbench.methods._parse import parse

    torch.set_num_threads(1)
    model, channels, side, batch, train, test = SIZES[name]
    kind = Kind(name, model, channels, side, False, train, test)
    setting = replace(setting_of(kind), batch_size=batch, weight_decay=0.0)
    split, _ = data_of(kind)
    loop = Loop(Job(setting, parse(method), 0, split, {"noise_rate": 0.2}), Compute(torch.device("cpu"), precision))
    loop.epoch = MIDDLE
    return loop


if __name__ == "__main__":
    main()
