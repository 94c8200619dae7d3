"""Decode data sets in another process, so that what only scoring may know never enters this one."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

from lnlbench.datasets.loading.errors import DataError, DataWarning

DECODER = "lnlbench.datasets.loading.decoder"
"""The module that is run there."""

ATTEMPTS = 3
"""How often a decoder is begun, where something kills it."""


def cached(name: str, data_dir: Path | None, cache_dir: Path | None) -> tuple[Path, str]:
    """Return what `images.cached` does.

    Raises:
        DataError: as there.
    """
    path, origin = _asked("cached", name, data_dir, cache_dir)
    return Path(path), str(origin)


def bring_in(text: str, cache_dir: Path | None = None) -> str:
    """Return what `own.bring_in` does.

    Warns:
        DataWarning: as there.

    Raises:
        DataError: as there.
    """
    return str(_asked("bring_in", text, cache_dir))


def _asked(question: str, *words: str | Path | None) -> Any:
    request = json.dumps([question, *(None if word is None else str(word) for word in words)])
    command = [sys.executable, "-P", "-m", DECODER]  # what is downloaded is shown on our standard error
    for _ in range(ATTEMPTS):
        answered = subprocess.run(command, input=request, stdout=subprocess.PIPE, text=True, check=False)
        if answered.returncode >= 0:  # else a signal ended it, as one may end any worker of a sweep
            break
    try:
        answer = json.loads(answered.stdout)
    except ValueError:
        raise DataError(f"the process that decodes data sets ended with exit code {answered.returncode}") from None
    for note in answer["notes"]:
        warnings.warn(note, DataWarning, stacklevel=3)
    if "error" in answer:
        raise DataError(answer["error"])
    return answer["answer"]
