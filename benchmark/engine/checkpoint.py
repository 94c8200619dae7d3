"""Checkpoints of unfinished runs, from which a killed run continues; written whole or not at all.

A file holds nothing but dicts, lists, numbers, texts and tensors. It names no class of this package, so that renaming
one makes no file unreadable.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch.serialization import safe_globals

from lnlbench.benchmark.engine.optimisers import OptimiserState
from lnlbench.leaderboard.results.files import replacing
from lnlbench.methods.base import History

State = dict[str, Any]
"""The result of `Epoch.state()`."""

_PARTS = {"optimiser": OptimiserState, "history": History}
"""The parts of a state that are objects in memory, and dicts of their fields in a file."""

_OLDER: list[tuple[Any, str]] = [
    (OptimiserState, "lnlbench.benchmark.optimiser.OptimiserState"),
    (OptimiserState, "lnlbench.benchmark.engine.optimisers.OptimiserState"),
    (History, "lnlbench.methods.base.History"),
]
"""Classes that older files name by the modules of that time: there the classes themselves were pickled."""


class CheckpointWarning(UserWarning):
    """An unfinished run begins anew, because its checkpoint cannot be used."""


def save(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint in place of the one before; `content["state"]` is the result of `Epoch.state()`."""
    with replacing(path) as unfinished:
        torch.save({**content, "state": _plain(content["state"])}, unfinished)


def load(path: Path) -> dict[str, Any] | None:
    """Return the content given to `save`, with its tensors on the CPU; None without a readable file.

    A file that cannot be read is kept as `.unreadable`, and the run begins anew. Nothing in a file is executed.

    Warns:
        CheckpointWarning: there is a file that cannot be read.
    """
    if not path.exists():
        return None
    try:
        with safe_globals([*_OLDER]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, of a damaged file: what matters is said below
            content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return {**content, "state": _whole(content["state"])}
    except Exception as error:  # torch raises half a dozen types for damaged files
        set_aside(path, f"cannot be read ({type(error).__name__})")
        return None


def epochs_of(path: Path) -> int:
    """Return after how many epochs a checkpoint was written, without reading it whole; 0 of what cannot be read."""
    try:
        with safe_globals([*_OLDER]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `load` says what matters, where the run begins
            return len(torch.load(path, map_location="cpu", weights_only=True, mmap=True)["predictions"])
    except Exception:  # torch raises half a dozen types for damaged files
        return 0


def set_aside(path: Path, why: str) -> None:
    """Rename a checkpoint that cannot be used, and warn.

    Warns:
        CheckpointWarning: always.
    """
    names = (f"{path.name}.unreadable{number or ''}" for number in range(1000))
    aside = next(place for place in map(path.with_name, names) if not place.exists())
    with suppress(OSError):  # where nothing can be renamed, nothing can be overwritten either
        path.rename(aside)
    warnings.warn(
        f"the checkpoint {path} {why}: the run begins anew, the file is kept as {aside.name}",
        CheckpointWarning,
        stacklevel=3,
    )


def _plain(state: State) -> State:
    """Return a state with its parts as dicts of their fields."""
    parts = {name: {f.name: getattr(state[name], f.name) for f in fields(kind)} for name, kind in _PARTS.items()}
    return {**state, **parts}


def _whole(state: State) -> State:
    """Return a state as `Epoch.state()` gives it; the parts of older files are objects already."""
    parts = {name: kind(**state[name]) for name, kind in _PARTS.items() if not isinstance(state[name], kind)}
    return {**state, **parts}
