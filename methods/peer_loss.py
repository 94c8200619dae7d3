"""Peer loss: the loss on a sample's label minus the loss on the label of another sample."""

import math

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned

FLOOR = math.log(1e-5)  # of the probabilities, which bounds the loss from below
RAMP = 20 / 300  # of the training: α rises for so long


@register("peer_loss")
class PeerLoss(Method):
    """L = [ℓ(z, y) - α ℓ(z, y')] / (1 + α), ℓ(z, k) = -log(p_k + 1e-5), y' the label of another sample of the batch.

    α is 0 for a share `warmup` of the training, then rises linearly to `alpha` over another 1/15 of it. The division by
    1 + α replaces the code's division of the learning rate; Adam's steps are the same without it.

    Source: Liu and Guo, "Peer Loss Functions: Learning from Noisy Labels without Knowing Noise Rates", ICML 2020, eq. 5
    (α = 1) and 12. Warm-up, rise and floor are those of its multi-class code, which goes on to α = 20 while its
    learning rate falls to 1e-8: with the setting's schedule every sample would end in one class. Difference: image and
    label of the peer term come from the same batch, whose labels are permuted, where the code draws two other batches.
    """

    paper = Paper(
        "Peer Loss Functions: Learning from Noisy Labels without Knowing Noise Rates",
        "Yang Liu, Hongyi Guo",
        "ICML",
        2020,
        arxiv="1910.03231",
        code="https://github.com/weijiaheng/Multi-class-Peer-Loss-functions",
    )
    family = "loss"

    alpha: float = tuned(1.0, 0.1, 2.0, valid=(0.0, 100.0), origin="paper")
    warmup: float = tuned(0.067, 0.02, 0.3, valid=(0.0, 1.0), origin="code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        log_p = logits.log_softmax(-1)
        terms = -torch.logaddexp(log_p, log_p.new_full((), FLOOR))
        other = clock.random.uniform([batch.targets.shape[-2]]).argsort()
        weight = self.alpha * ((clock.progress - self.warmup) / RAMP).clamp(0, 1)
        peers = (batch.targets[..., other, :] * terms).sum(-1)
        return ((batch.targets * terms).sum(-1) - weight * peers) / (1 + weight)
