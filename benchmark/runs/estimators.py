"""Estimates of label noise from probabilities of networks that have not seen the samples: pure functions."""

from __future__ import annotations

import torch
from torch import Tensor

from lnlbench.benchmark.engine.confident import NONE, confident_class


def confident_joint(probabilities: Tensor, given: Tensor) -> Tensor:
    """Count samples by true label, as far as the network is confident of it, and given label.

    The columns are scaled to the counts of the given labels.

    Args:
        probabilities: [N, C] of networks that have not seen the sample.
        given: int64 [N].

    Returns:
        float64 [C, C]: rows are true classes, columns given ones; the sum is N.

    Source: Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 2021,
    eq. 1 to 3.
    """
    classes, size = probabilities.shape[1], torch.bincount(given, minlength=probabilities.shape[1]).double()
    guess = confident_class(probabilities.double(), given)
    counted = guess != NONE
    cells = torch.bincount(guess[counted] * classes + given[counted], minlength=classes**2)
    counts = cells.view(classes, classes).double()
    columns = counts.sum(0)
    # A label of which no sample is confident says nothing: it counts as correct.
    counts = torch.where(columns > 0, counts, torch.eye(classes, dtype=torch.float64))
    return counts * size / columns.clamp(min=1)


def transition_matrix(joint: Tensor) -> Tensor:
    """Return P(given | true) from a joint [C, C]; a class without counts keeps its label."""
    rows = joint.sum(1, keepdim=True)
    identity = torch.eye(len(joint), dtype=joint.dtype)
    return torch.where(rows > 0, joint / rows.clamp(min=1e-12), identity)


def noise_rate(joint: Tensor) -> float:
    """Return the share of a joint [C, C] off its diagonal."""
    return float(1 - joint.trace() / joint.sum())


def anchor_rate(probabilities: Tensor, given: Tensor, share: float) -> float:
    """Return, of the samples that a network is surest of, the share that is labelled as another class.

    Of each class i the `share` of N / C samples with the largest p_i; the mean over the classes. Where these samples
    are of class i, this is the noise rate of a balanced data set; where some are not, it is more.

    Args:
        probabilities: [N, C] of networks that have not seen the sample.
        given: int64 [N].
        share: of a class's samples.

    Source: label frequencies instead of probabilities at the anchor points of Patrini et al., "Making Deep Neural
    Networks Robust to Label Noise", CVPR 2017, section 4.2: they ask for no calibration.
    """
    size, classes = probabilities.shape
    top = probabilities.topk(max(1, round(share * size / classes)), 0).indices  # [k, C]
    return float((given[top] != torch.arange(classes)).double().mean())
