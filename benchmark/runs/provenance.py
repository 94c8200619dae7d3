"""Where a result comes from: commit, versions, hardware and execution."""

from __future__ import annotations

import os
import platform
import subprocess
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lnlbench.benchmark.engine.device import Compute
    from lnlbench.benchmark.engine.job import Epoch


def environment(how: Compute, last: Epoch, files: Sequence[str] = ()) -> dict[str, Any]:
    """Return the versions, the hardware and the execution that made a run, and files of methods where there are any."""
    import torch  # here: the version and the commit are told without it

    return {
        "lnlbench": installed(),
        "commit": commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "hardware": how.describe(),
        "device": str(how.device),
        "execution": "graph" if last.replayed else "stack" if last.stacked else "loop",
        "stacked": last.stacked,  # slots of the stack at the end
        "precision": how.precision,
        "threads": torch.get_num_threads(),
        **({"plugins": [*files]} if files else {}),
    }


@cache
def installed() -> str:
    """Return the version of this package; that of its checkout where it is not installed, but only on the path."""
    try:
        return version("lnlbench")
    except PackageNotFoundError:
        project = Path(__file__).parents[2] / "pyproject.toml"
        return str(tomllib.loads(project.read_text())["project"]["version"])


@cache
def commit() -> str | None:
    """Return the commit of the checkout that this file lies in, with a + where it was changed; None elsewhere.

    A copy of a checkout without its history has the commit in $LNLBENCH_COMMIT.
    """
    if named := os.environ.get("LNLBENCH_COMMIT"):
        return named
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
