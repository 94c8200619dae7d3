"""Axes of the bench as parts of the plan, each row as soon as it is measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial

from lnlbench.benchmark.bench import gpu_axes
from lnlbench.benchmark.bench.gpu.part import Finding, Place
from lnlbench.benchmark.bench.paired import Row
from lnlbench.benchmark.bench.suite import GATE, GATE_STEPS, Bench
from lnlbench.benchmark.bench.workloads import KINDS, Kind
from lnlbench.benchmark.engine.device import choose_compute

AXES = {"graph": gpu_axes.graphs, "bound": gpu_axes.bounds, "dal": gpu_axes.dal}


def kind_of(name: str, images: tuple[int, int]) -> Kind:
    """Return a kind of the bench with so many training and test images."""
    return replace(KINDS[name], train=images[0], test=images[1])


def gate(place: Place, kind: str) -> Iterator[Finding]:
    """Train equal batches with our loop and with torch's own parts, in float64."""
    gap = Bench(choose_compute(place.device, "fp32"), 1).gate(KINDS[kind])
    yield Finding(f"{kind}: loop equals torch's own parts after {GATE_STEPS} steps", gap, target=f"<= {GATE:g}")


def axis(place: Place, name: str, kind: str, images: tuple[int, int], rounds: int) -> Iterator[Finding]:
    """Measure one axis of the bench."""
    bench = Bench(choose_compute(place.device, "fp32"), rounds)
    yield from map(_finding, AXES[name](bench, kind_of(kind, images)))


def stack(place: Place, kind: str, count: int, images: tuple[int, int], rounds: int) -> Iterator[Finding]:
    """Measure a stack of so many runs against the same runs one after another."""
    bench = Bench(choose_compute(place.device, "fp32"), rounds)
    measured = partial(gpu_axes.stacks, counts=(count,))
    yield from map(_finding, measured(bench, kind_of(kind, images)))


def _finding(row: Row) -> Finding:
    said = f"{row.ours_per_second:,.0f} against {row.theirs_per_second:,.0f} images/s"
    said += f"; {row.gpu_mb:,.0f} MB" if row.gpu_mb else ""
    what = f"{row.kind}: {row.ours} against {row.theirs}"
    return Finding(what, row.wall_ratio, "×", f">= {row.target}" if row.target else "", said, details=asdict(row))
