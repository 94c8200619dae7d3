"""Bi-tempered logistic loss: a bounded logarithm, and a softmax with heavy tails."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned

ITERATIONS = 16  # of Newton's method, from the left of a convex function: enough for 100 classes up to t2 = 5


@register("bi_tempered")
class BiTempered(Method):
    """L = -log_{t1} p_y - (1 - Σ_k p_k^{2 - t1}) / (2 - t1), p_k = exp_{t2}(z_k - λ), λ such that Σ p = 1.

    log_t(x) = (x^{1 - t} - 1) / (1 - t), exp_t its inverse; t1 < 1 bounds the loss, t2 > 1 gives the tails. The
    prediction is the largest logit, as usual.

    Source: Amid et al., "Robust Bi-Tempered Logistic Loss Based on Bregman Divergences", NeurIPS 2019, eq. 4, 5 and 8;
    t1 = 0.7 and t2 = 1.5 are the values of DAL's code (2023) for all data sets. Difference: the normalisation is found
    by Newton's method, to convergence and with an exact gradient, where the authors' code takes five fixed-point steps.
    """

    paper = Paper(
        "Robust Bi-Tempered Logistic Loss Based on Bregman Divergences",
        "Ehsan Amid, Manfred K. Warmuth, Rohan Anil, Tomer Koren",
        "NeurIPS",
        2019,
        arxiv="1906.03361",
        code="https://github.com/google/bi-tempered-loss",
    )
    family = "loss"

    t1: float = tuned(0.7, 0.2, 0.95, valid=(0.0, 0.999), origin="other code")
    t2: float = tuned(1.5, 1.05, 4.0, valid=(1.001, 5.0), origin="other code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        log_p = log_tempered_softmax(logits, self.t2)
        positive = -torch.expm1((1 - self.t1) * log_p) / (1 - self.t1)  # -log_{t1} p
        rest = (1 - torch.exp((2 - self.t1) * log_p).sum(-1)) / (2 - self.t1)
        return (batch.targets * positive).sum(-1) - batch.targets.sum(-1) * rest


def log_tempered_softmax(logits: Tensor, t: Tensor | float) -> Tensor:
    """Return log p [..., C] with p = exp_t(z - λ), Σ p = 1, for t > 1."""
    fixed = logits.detach()
    norm = fixed.amax(-1, keepdim=True)  # here Σ p >= 1: Newton's steps stay on this side
    for _ in range(ITERATIONS):
        norm = norm + _step(fixed, norm, t)
    # One more step, from the logits themselves, moves nothing but carries dλ/dz = p^t / Σ p^t.
    log_p = _log_exp(fixed, norm, t)
    excess = _log_exp(logits, norm, t).exp().sum(-1, keepdim=True) - 1
    return _log_exp(logits, norm + excess / torch.exp(t * log_p).sum(-1, keepdim=True), t)


def _step(logits: Tensor, norm: Tensor, t: Tensor | float) -> Tensor:
    log_p = _log_exp(logits, norm, t)
    return (log_p.exp().sum(-1, keepdim=True) - 1) / torch.exp(t * log_p).sum(-1, keepdim=True)


def _log_exp(logits: Tensor, norm: Tensor, t: Tensor | float) -> Tensor:
    """Return the log of exp_t(z - λ) = [1 + (t - 1)(λ - z)]^{-1 / (t - 1)}."""
    return -torch.log1p((t - 1) * (norm - logits)) / (t - 1)
