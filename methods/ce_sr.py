"""Cross-entropy with sparse regularisation: predictions are pulled towards one class."""

from torch import Tensor
from torch.nn.functional import normalize

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, cross_entropy, tuned


@register("ce_sr")
class SparseCE(Method):
    """L = CE + λ_t Σ_k p_k^{power}, both of p = softmax(z / (τ ‖z‖₂)); λ grows geometrically, `growth`-fold in all.

    The loss does not depend on the norm ‖z‖₂ of the logits; how small it can become is bounded by τ.

    Source: Zhou et al., "Learning with Noisy Labels via Sparse Regularization", ICCV 2021, section 3.3, with the values
    of its code, τ = 0.5; for CIFAR-10 power 0.1 and λ = 1.2, multiplied by 1.03 in each of 120 epochs, 34.7 in all; for
    CIFAR-100 (here from 100 classes on) power 0.01 and λ = 10 (4 under asymmetric noise), multiplied by 1.02 in each of
    200 epochs, 52.5 in all. On MNIST that code does not normalise the logits and has τ = 0.1, power 0.1 and λ = 4,
    doubled every 5 of 50 epochs. DAL's code (2023) always normalises, with power 0.01 and λ = 8, multiplied by 1.02 in
    each of 150 epochs. Unlike in both, p is not clamped (at 1e-7 and 1e-6).
    """

    paper = Paper(
        "Learning with Noisy Labels via Sparse Regularization",
        "Xiong Zhou, Xianming Liu, Chenyang Wang, Deming Zhai, Junjun Jiang, Xiangyang Ji",
        "ICCV",
        2021,
        arxiv="2108.00192",
        code="https://github.com/hitcszx/lnl_sr",
    )
    family = "loss"

    revision = 2  # the first did not divide by the length of the logits

    temperature: float = tuned(0.5, 0.1, 1.0, log=True, valid=(1e-2, 10.0), origin="code")
    power: float = tuned(0.1, 0.01, 1.0, log=True, valid=(1e-4, 1.0), many=0.01, origin="code")
    lam: float = tuned(1.2, 0.1, 20.0, log=True, valid=(0.0, 1e3), many=10.0, origin="code")
    growth: float = tuned(34.7, 1.0, 100.0, log=True, valid=(1.0, 1e4), many=52.5, origin="code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        sharp = normalize(logits, dim=-1) / self.temperature
        norm = (self.power * sharp.log_softmax(-1)).exp().sum(-1)
        return cross_entropy(sharp, batch.targets) + self.lam * self.growth**clock.progress * norm
