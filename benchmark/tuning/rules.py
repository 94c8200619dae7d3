"""Rules that could choose among trials without a clean label: functions of predictions and given labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor

CONFIDENT = 0.5
"""Share of the validation part that counts as confident: the samples of the highest probability."""


def rules_of(logits: Tensor, given: Tensor, matrix: Tensor) -> dict[str, float]:
    """Return the value of every rule, the higher the better; mean of the networks.

    Args:
        logits: [K, V, C] for the validation images; K is 1 for a method that is scored by its ensemble.
        given: int64 [V] their labels as given.
        matrix: float64 [C, C] estimated P(given = j | true = i).
    """
    return {
        "confident_loss": -confident_loss(logits, given),
        "corrected_accuracy": corrected_accuracy(logits.argmax(-1), given, matrix),
    }


def confident_loss(logits: Tensor, given: Tensor) -> float:
    """Return the cross-entropy against the given labels of the half of the samples that a network is surest of."""
    logs = logits.double().log_softmax(-1)
    surest = logs.amax(-1).topk(max(1, round(CONFIDENT * logits.shape[1])), -1).indices
    losses = -logs.gather(-1, given.expand(len(logits), -1).unsqueeze(-1)).squeeze(-1)
    return float(losses.gather(-1, surest).mean())


def corrected_accuracy(predictions: Tensor, given: Tensor, matrix: Tensor) -> float:
    """Return an estimate of clean accuracy: the mean of T⁻¹[given, predicted], unbiased if T is right.

    Over the noise, T⁻¹[given, k] has the mean 1 for the true label and 0 for others: the backward correction of the
    0-1 loss. What is predicted wrongly in the direction of the noise counts as much as any other error.

    Args:
        predictions: int64 [K, V].
        given: int64 [V].
        matrix: float64 [C, C] P(given = j | true = i).

    Source: Natarajan et al., NeurIPS 2013, lemma 1; Patrini et al., CVPR 2017, theorem 1.
    """
    inverse = torch.linalg.pinv(matrix.double())
    return float(inverse[given.expand_as(predictions), predictions].mean())


def agreement(votes: Sequence[Tensor]) -> float:
    """Return the share of images that two trainings of a configuration predict alike; it uses no label at all.

    Mean over all pairs of trainings, and over all pairs of a network of the one and a network of the other.

    Args:
        votes: two or more trainings, each int64 or uint8 [K, T] for the same images.

    Source: Nakkiran and Bansal, 2020, arXiv:2009.08092; Jiang et al., ICLR 2022: without label noise the disagreement
    of two trainings estimates their test error.
    """
    alike = [
        (first.unsqueeze(1) == second.unsqueeze(0)).double().mean().item() for first, second in combinations(votes, 2)
    ]
    return math.fsum(alike) / len(alike)
