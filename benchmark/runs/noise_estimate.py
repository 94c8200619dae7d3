"""An estimate of the noise from the given labels alone: a short cross-entropy run on each half of the training set."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lnlbench.benchmark.engine.batches import DeviceImages
from lnlbench.benchmark.engine.device import Compute
from lnlbench.benchmark.engine.epoch_numbers import EVALUATION_BATCH
from lnlbench.benchmark.engine.job import Job
from lnlbench.benchmark.engine.loop import Loop
from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.splits import Split
from lnlbench.benchmark.protocol.stratify import stratified
from lnlbench.benchmark.runs.estimate_recipe import ANCHORS, FOLDS, is_bound, length_of, passes_of
from lnlbench.benchmark.runs.estimators import anchor_rate, confident_joint, noise_rate, transition_matrix
from lnlbench.methods._compose import Composition


@dataclass(frozen=True)
class OutOfFold:
    """Predictions of networks on samples that they were not trained on, and their cost."""

    probabilities: Tensor  # float64 [N, C]
    accuracy: float  # against the given labels
    seconds: float
    passes: float  # forward and backward passes of each training sample
    evaluations: float  # forward passes besides


@dataclass(frozen=True)
class Estimate:
    """An estimate of the noise, and its cost."""

    matrix: Tensor  # float64 [C, C]: P(given = j | true = i), rows sum to 1; of the confident joint
    joint: float  # share of wrong labels by the confident joint
    anchors: float  # by the label frequency among the samples that the network is surest of
    accuracy: float  # of the networks on the other half's given labels
    seconds: float
    passes: float  # forward and backward passes of each training sample
    evaluations: float  # forward passes besides

    @property
    def rate(self) -> float:
        """Return the share of wrong labels: both estimates tend to be too large, so the smaller one."""
        return min(self.joint, self.anchors)

    @property
    def upper_bound(self) -> bool:
        """Whether the rate is no more than an upper bound of the true one, see `is_bound`."""
        return is_bound((self.joint, self.anchors), self.accuracy)


def estimate(setting: Setting, split: Split, replicate: object, how: Compute) -> Estimate:
    """Estimate noise rate and transition matrix from the data that training sees.

    The confident joint counts over all samples, where anchor points (Patrini et al. 2017) would take each row from one
    sample, and its thresholds are the network's own mean confidence per class, so that it asks for no calibration.

    Args:
        setting: the recipe; the validation labels are not used.
        split: images and given labels.
        replicate: names the folds' seeds, apart from those of the run itself.
        how: where to train.
    """
    found = out_of_fold(setting, split, replicate, how)
    joint = confident_joint(found.probabilities, split.given)
    anchors = anchor_rate(found.probabilities, split.given, ANCHORS)
    cost = found.seconds, found.passes, found.evaluations
    return Estimate(transition_matrix(joint), noise_rate(joint), anchors, found.accuracy, *cost)


def out_of_fold(
    setting: Setting, split: Split, replicate: object, how: Compute, epochs: int | None = None
) -> OutOfFold:
    """Predict each half of the training set by a network that was trained on the other half.

    Each is the network of the epoch that was best on the half held out, by its given labels.

    Args:
        setting: the recipe.
        split: images and given labels.
        replicate: names the folds' seeds.
        how: where to train.
        epochs: their number; `length_of` by default.
    """
    begin = time.perf_counter()
    short = replace(setting, epochs=epochs or length_of(setting, len(split.given)))
    held = torch.zeros(len(split.given), dtype=torch.bool)
    held[stratified(split.given, len(split.given) // FOLDS, "estimate", replicate)] = True
    probabilities = torch.empty(len(held), split.classes, dtype=torch.float64)
    for fold, apart in enumerate((held, ~held)):
        part = replace(
            split,
            images=split.images[~apart],
            given=split.given[~apart],
            validation_images=split.images[apart],
            validation_given=split.given[apart],
            probes={},
        )
        loop = Loop(Job(short, Composition(), f"estimate {replicate} {fold}", part), how)
        best, weights = -1.0, loop.networks.state()
        while loop.epoch < short.epochs:
            epoch = loop.advance()
            if epoch.diverged:
                break
            if epoch.validation_accuracy > best:
                best, weights = epoch.validation_accuracy, loop.networks.state()
        loop.networks.restore(weights)
        images = DeviceImages(split.images[apart], split.mean, split.std, how.device, how.dtype)
        logits = loop.networks.predict(images.chunks(EVALUATION_BATCH[how.device.type]))[0].double()
        probabilities[apart] = logits.nan_to_num().softmax(-1).cpu()
    accuracy = (probabilities.argmax(1) == split.given).double().mean().item()
    return OutOfFold(probabilities, accuracy, time.perf_counter() - begin, *passes_of(short.epochs))
