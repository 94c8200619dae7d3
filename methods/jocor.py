"""JoCoR: two networks that are trained as one, on the samples on which they agree and that both find easy."""

from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, cross_entropy, tuned
from lnlbench.methods.small_loss import SmallLoss


@register("jocor")
class JoCoR(SmallLoss):
    """L = (1 - λ) (CE₁ + CE₂) + λ (KL(p₁‖p₂) + KL(p₂‖p₁)), on the small-loss share of the batch by this joint loss.

    Each network is given half of the joint loss, so that their sum, from which both step, is L.

    Source: Wei et al., "Combating Noisy Labels by Agreement: A Joint Training Method with Co-Regularization", CVPR
    2020, eq. 1 to 4, algorithm 1. Differences: λ is the same for all data and noise, that of CIFAR-100 in the README of
    its code, which has 0.9 for CIFAR-10 with 20 % or 50 % of symmetric or 40 % of asymmetric noise and 0.65 with 80 %,
    and 0.1 where it is not given; optimiser and schedule are those of the setting.
    """

    paper = Paper(
        "Combating noisy labels by agreement: A joint training method with co-regularization",
        "Hongxin Wei, Lei Feng, Xiangyu Chen, Bo An",
        "CVPR",
        2020,
        arxiv="2003.02752",
        code="https://github.com/hongxin001/JoCoR",
    )

    networks = 2

    lam: float = tuned(0.85, 0.5, 0.95, valid=(0.0, 1.0), origin="code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        supervised = cross_entropy(logits, batch.targets).sum(0)
        logs = logits.log_softmax(-1)
        # KL(p₁‖p₂) + KL(p₂‖p₁) = Σ (p₁ - p₂)(log p₁ - log p₂): finite wherever the logits are.
        divergence = ((logs[0].exp() - logs[1].exp()) * (logs[0] - logs[1])).sum(-1)
        joint = (1 - self.lam) * supervised + self.lam * divergence
        return (joint / 2).expand(2, -1)
