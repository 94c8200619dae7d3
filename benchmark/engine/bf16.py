"""Whether bf16 pays on this CPU: measured once, and the answer kept, so that later runs repeat earlier ones."""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from statistics import median

import torch
from torch import nn

ROUNDS = 7
GAIN = 1.1  # both kinds of layers must gain at least this much: below it, rounding costs more than it brings


def bf16_pays(folder: Path, processor: str) -> bool:
    """Say whether training in bf16 with the channels last is faster than in fp32 on this CPU.

    Instruction sets do not decide it: AVX-512 bf16 pays on some processors, and emulation is slower than fp32 on
    others. The first answer for a processor and a version of torch is written into the folder and holds from then on.

    Args:
        folder: where answers are kept; where it cannot be written, each process measures anew.
        processor: the CPU's name.
    """
    name = hashlib.sha256(f"{processor} torch {torch.__version__}".encode()).hexdigest()[:12]
    return _answer(folder / f"bf16-{name}.json", processor)


@cache
def _answer(path: Path, processor: str) -> bool:
    kept = _read(path)
    if kept is not None:
        return kept
    gains = measure()
    found = {"processor": processor, "torch": torch.__version__, "gains": gains, "pays": min(gains.values()) >= GAIN}
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(found, indent=1) + "\n")
        os.link(unfinished, path)  # the first of several processes decides for all
    except FileExistsError:
        kept = _read(path)
    except OSError:
        pass
    finally:
        with suppress(OSError):
            unfinished.unlink()
    return bool(found["pays"]) if kept is None else kept


def measure() -> dict[str, float]:
    """Return how many times faster bf16 is than fp32, forward and backward: of a dense and of a convolutional layer.

    Medians of interleaved rounds on one thread, about a third of a second.
    """
    with torch.random.fork_rng(devices=[]):
        dense, images = nn.Linear(784, 256), torch.randn(128, 784)
        conv, maps = nn.Conv2d(32, 64, 3, padding=1), torch.randn(32, 32, 16, 16)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the processes of a sweep have
    try:
        return {"dense": _gain(dense, images), "convolution": _gain(conv, maps)}
    finally:
        torch.set_num_threads(threads)


def _gain(layer: nn.Module, inputs: torch.Tensor) -> float:
    layout = torch.channels_last if inputs.dim() == 4 else torch.contiguous_format
    last = inputs.contiguous(memory_format=layout)

    def step(inputs: torch.Tensor, bf16: bool) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
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


def _read(path: Path) -> bool | None:
    try:
        return bool(json.loads(path.read_text())["pays"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
