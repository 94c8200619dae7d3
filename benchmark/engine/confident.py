"""Confident learning: the class of a sample, where predictions are confident of one.

Source: Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 2021.
"""

from __future__ import annotations

import torch
from torch import Tensor

NONE = -1
TOLERANCE = 1e-12  # samples of one probability, which is then their mean, are confident whatever the sum rounds to


def confident_class(probabilities: Tensor, given: Tensor) -> Tensor:
    """Return the class that each sample counts as, or `NONE`: the most probable of those that reach their threshold.

    The threshold of a class is the mean of its probability over the samples that are labelled so (eq. 1 and 2).

    Args:
        probabilities: [..., N, C].
        given: int64 [N].

    Returns:
        int64 [..., N].
    """
    p, classes = probabilities, probabilities.shape[-1]
    own = p.gather(-1, given.expand(p.shape[:-1]).unsqueeze(-1)).squeeze(-1).double()
    sums = own.new_zeros(*own.shape[:-1], classes).index_add_(-1, given, own)
    threshold = sums / given.bincount(minlength=classes) - TOLERANCE
    confident = p >= threshold.nan_to_num(torch.inf).to(p.dtype).unsqueeze(-2)
    most, found = torch.where(confident, p, -1.0).max(-1)
    return torch.where(most < 0, NONE, found)
