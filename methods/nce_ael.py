"""Active-passive loss: normalised cross-entropy and the asymmetric exponential loss."""

from torch import Tensor

from lnlbench.methods._active_passive import exponential, normalised_cross_entropy
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned
from lnlbench.methods.nce_agce import NCEandAGCE


@register("nce_ael")
class NCEandAEL(Method):
    """L = α NCE + β AEL: log p_y / Σ log p_k, and exp(-p_y / a).

    Source: Zhou et al., "Asymmetric Loss Functions for Learning with Noisy Labels", ICML 2021, section 5, with the
    values of its code for CIFAR-10 and, from 100 classes on, CIFAR-100 (MNIST there: α 0, β 1, a 3.5). Difference:
    gradients are clipped only if the setting says so.
    """

    paper = NCEandAGCE.paper
    family = "loss"

    alpha: float = tuned(1.0, 0.1, 100.0, log=True, valid=(0.0, 1e3), many=10.0, origin="code")
    beta: float = tuned(4.0, 0.05, 100.0, log=True, valid=(0.0, 1e3), many=0.1, origin="code")
    a: float = tuned(5.0, 0.5, 10.0, log=True, valid=(1e-2, 1e3), many=1.5, origin="code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        active = normalised_cross_entropy(logits, batch.targets)
        return self.alpha * active + self.beta * exponential(logits, batch.targets, self.a)
