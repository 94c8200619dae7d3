"""Active-passive loss: normalised focal loss and reverse cross-entropy."""

from torch import Tensor

from lnlbench.methods._active_passive import normalised_focal, reverse_cross_entropy
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned
from lnlbench.methods.nce_rce import NCEandRCE


@register("nfl_rce")
class NFLandRCE(Method):
    """L = α NFL + β RCE: FL_y / Σ_k FL_k with FL_k = -(1 - p_k)^γ log p_k, and -A (1 - p_y) with A = log 1e-4.

    The gradient treats every (1 - p_k)^γ as a constant, as the authors' code does.

    Source: Ma et al., "Normalized Loss Functions for Deep Learning with Noisy Labels", ICML 2020, eq. 9 and 13. Values
    as in the code of Ye et al., NeurIPS 2023; the paper's own code has β = 10 on MNIST. Difference: gradients are
    clipped only if the setting says so.
    """

    paper = NCEandRCE.paper
    family = "loss"

    alpha: float = tuned(1.0, 0.1, 100.0, log=True, valid=(0.0, 1e3), many=10.0, origin="other code")
    beta: float = tuned(1.0, 0.05, 100.0, log=True, valid=(0.0, 1e3), many=0.1, origin="other code")
    gamma: float = tuned(0.5, 0.1, 4.0, log=True, valid=(0.0, 10.0), origin="other code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        active = normalised_focal(logits, batch.targets, self.gamma)
        return self.alpha * active + self.beta * reverse_cross_entropy(logits, batch.targets)
