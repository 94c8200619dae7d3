"""What the bench asks of a GPU above all: stacks and graphs against loops, our best against DAL's loop and the limit.

All of it runs on a CPU too, where no step is replayed.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import torch

from lnlbench.benchmark.bench import reference_loop, roofline
from lnlbench.benchmark.bench.paired import Row, timed
from lnlbench.benchmark.bench.workloads import Fresh, Kind, data_of, jobs_of, optimizer_of, setting_of, stack_of
from lnlbench.benchmark.engine.device import Compute
from lnlbench.benchmark.engine.loop import Loop
from lnlbench.benchmark.engine.models import build

if TYPE_CHECKING:
    from lnlbench.benchmark.bench.suite import Bench

STACKED = {"cuda": (1, 8, 32, 128), "cpu": (1, 2, 8, 32)}
TOGETHER = {"cuda": 32, "cpu": 2}
"""Runs in the stacks that are measured here."""
DAL_WORKERS = 8


def stacks(bench: Bench, kind: Kind, counts: Sequence[int] = ()) -> Iterator[Row]:
    """Measure a stack of R runs against the same runs one after another, for each R, by default of `STACKED`."""
    if not kind.small:
        return
    for count in counts or STACKED[bench.how.device.type]:
        jobs = jobs_of(kind, count)
        loops = [Loop(job, bench.how) for job in jobs]

        def theirs(loops: list[Loop] = loops, samples: int = count * len(jobs[0].split.images)) -> int:
            for loop in loops:
                loop.advance()
            return samples

        ours, name = stack_of(jobs, bench.how, bench.replays)
        yield bench.compare("stack", kind, ours, theirs, name, f"{count} × loop", threads=(1, 1))


def graphs(bench: Bench, kind: Kind) -> Iterator[Row]:
    """Replayed steps against the same steps taken one by one: of one run, and of a stack of small ones."""
    if not bench.replays:
        return
    split, _ = data_of(kind)
    device = bench.how.device
    for precision in ("fp32", "bf16"):
        ours, theirs = (
            Fresh(device, kind, split, precision=precision, replayed=replayed) for replayed in (True, False)
        )
        yield bench.compare("graph", kind, ours.epoch, theirs.epoch, str(ours), str(theirs), threads=(1, 1))
    if kind.small:
        jobs = jobs_of(kind, TOGETHER[device.type])
        (ours_, name), (theirs_, other) = (stack_of(jobs, bench.how, replayed) for replayed in (True, False))
        yield bench.compare("graph", kind, ours_, theirs_, name, other, threads=(1, 1))


def best(bench: Bench, kind: Kind) -> Fresh:
    """Return a run as it is trained on this device: replayed and in bf16 on a GPU."""
    precision = "bf16" if bench.how.device.type == "cuda" else "fp32"
    return Fresh(bench.how.device, kind, data_of(kind)[0], precision=precision, replayed=bench.replays)


def dal(bench: Bench, kind: Kind) -> Iterator[Row]:
    """Measure an epoch with its test pass against the loop of DAL's official script."""
    ours, cores = best(bench, kind), os.cpu_count() or 1
    split, test = data_of(kind)
    workers = min(DAL_WORKERS, cores)
    model = bench.how.place(build(kind.model, 10, split.shape, 0))
    optimizer = optimizer_of(model, setting_of(kind))

    def theirs() -> int:
        reference_loop.dal_epoch(model, optimizer, split, test, kind.augment, 128, workers, bench.how.device)
        return len(split.images)

    target = "4" if kind.name == "resnet18" and bench.how.device.type == "cuda" else ""
    name = f"DAL's loop, fp32, {workers} workers"
    yield bench.compare("dal", kind, ours.epoch, theirs, str(ours), name, target, threads=(1, cores))


def bounds(bench: Bench, kind: Kind) -> Iterator[Row]:
    """Training alone against the rate that the device's measured limits leave: the ratio is the share reached."""
    work = roofline.WORK.get(kind.name)
    if work is None:
        return
    bench.limits = bench.limits or roofline.measure(Compute(bench.how.device, "fp32"))
    rate, found = roofline.bound(work, bench.limits), best(bench, kind)
    if kind.small:
        ours, name = stack_of(jobs_of(kind, TOGETHER[bench.how.device.type]), found.how, bench.replays)
    else:
        ours, name = found.steps, str(found)
    torch.set_num_threads(1)
    ours()  # to warm up
    rates = sorted(1 / timed(ours, bench.how.finish).wall for _ in range(bench.rounds))
    reached = statistics.median(rates)
    spread = (rates[0] / rate, rates[-1] / rate)
    teraflops, terabytes = (value / 1e12 for value in asdict(bench.limits).values())
    bound = f"bound at {teraflops:.3g} TFLOP/s, {terabytes:.3g} TB/s"
    target = {"resnet18": "0.65", "resnet34": "0.68"}.get(kind.name, "") if bench.how.device.type == "cuda" else ""
    yield Row(
        axis="bound",
        kind=kind.name,
        ours=name,
        theirs=bound,
        core_ratio=reached / rate,
        core_quartiles=spread,
        wall_ratio=reached / rate,
        ours_per_second=reached,
        theirs_per_second=rate,
        target=target,
    )
