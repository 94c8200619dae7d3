"""The Jensen-Shannon divergence between label and prediction: between cross-entropy and MAE."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned


@register("js")
class JensenShannon(Method):
    """L = [π KL(y‖m) + (1 - π) KL(p‖m)] / Z, m = π y + (1 - π) p, Z = -(1 - π) log(1 - π).

    Source: Englesson and Azizpour, "Generalized Jensen-Shannon Divergence Loss for Learning with Noisy Labels", NeurIPS
    2021, eq. 1 to 3, with one view of each image: the paper's JS, not its GJS of several views (`gjs`). Difference: the
    view is a weak one, in the authors' scripts for CIFAR a strong one (RandAugment and cutout). π = 0.5 is the value of
    DAL's code (2023) for all data sets; the authors' own code has, on CIFAR-10 at rate 0.4, 0.7 under symmetric and 0.3
    under asymmetric noise, and on CIFAR-100 0.3 under symmetric noise.
    """

    paper = Paper(
        "Generalized Jensen-Shannon Divergence Loss for Learning with Noisy Labels",
        "Erik Englesson, Hossein Azizpour",
        "NeurIPS",
        2021,
        arxiv="2105.04522",
        code="https://github.com/ErikEnglesson/GJS",
    )
    family = "loss"

    pi: float = tuned(0.5, 0.1, 0.9, valid=(1e-3, 0.999), origin="other code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        log_p = logits.log_softmax(-1)
        p, missing = log_p.exp(), -torch.expm1(log_p)
        rest = torch.log1p(logits.new_zeros(()) - self.pi)  # log(1 - π): every class but y has m = (1 - π) p
        log_m = torch.log1p(-(1 - self.pi) * missing)  # of the label: π + (1 - π) p
        divergence = -self.pi * log_m + (1 - self.pi) * (p * (log_p - log_m) - missing * rest)
        return (batch.targets * divergence).sum(-1) / (-(1 - self.pi) * rest)
