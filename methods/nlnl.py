"""Negative learning: the network is told what a sample is not."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Task, tuned


@register("nlnl")
class NLNL(Method):
    """L = -w_y Σ_n log(1 - p_n) over N complementary labels, drawn at each step from the C - 1 other classes.

    w_y is the count of the most frequent given label in the training set, divided by that of y. The draws are summed,
    not averaged: with one draw training takes hundreds of epochs, and with far more draws than classes steps are larger
    by as much. A soft target counts as its largest class.

    Source: Kim et al., "NLNL: Negative Learning for Noisy Labels", ICCV 2019, eq. 2: negative learning alone, without
    the selective and the semi-supervised phase; w_y is from its code. N = 110 for 100 classes as in that code, and 10
    for ten: about one draw per class. DAL's code (2023) has 110 for all data sets. Unlike in both, 1 - p is not clamped
    at 1e-5.
    """

    paper = Paper(
        "NLNL: Negative Learning for Noisy Labels",
        "Youngdong Kim, Junho Yim, Juseung Yun, Junmo Kim",
        "ICCV",
        2019,
        arxiv="1908.07387",
        code="https://github.com/ydkim1293/NLNL-Negative-Learning-for-Noisy-Labels",
    )
    family = "loss"

    revision = 2  # the first weighted all labels alike

    complements: int = tuned(10, choices=(1, 10, 110), many=110, origin="ours")

    def start(self, task: Task) -> dict[str, Tensor]:
        counts = task.targets.sum(0)  # [C]
        weight = task.targets @ (counts.max() / counts.clamp(min=1))
        return {"label_weight": weight.expand(task.networks, -1).clone()}

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        classes, given = logits.shape[-1], batch.targets.argmax(-1)
        shift = 1 + clock.random.integers(classes - 1, [given.shape[-1], self.complements])
        other = (given.unsqueeze(-1) + shift) % classes  # [..., B, N]
        missing = log_one_minus(logits)
        drawn = missing.gather(-1, other.expand(*missing.shape[:-1], -1)).sum(-1)
        return -batch.memory["label_weight"] * drawn


def log_one_minus(logits: Tensor) -> Tensor:
    """Return log(1 - p) for every class [..., C], also where p rounds to 1."""
    log_p = logits.log_softmax(-1)
    top = torch.arange(logits.shape[-1], device=logits.device) == logits.argmax(-1, keepdim=True)
    below = torch.log1p(-log_p.masked_fill(top, -torch.inf).exp())  # p <= 1/2 here
    rest = log_p.masked_fill(top, -torch.inf).logsumexp(-1, keepdim=True)
    return torch.where(top, rest, below)
