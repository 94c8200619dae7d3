"""The memory that a run has of its training samples, from one epoch to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lnlbench.benchmark.engine.job import Samples


class Past:
    """The last prediction of each sample, and the sum of its margins.

    Args:
        networks: K, of the run.
        samples: N, that it is trained on.
    """

    def __init__(self, networks: int, samples: int) -> None:
        self.predicted = torch.full((networks, samples), -1, dtype=torch.int16)  # -1: never visited
        self.margin = torch.zeros(networks, samples)
        self.visits = torch.zeros(samples, dtype=torch.int32)

    def take(self, samples: Samples) -> tuple[Samples, float]:
        """Add the samples of an epoch.

        Returns:
            the same samples with their mean margins of all visits so far, and the share of predictions that have
            changed since the visit before, NaN where there was none.
        """
        index = samples.index
        before, now = self.predicted[:, index], samples.prediction.to(torch.int16)
        self.predicted[:, index] = now
        if samples.margin is not None:
            self.margin[:, index] += samples.margin.float()
            self.visits[index] += 1
            samples = replace(samples, mean_margin=self.margin[:, index] / self.visits[index])
        return samples, (before != now)[before >= 0].double().mean().item()

    def state(self) -> dict[str, Tensor]:
        """Return all that is remembered, as copies."""
        return {name: values.clone() for name, values in vars(self).items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a state. One of an earlier version holds no margins, whose mean begins anew."""
        for name, values in vars(self).items():
            values.copy_(state.get(name, torch.zeros_like(values)))
