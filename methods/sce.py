"""Symmetric cross-entropy: cross-entropy and its reverse."""

from torch import Tensor

from lnlbench.methods._active_passive import reverse_cross_entropy
from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, cross_entropy, tuned


@register("sce")
class SCE(Method):
    """L = α CE + β RCE, RCE = -A (1 - p_y) with A = log 1e-4 for log 0.

    Source: Wang et al., "Symmetric Cross Entropy for Robust Learning with Noisy Labels", ICCV 2019, eq. 5 to 7. The
    paper has A = -4, its code clamps at 1e-4; as in every code, β therefore counts 2.3 times as much here as in the
    paper. α and β are the paper's for CIFAR-10 and, from 100 classes on, CIFAR-100 (MNIST there: 0.01 and 1).
    """

    paper = Paper(
        "Symmetric Cross Entropy for Robust Learning with Noisy Labels",
        "Yisen Wang, Xingjun Ma, Zaiyi Chen, Yuan Luo, Jinfeng Yi, James Bailey",
        "ICCV",
        2019,
        arxiv="1908.06112",
        code="https://github.com/YisenWang/symmetric_cross_entropy_for_noisy_labels",
    )
    family = "loss"

    alpha: float = tuned(0.1, 0.01, 10.0, log=True, valid=(0.0, 1e3), many=6.0, origin="paper")
    beta: float = tuned(1.0, 0.01, 10.0, log=True, valid=(0.0, 1e3), many=0.1, origin="paper")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        fit = cross_entropy(logits, batch.targets)
        return self.alpha * fit + self.beta * reverse_cross_entropy(logits, batch.targets)
