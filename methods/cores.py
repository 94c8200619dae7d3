"""CORES²: predictions are pushed away from the label marginal, and samples that then look corrupted are sieved out."""

import math

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, cross_entropy, tuned

FLOOR = math.log(1e-8)  # of the probabilities in the regulariser, which bounds it


@register("cores")
class CORES(Method):
    """L = (CE - β Σ_k π_k ℓ_k) / (1 + β) on samples with CE <= mean_k ℓ_k, ℓ_k = -log(p_k + 1e-8), π labels' marginal.

    β is 0 for a share `warmup` of the training, then rises linearly to `beta` over a share `ramp`; all samples count
    for a share `sieve`. The division by 1 + β replaces the code's division of the learning rate; Adam's steps are the
    same without it.

    Source: Cheng et al., "Learning with Instance-Dependent Label Noise: A Sample Sieve Approach", ICLR 2021, eq. 3 to
    5, with the schedule of its code: of 100 epochs, 10 at β = 0, 30 of linear rise to 2, and 31 on all samples.
    Difference: π is the marginal of the given labels of the batch, in the code that of the samples kept in the previous
    epoch.
    """

    paper = Paper(
        "Learning with Instance-Dependent Label Noise: A Sample Sieve Approach",
        "Hao Cheng, Zhaowei Zhu, Xingyu Li, Yifei Gong, Xing Sun, Yang Liu",
        "ICLR",
        2021,
        arxiv="2010.02347",
        code="https://github.com/haochenglouis/cores",
    )
    family = "selection"
    revision = 2  # the first did not divide by 1 + β

    beta: float = tuned(2.0, 0.5, 4.0, valid=(0.0, 100.0), origin="code")
    warmup: float = tuned(0.1, 0.02, 0.3, valid=(0.0, 1.0), origin="code")
    ramp: float = tuned(0.3, 0.05, 0.5, valid=(1e-3, 1.0), origin="code")
    sieve: float = tuned(0.31, 0.1, 0.6, valid=(0.0, 1.0), origin="code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        marginal = batch.targets.mean(-2, keepdim=True)
        weight = self.beta * ((clock.progress - self.warmup) / self.ramp).clamp(0, 1)
        regulariser = (marginal * bounded_terms(logits)).sum(-1)
        return (cross_entropy(logits, batch.targets) - weight * regulariser) / (1 + weight)

    def select(self, losses: Tensor, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        clean = cross_entropy(logits, batch.targets) <= bounded_terms(logits).mean(-1)
        return (clean | (clock.progress < self.sieve)).to(losses.dtype)


def bounded_terms(logits: Tensor) -> Tensor:
    """Return -log(p + 1e-8) for every class [..., C]."""
    log_p = logits.log_softmax(-1)
    return -torch.logaddexp(log_p, log_p.new_full((), FLOOR))
