"""Stratified samples of exact size."""

from __future__ import annotations

import torch
from torch import Tensor

from lnlbench.benchmark.protocol.seeds import generator


def stratified(labels: Tensor, count: int, *names: object) -> Tensor:
    """Sorted indices of exactly `count` samples, spread over the labels in proportion; all where there are fewer.

    Args:
        labels: int64 [N].
        count: how many.
        names: of the seed.
    """
    if len(labels) <= count:
        return torch.arange(len(labels))
    mixed = torch.randperm(len(labels), generator=generator(*names))
    by_label = mixed[labels[mixed].argsort(stable=True)]
    # Every N/count-th sample of the sorted row: each label gets its share, rounded, and the total is exact.
    places = (torch.arange(count, dtype=torch.float64) + 0.5) * len(labels) / count
    return by_label[places.long()].sort().values
