"""Focal loss: cross-entropy that weighs a sample less the better it is fitted."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned


@register("focal")
class Focal(Method):
    """L = -(1 - p_y)^γ log p_y, where the gradient treats the weight (1 - p_y)^γ as a constant.

    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, eq. 4. Differences: the gradient of the
    weight is left out, and γ is 0.5 instead of 2, both as in the codes that compare with this loss under label noise
    (Ma et al., ICML 2020; Ye et al., NeurIPS 2023; Wang et al., NeurIPS 2024); classes have no weights.
    """

    paper = Paper(
        "Focal Loss for Dense Object Detection",
        "Tsung-Yi Lin, Priya Goyal, Ross Girshick, Kaiming He, Piotr Dollár",
        "ICCV",
        2017,
        arxiv="1708.02002",
    )
    family = "loss"

    gamma: float = tuned(0.5, 0.1, 4.0, log=True, valid=(0.0, 10.0), origin="other code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        return (batch.targets * focal_terms(logits.log_softmax(-1), self.gamma)).sum(-1)


def focal_terms(log_p: Tensor, gamma: Tensor | float) -> Tensor:
    """Return -(1 - p)^γ log p for every class [..., C] of log p; the gradient treats (1 - p)^γ as a constant."""
    missing = -torch.expm1(log_p.detach())
    return -(missing**gamma) * log_p
