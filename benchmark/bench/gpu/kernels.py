"""Where the time of a step goes: a table of kernels, of steps taken one by one and of replayed ones."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.profiler import ProfilerActivity, profile

from lnlbench.benchmark.bench.gpu.part import Finding, Place, Table
from lnlbench.benchmark.bench.gpu.rates import kind_of
from lnlbench.benchmark.bench.workloads import Fresh, data_of
from lnlbench.benchmark.engine.capture import RECORDERS
from lnlbench.benchmark.engine.device import check_device
from lnlbench.leaderboard.results.markdown import table

STEPS, BATCH, SHOWN = 10, 128, 40


def kernels(place: Place, kind: str) -> Iterator[Finding | Table]:
    """Profile ten steps of each way to execute them, after as many to warm up."""
    device, pages = check_device(place.device), list[str]()
    split, _ = data_of(kind_of(kind, (STEPS * BATCH, BATCH)))
    ways = (False, True) if device.type in RECORDERS else (False,)
    for replayed in ways:
        run = Fresh(device, kind_of(kind, (STEPS * BATCH, BATCH)), split, precision="bf16", replayed=replayed)
        run.steps()
        run.how.finish()
        with profile(activities=[ProfilerActivity.CPU, *[ProfilerActivity.CUDA] * (device.type == "cuda")]) as found:
            run.steps()
            run.how.finish()
        rows = _rows(found, device)
        busy = sum(micro for _, micro, _ in rows)
        yield Finding(f"{kind}, {run}: {STEPS} steps on the device", busy / 1e3, "ms", said=f"{len(rows)} kernels")
        lines = [[f"{micro / 1e3:.3f}", f"{micro / busy:.1%}", f"{calls}", name[:120]] for name, micro, calls in rows]
        pages.append(
            f"## {kind}, {run}, {STEPS} steps\n\n" + table(["ms", "", "calls", "kernel"], lines[:SHOWN], "rrrl")
        )
        yield Table("kernels", "\n\n".join(pages))


def _rows(found: profile, device: torch.device) -> list[tuple[str, float, int]]:
    """Return names, microseconds and calls of what ran on the device, the dearest first."""
    if device.type == "cuda":
        every = [event for event in found.key_averages() if event.device_type.name == "CUDA"]
        rows = [(event.key, event.self_device_time_total, event.count) for event in every]
    else:
        rows = [(e.key, e.self_cpu_time_total, e.count) for e in found.key_averages()]
    return sorted((row for row in rows if row[1] > 0), key=lambda row: -row[1])
