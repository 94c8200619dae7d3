"""Where a result comes from: commit, versions, hardware and execution."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from lnlbench.benchmark.engine.device import Compute
from lnlbench.benchmark.engine.job import Epoch


def environment(how: Compute, last: Epoch) -> dict[str, Any]:
    """Return the versions, the hardware and the execution that made a run."""
    return {
        "lnlbench": version("lnlbench"),
        "commit": commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "hardware": how.describe(),
        "device": str(how.device),
        "execution": "graph" if last.replayed else "stack" if last.stacked else "loop",
        "stacked": last.stacked,  # slots of the stack at the end
        "precision": how.precision,
        "threads": torch.get_num_threads(),
    }


@cache
def commit() -> str | None:
    """Return the commit of the checkout that this file lies in, with a + where it was changed; None elsewhere."""
    folder = Path(__file__).parent
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"],
            cwd=folder, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
        tracked = subprocess.run(["git", "ls-files", "--error-unmatch", __file__], cwd=folder, capture_output=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip() if tracked.returncode == 0 else None
