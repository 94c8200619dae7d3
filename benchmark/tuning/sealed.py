"""The sealed curve of a trial: predictions on test and training images, which are not scored before the search ends.

Training sees no label of the test set and no true label, so predictions cannot depend on them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lnlbench.benchmark.engine.job import Epoch, Samples
from lnlbench.benchmark.protocol.splits import TEST, Prepared
from lnlbench.benchmark.runs.metrics import accuracy, diagnose
from lnlbench.leaderboard.results.errors import StoreError

SEALED = "sealed.npz"
"""The file of a trial that holds its predictions until they are scored."""
REVEALED = "curves.json"
"""The file in its place afterwards."""
MEMORY = ("memorised", "corrected")


@dataclass
class Seal:
    """The predictions of a trial, epoch by epoch."""

    test: list[Tensor] = field(default_factory=list)  # uint8 [K, T]
    training: dict[int, Samples] = field(default_factory=dict)  # by epoch, where exact numbers were due

    def look(self, epoch: Epoch) -> None:
        """Keep the predictions of an epoch."""
        self.test.append(epoch.predictions[TEST])
        if epoch.exact is not None:
            self.training[epoch.epoch] = epoch.exact

    def files(self) -> dict[str, bytes]:
        """Return the predictions as a file."""
        held: dict[str, Any] = {"test": torch.stack(self.test).numpy().astype(np.uint8)}
        for epoch, samples in self.training.items():
            held[f"index {epoch}"] = samples.index.numpy()
            held[f"prediction {epoch}"] = samples.prediction.numpy().astype(np.uint8)
        written = io.BytesIO()
        np.savez_compressed(written, allow_pickle=False, **held)
        return {SEALED: written.getvalue()}


def revealed(sealed: bytes, prepared: Prepared) -> dict[str, list[float | None]]:
    """Return the curves of test accuracy and of memorisation, one value per epoch that was trained.

    Memorisation is that of `runs/metrics.py`, on the samples of the exact diagnostics and after their epochs alone.

    Args:
        sealed: a trial's file.
        prepared: its data with the truth.

    Raises:
        StoreError: the file is not what a trial writes.
    """
    with _opened(sealed) as held:
        test = torch.from_numpy(held["test"])
        curves: dict[str, list[float | None]] = {
            "test_accuracy": [accuracy(votes, prepared.truth.test) for votes in test]
        }
        curves |= {name: [None] * len(test) for name in MEMORY}
        known = prepared.manifest.get("realised_rate", 0.0) is not None
        for name in held if known else ():
            kind, _, epoch = name.partition(" ")
            if kind == "index":
                index = torch.from_numpy(held[name])
                votes = torch.from_numpy(held[f"prediction {epoch}"]).long()
                nothing = torch.zeros_like(votes, dtype=torch.float32)
                samples = Samples(index, nothing, votes, nothing)
                found = diagnose(samples, prepared.split.given, prepared.truth.train)
                for curve in MEMORY:
                    curves[curve][int(epoch)] = found[curve]
    return curves


def votes_after(sealed: bytes, epoch: int) -> Tensor:
    """Return the predictions of a trial's networks on the test images after an epoch, uint8 [K, T].

    Raises:
        StoreError: the file is not what a trial writes.
    """
    with _opened(sealed) as held:
        return torch.from_numpy(held["test"])[epoch]


@contextmanager
def _opened(sealed: bytes) -> Iterator[Mapping[str, Any]]:
    try:
        with np.load(io.BytesIO(sealed), allow_pickle=False) as held:
            yield held
    except (ValueError, KeyError, IndexError, OSError, RuntimeError) as error:
        raise StoreError(f"the sealed curve of a trial cannot be read: {' '.join(str(error).split())}") from error
