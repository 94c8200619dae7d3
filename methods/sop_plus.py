"""SOP+: SOP, with agreement of a weak and a strong view and with predictions balanced over the classes."""

from dataclasses import replace

import torch
from torch import Tensor

from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Predict, tuned
from lnlbench.methods.sop import FLOOR, SOP, noise_of


@register("sop_plus")
class SOPPlus(SOP):
    """L = SOP of the weak view + λ_C KL(p‖q) - λ_B Σ_k log r̄_k / C, p and q the predictions of weak and strong view.

    p is a constant in the second term; r̄ is the mean over the batch of SOP's corrected predictions, clamped at 1e-4.

    Source: Liu et al., "Robust Training under Label Noise by Over-parameterization", ICML 2022, and its code, with its
    weights of both terms. Differences: the strong view is RandAugment with cutout, where the code has an AutoAugment
    policy with cutout; u and v differ as in `sop`, and u does not descend the balance term. A later version of the code
    multiplies the squared error by 100, and thereby the steps of v. Weights and rates are the code's for CIFAR-100, in
    batches of 128: in those of 64 a visit moves u and v twice as far. The paper's table of them was not available.
    """

    paper = SOP.paper
    family = "correction"

    strong = 1

    consistency: float = tuned(0.9, 0.1, 2.0, valid=(0.0, 100.0), origin="code")
    balance: float = tuned(0.1, 0.01, 1.0, log=True, valid=(0.0, 100.0), origin="code")

    def guess(self, predict: Predict, batch: Batch, clock: Clock) -> Batch:
        return replace(batch, inputs=torch.cat([batch.inputs, *batch.strong]))

    def remember(self, logits: Tensor, batch: Batch, clock: Clock) -> dict[str, Tensor]:
        return super().remember(logits.chunk(2, dim=1)[0], batch, clock)

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        weak, strong = logits.chunk(2, dim=1)
        y, log_p = batch.targets, weak.log_softmax(-1)
        q = (log_p.exp() + noise_of(batch.memory["u"], batch.memory["v"], y)).clamp(min=FLOOR)
        corrected = q / q.sum(-1, keepdim=True)
        fixed = log_p.detach()
        apart = (fixed.exp() * (fixed - strong.log_softmax(-1))).sum(-1)
        even = -corrected.mean(-2, keepdim=True).clamp(min=FLOOR).log().mean(-1)  # [K, 1]
        return -(y * corrected.log()).sum(-1) + self.consistency * apart + self.balance * even
