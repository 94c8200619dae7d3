"""What machine it is, and what it can do at most: the first part, by which all others are read."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import version

import torch

from lnlbench.benchmark.bench import roofline
from lnlbench.benchmark.bench.gpu.part import Finding, Place
from lnlbench.benchmark.engine.device import choose_compute
from lnlbench.benchmark.runs.provenance import commit, installed


def machine(place: Place) -> Iterator[Finding]:
    """Name hardware and software, and measure a product of matrices and a copy."""
    how = choose_compute(place.device, "fp32")
    versions = {"lnlbench": installed(), "commit": commit(), "python": platform.python_version()}
    versions |= {"torch": torch.__version__, "timm": version("timm"), "cuda": torch.version.cuda}
    if how.device.type == "cuda":
        versions["cudnn"] = str(torch.backends.cudnn.version())  # type: ignore[no-untyped-call]
        free, total = torch.cuda.mem_get_info(how.device)
        yield Finding("memory of the device", total / 2**30, "GiB", said=f"{free / 2**30:.1f} GiB of it free")
    said = ", ".join(f"{name} {value}" for name, value in versions.items())
    yield Finding(how.describe(), os.cpu_count(), "cores", said=said, details=versions)
    limits = roofline.measure(how)
    yield Finding("product of large matrices", limits.flops / 1e12, "TFLOP/s")
    yield Finding("copy, read and written", limits.bytes / 1e12, "TB/s")
