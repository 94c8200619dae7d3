"""Taylor cross-entropy: the first terms of the series of -log p."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned


@register("taylor_ce")
class TaylorCE(Method):
    """L = Σ_{i=1}^{t} (1 - p_y)^i / i: MAE for t = 1, cross-entropy for t → ∞.

    Source: Feng et al., "Can Cross Entropy Loss Be Robust to Label Noise?", IJCAI 2020, eq. 4. The order is that of
    the reference losses in DAL's code (2023).
    """

    paper = Paper(
        "Can Cross Entropy Loss Be Robust to Label Noise?",
        "Lei Feng, Senlin Shu, Zhuoyi Lin, Fengmao Lv, Li Li, Bo An",
        "IJCAI",
        2020,
        url="https://www.ijcai.org/Proceedings/2020/0305.pdf",
    )
    family = "loss"

    order: int = tuned(18, 1, 30, valid=(1, 100), origin="other code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        missing = -torch.expm1(logits.log_softmax(-1))  # 1 - p
        series = torch.zeros_like(missing)
        for i in range(self.order, 0, -1):
            series = missing * (1 / i + series)
        return (batch.targets * series).sum(-1)
