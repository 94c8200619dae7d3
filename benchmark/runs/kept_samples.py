"""Read the losses and predictions of training samples that a run kept; without torch, for commands that only look."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np

SAMPLES = "samples.npz"
"""The file of a run's training samples, beside its record."""


class KeptError(ValueError):
    """A file that is no kept model, or no kept samples."""


def suspects(content: bytes) -> str:
    """Return the training samples whose given label the networks do not predict, the highest loss first, as CSV.

    The columns: `index` in the training set, `given` label, `predicted` label, `loss` (cross-entropy against the given
    label, mean of the networks).

    Raises:
        KeptError: not a file that `pack_samples` wrote.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            rows: Mapping[str, np.ndarray] = {name: file[name] for name in ("index", "given", "predicted", "loss")}
    except Exception as error:  # zipfile and NumPy raise half a dozen types for damaged files
        raise KeptError(f"these are no kept samples: {' '.join(str(error).split())[:200]}") from error
    found = np.flatnonzero(rows["given"] != rows["predicted"])
    found = found[np.argsort(-rows["loss"][found].astype(np.float64), kind="stable")]
    lines = ["index,given,predicted,loss"]
    lines += [f"{rows['index'][i]},{rows['given'][i]},{rows['predicted'][i]},{rows['loss'][i]:.4g}" for i in found]
    return "\n".join(lines) + "\n"
