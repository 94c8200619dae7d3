"""Active-passive loss: normalised cross-entropy and reverse cross-entropy."""

from torch import Tensor

from lnlbench.methods._active_passive import normalised_cross_entropy, reverse_cross_entropy
from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned


@register("nce_rce")
class NCEandRCE(Method):
    """L = α NCE + β RCE: log p_y / Σ log p_k, and -A (1 - p_y) with A = log 1e-4.

    Source: Ma et al., "Normalized Loss Functions for Deep Learning with Noisy Labels", ICML 2020, eq. 8 and 13; α, β of
    its code for CIFAR-10 and, from 100 classes on, CIFAR-100 (MNIST there: β 10). Difference: gradients are clipped
    only if the setting says so.
    """

    paper = Paper(
        "Normalized Loss Functions for Deep Learning with Noisy Labels",
        "Xingjun Ma, Hanxun Huang, Yisen Wang, Simone Romano, Sarah Erfani, James Bailey",
        "ICML",
        2020,
        arxiv="2006.13554",
        code="https://github.com/HanxunH/Active-Passive-Losses",
    )
    family = "loss"

    alpha: float = tuned(1.0, 0.1, 100.0, log=True, valid=(0.0, 1e3), many=10.0, origin="code")
    beta: float = tuned(1.0, 0.05, 100.0, log=True, valid=(0.0, 1e3), many=0.1, origin="code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        active = normalised_cross_entropy(logits, batch.targets)
        return self.alpha * active + self.beta * reverse_cross_entropy(logits, batch.targets)
