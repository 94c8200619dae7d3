"""DAL: a loss that moves from fitting towards robustness during training, with an entropy term in the second phase."""

import math

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned
from lnlbench.methods.gce import box_cox
from lnlbench.methods.soft_bootstrapping import entropy


@register("dal")
class DAL(Method):
    """GCE whose q grows with the epoch t, plus the entropy of the prediction as soon as q exceeds 1.

    q_t = q_s + (q_e - q_s) t / T, λ_t = λ max(0, (t - t0) / (T - t0)) with t0 the epoch at which q = 1,
    L = (1 - p_y^{q_t}) / q_t + λ_t H(p) / (q_t ln C).

    Source: Li et al., "Dynamics-Aware Loss for Learning with Label Noise", Pattern Recognition 2023
    (arXiv 2303.11562), eq. 7 to 9, as in the official code: t counts from 0 and the schedule moves once per epoch.
    Differs from that code in the entropy, -Σ p log p from log-softmax instead of log(p + 1e-6).
    """

    paper = Paper(
        "Dynamics-Aware Loss for Learning with Label Noise",
        "Xiu-Chuan Li, Xiaobo Xia, Fei Zhu, Tongliang Liu, Xu-Yao Zhang, Cheng-Lin Liu",
        "Pattern Recognition",
        2023,
        arxiv="2303.11562",
        code="https://github.com/XiuchuanLi/DAL",
    )
    family = "loss"

    q_s: float = tuned(0.6, 0.1, 0.9, valid=(1e-3, 2.0), origin="code")
    q_e: float = tuned(1.5, 1.0, 2.5, valid=(1e-3, 4.0), above="q_s", origin="code")
    lambda_max: float = tuned(1.0, 0.0, 2.0, valid=(0.0, 10.0), origin="code")

    def schedule(self, progress: Tensor) -> tuple[Tensor, Tensor]:
        """Return q and λ at a share of the training length."""
        q = self.q_s + (self.q_e - self.q_s) * progress
        beyond = torch.relu(q - 1)
        # (t - t0) / (T - t0) = (q - 1) / (q_e - 1), written so that q_e <= 1 needs no case of its own
        return q, self.lambda_max * beyond / (beyond + self.q_e - q)

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        q, weight = self.schedule(clock.progress)
        fit = (batch.targets * box_cox(logits, q)).sum(-1)
        return fit + weight * entropy(logits) / (q * math.log(logits.shape[-1]))
