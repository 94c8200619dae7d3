"""What a device can do, measured, and what that leaves a network at most: images per second."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from lnlbench.benchmark.engine.device import Compute

REPEATS = 5


@dataclass(frozen=True)
class Limits:
    """The best rates of a device."""

    flops: float  # of products of large matrices, per second
    bytes: float  # read and written by a copy, per second


REFERENCE = Limits(790e12, 4.3e12)
"""One H200 in bf16: what the rates of `WORK` were reckoned for."""


@dataclass(frozen=True)
class Work:
    """What training costs, and how fast it could be at best on `REFERENCE` at batch 128."""

    flops: float  # of one image, forward and backward
    rate: float  # images per second; of many runs together where the network is small


WORK = {
    "resnet18": Work(3.33e9, 108e3),
    "resnet34": Work(6.95e9, 56e3),
    "mlp": Work(0.8e6, 43e6),
    "cnn": Work(7e6, 4.2e6),
}


def bound(work: Work, limits: Limits) -> float:
    """Images per second that a device with these limits can reach at most.

    A step is arithmetic, at the rate of matrix products, and traffic, at the rate of a copy. The traffic is what the
    rate on `REFERENCE` leaves beside the arithmetic. Measured limits and not those of a data sheet: clocks, power and
    neighbours are then those of the measurement beside it.
    """
    traffic = 1 / work.rate - work.flops / REFERENCE.flops
    return 1 / (work.flops / limits.flops + traffic * REFERENCE.bytes / limits.bytes)


def measure(how: Compute) -> Limits:
    """Measure the limits of a device: the best of some repeats of one matrix product and of one copy."""
    on_gpu = how.device.type == "cuda"
    side, size = (8192, 2**30) if on_gpu else (512, 2**25)
    a = torch.randn(side, side, device=how.device).to(torch.bfloat16 if on_gpu else torch.float32)
    source = torch.zeros(size, dtype=torch.uint8, device=how.device)
    target = torch.empty_like(source)
    return Limits(2 * side**3 / _best(lambda: a @ a, how), 2 * size / _best(lambda: target.copy_(source), how))


def _best(work: Callable[[], object], how: Compute) -> float:
    """Seconds of one call: the least of repeats, each of as many calls as make the wait at the end small."""
    found = []
    for _ in range(1 + REPEATS):
        begin = time.perf_counter()
        for _ in range(REPEATS):
            work()
        how.finish()
        found.append((time.perf_counter() - begin) / REPEATS)
    return min(found[1:])
