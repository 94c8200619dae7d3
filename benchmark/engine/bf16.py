"""Measure how much faster bf16 is on this CPU: advice alone, no result depends on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache
from statistics import median

import torch
from torch import nn

from lnlbench.benchmark.engine.device import Compute
from lnlbench.benchmark.engine.threads import threads

ROUNDS = 7
GAIN = 1.1  # both kinds of layers must gain at least this much: below it, rounding costs more than it brings


def pays(gains: Mapping[str, float]) -> bool:
    """Say whether bf16 is worth its rounding, given what `measure` returned."""
    return min(gains.values()) >= GAIN


def in_words(gains: Mapping[str, float]) -> str:
    """Return the gains that `measure` returned as a part of a sentence."""
    return f"{gains['dense']:g} times as fast as fp32 in a dense and {gains['convolution']:g} in a convolutional layer"


@cache
def measure() -> dict[str, float]:
    """Return how many times faster bf16 is than fp32, forward and backward: of a dense and of a convolutional layer.

    Medians of interleaved rounds on one thread, about a third of a second, once in a process. Instruction sets do not
    decide it: AVX-512 bf16 pays on some processors, and emulation is slower than fp32 on others.
    """
    with torch.random.fork_rng(devices=[]):
        dense, images = nn.Linear(784, 256), torch.randn(128, 784)
        conv, maps = nn.Conv2d(32, 64, 3, padding=1), torch.randn(32, 32, 16, 16)
    with threads():
        return {"dense": _gain(dense, images), "convolution": _gain(conv, maps)}


def _gain(layer: nn.Module, inputs: torch.Tensor) -> float:
    layout = torch.channels_last if inputs.dim() == 4 else torch.contiguous_format
    last = inputs.contiguous(memory_format=layout)

    def step(inputs: torch.Tensor, bf16: bool) -> None:
        with Compute(inputs.device, "bf16" if bf16 else "fp32").autocast():
            outputs = layer(inputs)
        torch.autograd.grad(outputs.float().square().sum(), list(layer.parameters()))

    step(inputs, False)
    step(last, True)
    pairs = [(_seconds(lambda: step(inputs, False)), _seconds(lambda: step(last, True))) for _ in range(ROUNDS)]
    return round(median(slow / fast for slow, fast in pairs), 2)


def _seconds(run: Callable[[], None]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin
