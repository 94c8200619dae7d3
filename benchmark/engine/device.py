"""The device and the precision of a step: chosen automatically, or as asked."""

from __future__ import annotations

import os
import re
import resource
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lnlbench.benchmark.engine.rounding import autocast, has_bf16, products

_DEVICE = re.compile(r"cpu|cuda(?::(\d{1,9}))?", re.ASCII)
PRECISIONS = ("auto", "fp32", "bf16", "fp64")
_FLOAT32: tuple[Any, ...] = (
    torch.backends,
    torch.backends.cudnn,
    torch.backends.cuda.matmul,
    torch.backends.cudnn.conv,  # type: ignore[attr-defined]
    torch.backends.cudnn.rnn,
    torch.backends.mkldnn.matmul,  # type: ignore[attr-defined]
    torch.backends.mkldnn.conv,  # type: ignore[attr-defined]
    torch.backends.mkldnn.rnn,  # type: ignore[attr-defined]
)
"""Settings that let torch round the operands of float32 products; one that is not set follows an earlier one."""


class ExecutionError(ValueError):
    """The requested device or precision is not available on this machine."""


@dataclass(frozen=True)
class Compute:
    """A device, a precision, and the memory format that goes with them."""

    device: torch.device
    precision: str  # "fp32", "bf16" (autocast; weights, softmax and losses stay fp32), "fp64"

    @property
    def dtype(self) -> torch.dtype:
        """The type of weights and images."""
        return torch.float64 if self.precision == "fp64" else torch.float32

    @property
    def channels_last(self) -> bool:
        """Whether channels come last: faster for bf16 convolutions; in fp32 on a CPU it depends on the processor."""
        return self.precision == "bf16"

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context of a forward pass."""
        if self.precision == "bf16":
            return autocast(self.device)
        if torch.is_autocast_enabled(self.device.type):  # what the caller has set rounds nothing here
            return torch.autocast(self.device.type, enabled=False)
        return nullcontext()

    @property
    def kernels(self) -> str:
        """The type in which products are computed: fp32 where a processor without bf16 rounds to it."""
        return "fp32" if self.precision == "bf16" and not has_bf16(self.device) else self.precision

    def products(self) -> AbstractContextManager[object]:
        """Return the context of a forward pass that rounds by itself."""
        return products(self.device) if self.precision == "bf16" else nullcontext()

    def place(self, model: nn.Module) -> nn.Module:
        """Move the model to the device, in its type and memory format."""
        model = model.to(self.device, self.dtype)
        return model.to(memory_format=torch.channels_last) if self.channels_last else model

    def layout(self, images: Tensor) -> Tensor:
        """Return images [B, C, H, W] in the memory format of the model."""
        return images.contiguous(memory_format=torch.channels_last) if self.channels_last else images

    def finish(self) -> None:
        """Wait for all work queued on the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def peak_memory(self) -> float:
        """Return the largest memory so far in MB: of the device since its count was reset, on a CPU of this process."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 2**20
        return process_memory()

    def describe(self) -> str:
        """Return the name of the hardware."""
        return hardware(self.device)


def megabytes(maxrss: int) -> float:
    """Return the memory that `getrusage` gives in MB: macOS counts bytes, Linux kilobytes."""
    return maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def process_memory() -> float:
    """Return the largest memory of this process so far in MB."""
    return megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


@contextmanager
def exact_float32() -> Iterator[None]:
    """Compute float32 products in float32: neither in TF32, torch's default for convolutions on a GPU, nor in bf16.

    The caller's settings, those of `torch.set_float32_matmul_precision` among them, hold again afterwards. Only
    `fp32_precision` is read and set. Where torch's older flags (`allow_tf32`) disagree with it, torch raises when they
    are read, and so it does within this context.
    """
    before = []
    try:
        for place in _FLOAT32:
            if (asked := place.fp32_precision) != "ieee":
                before.append((place, asked))
                place.fp32_precision = "ieee"
        yield
    finally:
        for place, asked in reversed(before):
            place.fp32_precision = asked


def choose_compute(device: str = "auto", precision: str = "auto", recipe: str = "auto") -> Compute:
    """Resolve "auto": CUDA where there is a GPU, and the precision as `choose_precision` does.

    Raises:
        ExecutionError: an unknown device or precision, or a GPU that is not there.
    """
    chosen = check_device(device, precision)
    return Compute(chosen, choose_precision(chosen, precision, recipe))


def choose_precision(device: torch.device, precision: str = "auto", recipe: str = "auto") -> str:
    """Return the precision asked for; for "auto" the recipe's, and where that is "auto" too, the device's.

    A function of its arguments alone, which no measurement decides: the precision is part of a run's key.

    Args:
        device: bf16 on a GPU, fp32 on a CPU.
        precision: as the user asks for it.
        recipe: `Setting.precision`.
    """
    for asked in (precision, recipe):
        if asked != "auto":
            return asked
    return "bf16" if device.type == "cuda" else "fp32"


def check_device(device: str = "auto", precision: str = "auto") -> torch.device:
    """Return the device, after a check that it and the precision exist.

    Raises:
        ExecutionError: an unknown device or precision, or a GPU that is not there.
    """
    if precision not in PRECISIONS:
        raise ExecutionError(f"unknown precision {precision!r}; known: {', '.join(PRECISIONS)}")
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    named = _DEVICE.fullmatch(device)
    if named is None:
        raise ExecutionError(f"unknown device {device!r}; known: auto, cpu, cuda, cuda:N")
    if device != "cpu" and int(named[1] or 0) >= torch.cuda.device_count():  # torch itself would take 999 for -25
        raise ExecutionError(f"device {device!r} was asked for, but torch sees {torch.cuda.device_count()} GPUs here")
    return torch.device(device)


def hardware(device: torch.device) -> str:
    """Return the name of a GPU or of the processor."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()


def default_jobs(device: str = "auto") -> int:
    """Return the processes of a sweep: one on a GPU; on a CPU (faster than threads for small networks) one per core.

    Cores that this process may not use, under `taskset` or a scheduler of jobs, do not count.
    """
    if check_device(device).type == "cuda":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "CPU"
