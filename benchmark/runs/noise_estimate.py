"""An estimate of the noise from the given labels alone: confident learning on a short cross-entropy run."""

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
from lnlbench.methods._compose import Composition

FOLDS = 2
WARM_UP = 0.2  # share of the planned length, before much is memorised; the schedule ends with it
ESTIMATOR = f"confident joint, {FOLDS}-fold, cross-entropy for {WARM_UP:g} of the length"


@dataclass(frozen=True)
class Estimate:
    """What was estimated, and what it cost."""

    matrix: Tensor  # float64 [C, C]: P(given = j | true = i), rows sum to 1
    rate: float  # share of wrong labels
    seconds: float
    passes: float  # forward and backward passes of each training sample
    evaluations: float  # forward passes besides


def estimate(setting: Setting, split: Split, replicate: object, how: Compute) -> Estimate:
    """Estimate noise rate and transition matrix from what training sees.

    Half of the training set is predicted by a network that was trained on the other half, for a share `WARM_UP` of the
    length. The confident joint counts over all samples, where anchor points (Patrini et al. 2017) would take each row
    from one sample, and its thresholds are the network's own mean confidence per class, so that it asks for no
    calibration.

    Args:
        setting: the recipe; the validation labels are not used.
        split: images and given labels.
        replicate: names the folds' seeds, apart from those of the run itself.
        how: where to train.
    """
    begin = time.perf_counter()
    epochs = max(1, round(WARM_UP * setting.epochs))
    short = replace(setting, epochs=epochs)
    held = torch.zeros(len(split.given), dtype=torch.bool)
    held[stratified(split.given, len(split.given) // FOLDS, "estimate", replicate)] = True
    probabilities = torch.empty(len(held), split.classes, dtype=torch.float64)
    for fold, apart in enumerate((held, ~held)):
        part = replace(split, images=split.images[~apart], given=split.given[~apart], probes={})
        loop = Loop(Job(short, Composition(), f"estimate {replicate} {fold}", part), how)
        while loop.epoch < epochs and not loop.advance().diverged:
            pass
        images = DeviceImages(split.images[apart], split.mean, split.std, how.device, how.dtype)
        logits = loop.networks.predict(images.chunks(EVALUATION_BATCH[how.device.type]))[0].double()
        probabilities[apart] = logits.nan_to_num().softmax(-1).cpu()
    joint = confident_joint(probabilities, split.given)
    seconds = time.perf_counter() - begin
    return Estimate(transition_matrix(joint), noise_rate(joint), seconds, epochs * (FOLDS - 1.0), 1.0)


def confident_joint(probabilities: Tensor, given: Tensor) -> Tensor:
    """Count samples by true label, as far as the network is confident of it, and given label.

    A sample counts as of class i where p_i reaches the mean of p_i over the samples that are labelled i; among several
    such classes the most probable one. The columns are then scaled to the counts of the given labels.

    Args:
        probabilities: [N, C] of networks that have not seen the sample.
        given: int64 [N].

    Returns:
        float64 [C, C]: rows are true classes, columns given ones; the sum is N.

    Source: Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 2021,
    eq. 1 to 3.
    """
    classes, p = probabilities.shape[1], probabilities.double()
    size = torch.bincount(given, minlength=classes).double()
    own = p.gather(1, given.unsqueeze(1)).squeeze(1)
    threshold = torch.zeros(classes, dtype=torch.float64).index_add_(0, given, own) / size
    confident = p >= threshold.nan_to_num(torch.inf) - 1e-12
    guess = torch.where(confident, p, -1.0).argmax(1)
    counted = confident.any(1)
    cells = torch.bincount(guess[counted] * classes + given[counted], minlength=classes**2)
    counts = cells.view(classes, classes).double()
    columns = counts.sum(0)
    # A label of which no sample is confident says nothing: it counts as correct.
    counts = torch.where(columns > 0, counts, torch.eye(classes, dtype=torch.float64))
    return counts * size / columns.clamp(min=1)


def transition_matrix(joint: Tensor) -> Tensor:
    """P(given | true) from a joint [C, C]; a class that nothing is counted for keeps its label."""
    rows = joint.sum(1, keepdim=True)
    identity = torch.eye(len(joint), dtype=joint.dtype)
    return torch.where(rows > 0, joint / rows.clamp(min=1e-12), identity)


def noise_rate(joint: Tensor) -> float:
    """Return the share of a joint [C, C] off its diagonal."""
    return float(1 - joint.trace() / joint.sum())
