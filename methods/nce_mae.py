"""Active-passive loss: normalised cross-entropy and the mean absolute error."""

from torch import Tensor

from lnlbench.methods._active_passive import mean_absolute_error, normalised_cross_entropy
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned
from lnlbench.methods.nce_rce import NCEandRCE


@register("nce_mae")
class NCEandMAE(Method):
    """L = α NCE + β MAE: log p_y / Σ log p_k, and 1 - p_y, half of ‖y - p‖₁ as in the codes that β is taken from.

    Source: Ma et al., "Normalized Loss Functions for Deep Learning with Noisy Labels", ICML 2020, eq. 8 and 13; α, β of
    its code for CIFAR-10 and, from 100 classes on, CIFAR-100 (MNIST there: β 10). Difference: gradients are clipped
    only if the setting says so.
    """

    paper = NCEandRCE.paper
    family = "loss"

    revision = 2  # the first took ‖y - p‖₁ itself, twice as much

    alpha: float = tuned(1.0, 0.1, 100.0, log=True, valid=(0.0, 1e3), many=10.0, origin="code")
    beta: float = tuned(1.0, 0.05, 100.0, log=True, valid=(0.0, 1e3), origin="code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        active = normalised_cross_entropy(logits, batch.targets)
        return self.alpha * active + self.beta * mean_absolute_error(logits, batch.targets)
