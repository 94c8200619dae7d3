"""ε-softmax: cross-entropy of a prediction that is nearly one-hot, and the mean absolute error."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned
from lnlbench.methods.gce import box_cox


@register("ce_eps_mae")
class EpsilonSoftmax(Method):
    """L = -α log p^ε_y + β MAE, p^ε = (p + m e_top) / (m + 1), e_top one-hot at the largest p; MAE = 2 (1 - p_y).

    Source: Wang et al., "ε-Softmax: Approximating One-Hot Vectors for Mitigating Label Noise", NeurIPS 2024, eq. 2 and
    section 3.3 (CE_ε + MAE); values of its code for symmetric noise: (α, β, m) = (0.01, 5, 1e5) on CIFAR-10, and, from
    100 classes on, (0.03, 1, 1e4), those of CIFAR-100 at 0.4. For asymmetric noise it has (0.02, 5, 1e3) and, on
    CIFAR-100 at 0.4, (0.004, 1, 1e2). Difference: p^ε is not clamped at 1e-8, which in the code cuts off the gradient
    of cross-entropy below p_y = 1e-8 (m + 1).
    """

    paper = Paper(
        "ε-Softmax: Approximating One-Hot Vectors for Mitigating Label Noise",
        "Jialiang Wang, Xiong Zhou, Deming Zhai, Junjun Jiang, Xiangyang Ji, Xianming Liu",
        "NeurIPS",
        2024,
        arxiv="2508.02387",
        code="https://github.com/cswjl/eps-softmax",
    )
    family = "loss"

    alpha: float = tuned(0.01, 1e-3, 1.0, log=True, valid=(0.0, 1e3), many=0.03, origin="code")
    beta: float = tuned(5.0, 0.1, 10.0, log=True, valid=(0.0, 1e3), many=1.0, origin="code")
    m: float = tuned(1e5, 1e1, 1e6, log=True, valid=(0.0, 1e9), many=1e4, origin="code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        absolute = 2 * (batch.targets * box_cox(logits, 1.0)).sum(-1)
        return self.alpha * -(batch.targets * log_nearly_one_hot(logits, self.m)).sum(-1) + self.beta * absolute


def log_nearly_one_hot(logits: Tensor, m: Tensor | float) -> Tensor:
    """Return log p^ε [..., C]: log(1 - (1 - p) / (m + 1)) for the largest class, log p - log(m + 1) for the others."""
    log_p = logits.log_softmax(-1)
    top = torch.arange(logits.shape[-1], device=logits.device) == logits.argmax(-1, keepdim=True)
    share = log_p.new_ones(()) / (m + 1)
    return torch.where(top, torch.log1p(share * torch.expm1(log_p)), log_p + share.log())
