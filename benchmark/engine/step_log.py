"""The log of the steps of one epoch."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from lnlbench.benchmark.engine.batches import Order
from lnlbench.benchmark.engine.device import Compute
from lnlbench.benchmark.engine.epoch_numbers import samples_of
from lnlbench.benchmark.engine.hook_draws import Step
from lnlbench.benchmark.engine.job import Job, Samples


class Log:
    """Tables of an epoch on the device: written step by step, read once, when the epoch is over."""

    def __init__(self, order: Order, job: Job, how: Compute, selects: bool) -> None:
        steps, size = order.index.shape
        shape = (steps, job.method.networks, size)
        self.index = order.index
        zeros = partial(torch.zeros, device=how.device, dtype=how.dtype)
        self.logits = zeros(*shape, job.split.classes)
        self.objective = zeros(steps)
        self.weight = zeros(shape) if selects else None
        self.same_inputs = True
        self.observed = False
        count = partial(torch.zeros, (), device=how.device, dtype=torch.float64)
        self.passes = count()  # of a batch, forward and backward
        self.guesses = count()  # of a batch, forward alone

    def write(self, step: Step, logits: Tensor, objective: Tensor, weight: Tensor | None) -> None:
        """Keep the logits [K, B, C], the objective [] and the selection weights [K, B] of a step.

        Where the method has changed the inputs, the objective alone is kept: no logit belongs to a single sample.
        """
        self.objective[step] = objective / len(logits)
        if not self.same_inputs:
            return
        self.logits[step] = logits
        if self.weight is not None and weight is not None:
            self.weight[step] = weight

    def samples(self, given: Tensor) -> Samples:
        """Return the numbers of the samples in the order of visit."""
        weight = None if self.weight is None else self.weight.transpose(0, 1).flatten(1)
        return samples_of(self.index.flatten(), self.logits.transpose(0, 1).flatten(1, 2), given, weight)
