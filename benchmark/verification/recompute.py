"""What the data set can say of a stored result: noise and split drawn again, scores recomputed from predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.splits import prepare_blind
from lnlbench.benchmark.verification.findings import NEAR, UNKNOWN, WRONG, Finding, differences, judged
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.images import Images
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.predictions import shape_of, unpack
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import scores_of

MANIFEST = frozenset(
    {"text", "kind", "option", "family", "nominal_rate", "convention", "guaranteed", "seed", "dataset", "classes"}
    | {"dataset_fingerprint", "samples", "realised_rate", "class_rates", "transition_matrix", "labels_sha256"}
)
"""What every manifest of noise says; what single models say besides came later, and is compared where it is there."""


class Data:
    """A data set at hand, and the draws that were made of it again; or why it is not at hand."""

    def __init__(self, images: Images | None, why: str = "") -> None:
        self.images, self.why = images, why
        self._draws: dict[tuple[Any, ...], dict[str, Any]] = {}

    def drawn(self, setting: Setting, replicate: int) -> dict[str, Any]:
        """Return what names data, seeds, noise and split of a replicate, drawn again.

        Raises:
            DataError: the noise is not available, or there are no images.
        """
        if self.images is None:
            raise DataError(self.why)
        name = (setting.noise, setting.samples, setting.validation, replicate)
        if name not in self._draws:
            identity = prepare_blind(setting, replicate, self.images).identity
            identity["split"] = identity["split"] | {"test": len(self.images.test_images)}
            self._draws[name] = identity
        return self._draws[name]


def labels(result: Result, setting: Setting, data: Data) -> Finding:
    """Check data set, seeds, the noise's whole manifest and the split against those that are drawn again."""
    what, identity = "labels and split", result.identity
    if reason := apart(result, data):
        return Finding(what, UNKNOWN, reason)
    try:
        right = data.drawn(setting, result.replicate)
    except DataError as error:
        return Finding(what, UNKNOWN, str(error))
    noise = {name: value for name, value in right["noise"].items() if name in MANIFEST or name in identity["noise"]}
    faults = [
        fault
        for part, drawn in (right | {"noise": noise}).items()
        for fault in differences(identity.get(part), drawn, part)
    ]
    return judged(what, faults, f"drawn again: {right['noise']['labels_sha256'][:12]}, {right['split']['sha256'][:12]}")


def predictions(result: Result, networks: int | None, data: Data) -> tuple[Finding, np.ndarray | None]:
    """Check that the stored predictions have the test accuracies that all scores are made of.

    Args:
        result: to be checked.
        networks: that its method has; None where the method is not known.
        data: the data set.

    Returns:
        the finding, and the predictions uint8 [E, K, T] where they could be read. What claims another size than the
        test set is not unpacked at all.
    """
    what, curve = "scores", result.curves["test_accuracy"]
    if not result.predictions:
        return Finding(what, UNKNOWN, "the predictions were left out of this file"), None
    try:
        epochs, count, samples = shape_of(result.predictions)
        if epochs != result.trained or count != (networks or count):
            shape = f"{epochs} epochs of {count} networks"
            return Finding(
                what, WRONG, f"there are predictions of {shape}, not of {result.trained} of {networks}"
            ), None
        if reason := apart(result, data):
            return Finding(what, UNKNOWN, reason), None
        size = 0 if data.images is None else len(data.images.test_images)
        if samples != size or not count:
            return Finding(
                what, WRONG, f"the predictions are of {samples} samples, not of the {size} of the test set"
            ), None
        array = unpack(result.predictions)
    except StoreError as error:
        return Finding(what, WRONG, str(error)), None
    right = accuracies(array, data)
    off = [e for e, value in enumerate(curve) if value is None or not abs(value - right[e]) <= NEAR]
    if off:
        came = curve[off[0]]
        detail = f"test accuracy of epoch {off[0]} is {came}, its predictions give {right[off[0]]:.6g}"
        return Finding(what, WRONG, detail + (f"; so in {len(off)} epochs" if len(off) > 1 else "")), array
    shown = ", ".join(f"{name} {100 * score:.2f}" for name, score in scores_of(result, {}).items())
    return judged(what, [], f"recomputed from {len(array)} epochs of predictions: {shown}"), array


def accuracies(predictions: np.ndarray, data: Data) -> list[float]:
    """Return the test accuracy of every epoch, mean of the networks, of predictions [E, K, T]."""
    assert data.images is not None
    return [float((epoch == data.images.test_labels).mean(dtype=np.float64)) for epoch in predictions]


def apart(result: Result, data: Data) -> str:
    """Why the data set at hand says nothing of a result; nothing where it does."""
    if data.images is None:
        return data.why
    came = result.identity["dataset"].get("fingerprint")
    if came != data.images.fingerprint:
        return f"another copy of {result.dataset} is at hand ({data.images.fingerprint[:12]}) than it was made from"
    return ""
