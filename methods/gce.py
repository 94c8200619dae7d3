"""Generalised cross-entropy: between cross-entropy (q → 0) and the mean absolute error (q = 1)."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned


@register("gce")
class GCE(Method):
    """L_q = (1 - p_y^q) / q.

    Source: Zhang and Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels",
    NeurIPS 2018, eq. 6.
    """

    paper = Paper(
        "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels",
        "Zhilu Zhang, Mert R. Sabuncu",
        "NeurIPS",
        2018,
        arxiv="1805.07836",
    )
    family = "loss"

    q: float = tuned(0.7, 0.05, 1.0, valid=(1e-3, 2.0), origin="paper")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        return (batch.targets * box_cox(logits, self.q)).sum(-1)


def box_cox(logits: Tensor, q: Tensor | float) -> Tensor:
    """Return (1 - p^q) / q for every class [..., C], from log p, so that neither value nor gradient is cut off."""
    return -torch.expm1(q * logits.log_softmax(-1)) / q
