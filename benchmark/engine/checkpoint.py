"""Checkpoints of unfinished runs, so that a killed run goes on where it was; written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.serialization import safe_globals

from lnlbench.benchmark.engine.optimisers import OptimiserState
from lnlbench.leaderboard.results.files import replacing
from lnlbench.methods.base import History


def save(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint in place of the one before."""
    with replacing(path) as unfinished:
        torch.save(content, unfinished)


def load(path: Path) -> dict[str, Any] | None:
    """Read a checkpoint: tensors, numbers and our own two types, nothing else; None if there is none that can be read.

    A checkpoint only saves time, so a damaged one is dropped and the run begins anew.
    """
    if not path.exists():
        return None
    try:
        with safe_globals([OptimiserState, History]):
            content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # torch raises half a dozen types for damaged files
        path.unlink(missing_ok=True)
        return None
    return content
