"""Active-passive loss: normalised cross-entropy and the asymmetric unhinged loss."""

from torch import Tensor

from lnlbench.methods._active_passive import asymmetric_unhinged, normalised_cross_entropy
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned
from lnlbench.methods.nce_agce import NCEandAGCE


@register("nce_aul")
class NCEandAUL(Method):
    """L = α NCE + β AUL: log p_y / Σ log p_k, and [(a - p_y)^q - (a - 1)^q] / q with a > 1.

    Source: Zhou et al., "Asymmetric Loss Functions for Learning with Noisy Labels", ICML 2021, section 5, with the
    values of its code for CIFAR-10 and, from 100 classes on, CIFAR-100 (MNIST there: α 0, β 1, a 3, q 0.1). Difference:
    gradients are clipped only if the setting says so.
    """

    paper = NCEandAGCE.paper
    family = "loss"

    alpha: float = tuned(1.0, 0.1, 100.0, log=True, valid=(0.0, 1e3), many=10.0, origin="code")
    beta: float = tuned(4.0, 0.01, 100.0, log=True, valid=(0.0, 1e3), many=0.015, origin="code")
    a: float = tuned(6.3, 1.1, 10.0, valid=(1.001, 100.0), many=6.0, origin="code")
    q: float = tuned(1.5, 0.1, 4.0, valid=(1e-3, 10.0), many=3.0, origin="code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        active = normalised_cross_entropy(logits, batch.targets)
        return self.alpha * active + self.beta * asymmetric_unhinged(logits, batch.targets, self.a, self.q)
