"""Variants of DAL: other schedules of q, and other bootstrapping terms."""

import math

import torch
from torch import Tensor

from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, tuned
from lnlbench.methods.dal import DAL
from lnlbench.methods.gce import box_cox
from lnlbench.methods.hard_bootstrapping import predicted_cross_entropy
from lnlbench.methods.soft_bootstrapping import entropy

STEPS = 3


@register("dal_variant")
class DALVariant(DAL):
    """DAL with another schedule of q: "cosine", "exponential", or three equal "step"s; "linear" is DAL.

    `bootstrap` is the term of the second phase: "soft" (the entropy, DAL), "hard" (-log max p), or "none".

    Source: Li et al., "Dynamics-Aware Loss for Learning with Label Noise", Pattern Recognition 2023 (arXiv 2303.11562),
    eq. 7 to 9; the other schedules are what the paper leaves open, the hard term is that of Reed et al. 2015, eq. 7.
    """

    schedule_of_q: str = tuned("cosine", choices=("linear", "cosine", "exponential", "step"), origin="ours")
    bootstrap: str = tuned("soft", choices=("none", "soft", "hard"), origin="paper")

    def schedule(self, progress: Tensor) -> tuple[Tensor, Tensor]:
        """Return q and λ at a share of the training length; λ follows q, as in DAL."""
        if self.schedule_of_q == "exponential":
            q = self.q_s * (self.q_e / self.q_s) ** progress
        else:
            q = self.q_s + (self.q_e - self.q_s) * self.moved(progress)
        beyond = torch.relu(q - 1)
        return q, self.lambda_max * beyond / (beyond + torch.relu(self.q_e - q) + 1e-12)

    def moved(self, progress: Tensor) -> Tensor:
        """Return how far q has moved from q_s to q_e, in [0, 1]."""
        if self.schedule_of_q == "cosine":
            return (1 - torch.cos(math.pi * progress)) / 2
        if self.schedule_of_q == "step":
            return torch.floor(STEPS * progress).clamp(max=STEPS - 1) / (STEPS - 1)
        return progress

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        q, weight = self.schedule(clock.progress)
        fit = (batch.targets * box_cox(logits, q)).sum(-1)
        if self.bootstrap == "none":
            return fit
        term = entropy(logits) if self.bootstrap == "soft" else predicted_cross_entropy(logits)
        return fit + weight * term / (q * math.log(logits.shape[-1]))
