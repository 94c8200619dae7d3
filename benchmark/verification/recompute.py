"""What the data set can say of a stored result: noise and split drawn again, scores recomputed from predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.splits import prepare_blind
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.images import Images
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import Result, unpack
from lnlbench.leaderboard.results.rules import scores_of

OK, WRONG, UNKNOWN = "ok", "wrong", "unknown"
NEAR = 1e-9  # two ways to take a mean differ by less


@dataclass(frozen=True)
class Finding:
    """One thing that was checked: `ok`, `wrong`, or `unknown` where it cannot be checked here, and why."""

    what: str
    state: str
    detail: str


@dataclass
class Data:
    """A data set at hand, and the draws that were made of it again; or why it is not at hand."""

    images: Images | None
    why: str = ""

    def __post_init__(self) -> None:
        self._draws: dict[tuple[Any, ...], dict[str, Any]] = {}

    def drawn(self, setting: Setting, replicate: int) -> dict[str, Any]:
        """Noise and split of a replicate, drawn again.

        Raises:
            DataError: the noise cannot be had, or there are no images.
        """
        if self.images is None:
            raise DataError(self.why)
        name = (setting.noise, setting.samples, setting.validation, replicate)
        if name not in self._draws:
            self._draws[name] = prepare_blind(setting, replicate, self.images).identity
        return self._draws[name]


def judged(what: str, faults: list[str], detail: str) -> Finding:
    """Wrong for these faults; ok without any."""
    return Finding(what, WRONG, "; ".join(faults)) if faults else Finding(what, OK, detail)


def labels(result: Result, setting: Setting, data: Data) -> Finding:
    """Whether noise and split, drawn again, are those that the record names."""
    what, identity = "labels and split", result.identity
    if reason := _apart(result, data):
        return Finding(what, UNKNOWN, reason)
    try:
        right = data.drawn(setting, result.replicate)
    except DataError as error:
        return Finding(what, UNKNOWN, str(error))
    faults = [
        f"{part}'s {name} is {identity[part].get(name)!r}, drawn again {right[part][name]!r}"
        for part, names in (
            ("noise", ("labels_sha256", "nominal_rate", "realised_rate", "guaranteed", "samples")),
            ("split", ("sha256", "train", "validation")),
            ("dataset", ("subset",)),
        )
        for name in names
        if name in right[part] and identity.get(part, {}).get(name) != right[part][name]
    ]
    return judged(what, faults, f"drawn again: {right['noise']['labels_sha256'][:12]}, {right['split']['sha256'][:12]}")


def predictions(result: Result, networks: int | None, data: Data) -> Finding:
    """Whether the stored predictions have the test accuracies that all scores are made of."""
    what, curve = "scores", result.curves["test_accuracy"]
    if not result.predictions:
        return Finding(what, UNKNOWN, "the predictions were left out of this file")
    try:
        array = unpack(result.predictions)
    except StoreError as error:
        return Finding(what, WRONG, str(error))
    if len(array) != result.trained or array.shape[1] != (networks or array.shape[1]):
        shape = f"{len(array)} epochs of {array.shape[1]} networks"
        return Finding(what, WRONG, f"there are predictions of {shape}, not of {result.trained} of {networks}")
    if reason := _apart(result, data):
        return Finding(what, UNKNOWN, reason)
    right = accuracies(array, data)
    if right is None:
        return Finding(what, WRONG, f"the predictions are of {array.shape[2]} samples, not of the test set")
    off = [e for e, value in enumerate(curve) if value is None or not abs(value - right[e]) <= NEAR]
    if off:
        came = curve[off[0]]
        detail = f"test accuracy of epoch {off[0]} is {came}, its predictions give {right[off[0]]:.6g}"
        return Finding(what, WRONG, detail + (f"; so in {len(off)} epochs" if len(off) > 1 else ""))
    shown = ", ".join(f"{name} {100 * score:.2f}" for name, score in scores_of(result).items())
    return Finding(what, OK, f"recomputed from {len(array)} epochs of predictions: {shown}")


def accuracies(predictions: np.ndarray, data: Data) -> list[float] | None:
    """Test accuracy of every epoch, mean of the networks; None where the predictions [E, K, T] are of another set."""
    true = None if data.images is None else data.images.test_labels
    if true is None or predictions.shape[2] != len(true) or not predictions.shape[1]:
        return None
    return [float((epoch == true).mean(dtype=np.float64)) for epoch in predictions]


def _apart(result: Result, data: Data) -> str:
    """Why the data set at hand says nothing of a result; nothing where it does."""
    if data.images is None:
        return data.why
    if data.images.fingerprint != result.identity["dataset"].get("fingerprint"):
        return f"another copy of {result.dataset} is at hand ({data.images.fingerprint[:12]}) than it was made from"
    return ""
