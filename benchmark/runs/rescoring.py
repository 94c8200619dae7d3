"""Score a run a second time, from its packed predictions alone, before it is stored.

A method is Python in the same process: it can replace `metrics.accuracy`, torch's comparison or the labels in memory,
by accident or on purpose, and every curve would believe it. So the store asks for the accuracies again. This file
calls nothing that is looked up by name after plug-ins are loaded, and keeps the labels as bytes, which cannot be
changed in place. It stops patched scoring. It cannot stop a method that predicts test labels which it found, nor one
that rewrites this very function: `verify` in another process, and making the run again elsewhere, are for that.
"""

from __future__ import annotations

import base64
import lzma
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Rescore = Callable[[str], list[float]]
"""From packed predictions to the test accuracy of every epoch, mean of the networks."""


def _rescore(
    true: bytes,
    predictions: str,
    *,
    decode: Callable[[str], bytes] = base64.b64decode,
    decompress: Callable[[bytes], bytes] = lzma.decompress,
    read: Callable[..., np.ndarray] = np.frombuffer,
    equal: Callable[..., np.ndarray] = np.equal,
) -> list[float]:
    """Return the accuracies; what it calls was bound when this file was imported, before any plug-in was."""
    _, shape, packed = predictions.split(":")
    epochs, networks, samples = (int(size) for size in shape.split(","))
    histories = read(decompress(decode(packed)), "uint8").reshape(networks, samples, epochs)
    hits = equal(histories, read(true, "uint8").reshape(1, samples, 1)).sum((0, 1), "int64")
    return [int(count) / (networks * samples) for count in hits]


def scorer(labels: Tensor, *, rescore: Callable[..., list[float]] = _rescore) -> Rescore:
    """Return a function that scores packed predictions against labels [T].

    It takes a copy of the labels now, before any hook of the method runs.
    """
    return partial(rescore, bytes(labels.cpu().numpy().astype(np.uint8)))
