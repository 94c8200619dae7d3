"""Co-teaching: two networks, each trained on the samples that the other one finds easy."""

from torch import Tensor

from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock
from lnlbench.methods.small_loss import SmallLoss


@register("co_teaching")
class CoTeaching(SmallLoss):
    """Small-loss selection by two networks, each trained on the selection of the other.

    Source: Han et al., "Co-teaching: Robust Training of Deep Neural Networks with Extremely Noisy Labels", NeurIPS
    2018, algorithm 1. Differences: optimiser and schedule are those of the setting, as for every method; the loss is
    divided by the number of kept samples only once.
    """

    networks = 2

    def select(self, losses: Tensor, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        return super().select(losses, logits, batch, clock).flip(0)
