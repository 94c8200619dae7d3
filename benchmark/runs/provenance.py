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

ROOMS = ("benchmark", "datasets", "leaderboard", "methods")
CODE = (".py", ".toml")


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
        **({} if how.kernels == how.precision else {"kernels": how.kernels}),
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
    """Return the commit of the checkout that this file lies in, None elsewhere; with a + where the code is another.

    So it is where a tracked file was changed, or a new one lies where methods and noises are found. A copy without
    history has the commit in $LNLBENCH_COMMIT.
    """
    if named := os.environ.get("LNLBENCH_COMMIT"):
        return named
    try:
        _git("ls-files", "--error-unmatch", __file__)
        told = _git("describe", "--always", "--abbrev=12", "--exclude=*")
        changed = _git("status", "--porcelain", "--untracked-files=no")
        new = _git("ls-files", "--others", "--exclude-standard", *ROOMS).splitlines()
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{told}+" if changed or any(name.endswith(CODE) for name in new) else told


def _git(*words: str) -> str:
    checkout = Path(__file__).parents[2]
    told = subprocess.run(["git", *words], cwd=checkout, capture_output=True, text=True, timeout=10, check=True)
    return told.stdout.strip()
