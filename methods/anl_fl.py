"""Active negative loss: normalised focal loss and its negative counterpart, with an L1 penalty on the weights."""

from torch import Tensor

from lnlbench.methods._active_passive import normalised_focal
from lnlbench.methods._negative import negative_focal
from lnlbench.methods._registry import register
from lnlbench.methods.anl_ce import ActiveNegativeCE
from lnlbench.methods.base import Batch, Clock, tuned


@register("anl_fl")
class ActiveNegativeFocal(ActiveNegativeCE):
    """L = α NFL + β NNFL + δ ‖w‖₁, NNFL = 1 - (A - FL_y) / Σ_k (A - FL_k), FL_k = -(1 - p_k)^γ log p_k, A at p = 1e-7.

    The gradient treats every (1 - p_k)^γ as a constant, as the authors' code does.

    Source: Ye et al., "Active Negative Loss Functions for Learning with Noisy Labels", NeurIPS 2023, with the values of
    its code; the differences are those of `anl_ce`.
    """

    gamma: float = tuned(0.5, 0.1, 4.0, log=True, valid=(0.0, 10.0), origin="code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        active = normalised_focal(logits, batch.targets, self.gamma)
        return self.alpha * active + self.beta * negative_focal(logits, batch.targets, self.gamma)
