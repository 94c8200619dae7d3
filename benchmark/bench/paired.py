"""Paired rounds: two ways to do the same work, interleaved, and the ratio of what they cost."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from lnlbench.benchmark.engine.bf16 import in_words
from lnlbench.leaderboard.results import markdown

Round = Callable[[], int]
"""Does the work of a round and returns how many samples it handled."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison: how many times the cost of `ours` the cost of `theirs` is, per core-second and by the clock."""

    axis: str
    kind: str
    ours: str
    theirs: str
    core_ratio: float  # median of paired rounds: core-seconds of theirs / core-seconds of ours
    core_quartiles: tuple[float, float]
    wall_ratio: float
    ours_per_second: float  # samples per second by the clock, median
    theirs_per_second: float
    target: str = ""
    gpu_mb: float = 0.0  # peak of a GPU's memory that the process held meanwhile, of both ways together


@dataclass(frozen=True)
class Cost:
    """Of one round, per sample."""

    wall: float
    core: float


def compare(
    axis: str,
    kind: str,
    ours: Round,
    theirs: Round,
    name: str,
    other: str,
    target: str = "",
    *,
    threads: tuple[int, int],
    rounds: int,
    finish: Callable[[], None],
) -> Row:
    """Interleave rounds of two ways to do the same work, after one round of each to warm up.

    Args:
        axis: what is compared.
        kind: of network.
        ours: a round of the one.
        theirs: a round of the other.
        name: of ours.
        other: name of theirs.
        target: what the ratio should reach.
        threads: of torch, for each.
        rounds: how many pairs.
        finish: waits until the device has done all it was given.
    """
    pairs: list[tuple[Cost, Cost]] = []
    for i in range(rounds + 1):
        costs = {}
        for who in (0, 1) if i % 2 else (1, 0):
            torch.set_num_threads(threads[who])
            costs[who] = timed((ours, theirs)[who], finish)
        if i:
            pairs.append((costs[0], costs[1]))
    core = sorted(b.core / a.core for a, b in pairs)
    quartiles = statistics.quantiles(core, n=4, method="inclusive") if len(core) > 1 else [core[0]] * 3
    return Row(
        axis=axis,
        kind=kind,
        ours=name,
        theirs=other,
        core_ratio=statistics.median(core),
        core_quartiles=(quartiles[0], quartiles[2]),
        wall_ratio=statistics.median(b.wall / a.wall for a, b in pairs),
        ours_per_second=1 / statistics.median(a.wall for a, _ in pairs),
        theirs_per_second=1 / statistics.median(b.wall for _, b in pairs),
        target=target,
    )


def timed(work: Round, finish: Callable[[], None]) -> Cost:
    """Seconds by the clock and core-seconds (children included) for each sample of a round."""
    core, wall = _core_seconds(), time.perf_counter()
    samples = work()
    finish()
    return Cost((time.perf_counter() - wall) / samples, (_core_seconds() - core) / samples)


def _core_seconds() -> float:
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


def line(row: Row) -> str:
    """One comparison as it is measured."""
    return f"{row.axis:12} {row.kind:10} {row.core_ratio:6.2f} × {row.ours} against {row.theirs}"


def table(found: dict[str, Any]) -> str:
    """Return the measured ratios as a Markdown table, with what they were measured on."""
    heads = ["axis", "network", "ours", "against", "ratio per core-second", "quartiles", "ratio by the clock"]
    on_gpu = any(row["gpu_mb"] for row in found["rows"])
    heads += ["ours /s", "theirs /s", "target", *(["GPU MB"] if on_gpu else [])]
    rows = []
    for row in found["rows"]:
        low, high = row["core_quartiles"]
        words = [str(row[name]) for name in ("axis", "kind", "ours", "theirs")]
        ratios = [f"{row['core_ratio']:.2f}", f"{low:.2f} to {high:.2f}", f"{row['wall_ratio']:.2f}"]
        rates = [f"{row['ours_per_second']:,.0f}", f"{row['theirs_per_second']:,.0f}", str(row["target"])]
        rows.append([*words, *ratios, *rates, *([f"{row['gpu_mb']:,.0f}"] if on_gpu else [])])
    names = ("machine", "cores", "torch", "python", "load_before", "load_after", "rounds", "peak_memory_mb")
    gate = "equality gate: {largest_difference:.1e} after {steps} batches in float64 (bound {bound:g})"
    facts = "; ".join([*(f"{name} {found[name]}" for name in names), gate.format(**found["gate"])])
    advice = f"\nbf16 is {in_words(gains)} here" if (gains := found.get("bf16_gains")) else ""
    return f"{markdown.table(heads, rows, 'llllrrrrrlr')}\n\n{facts}{advice}"
