"""The folder of everything that this package keeps on a machine: stores, checkpoints, lists."""

import os
from pathlib import Path


def home() -> Path:
    """Return the folder of local stores: $LNLBENCH_HOME, or ~/.lnlbench."""
    return Path(os.environ.get("LNLBENCH_HOME") or "~/.lnlbench").expanduser().absolute()
