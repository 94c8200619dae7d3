"""VEL, variation-bounded exponential loss: its slope differs by a bounded factor between good and bad fits."""

from torch import Tensor

from lnlbench.methods._active_passive import exponential, normalised_cross_entropy
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned
from lnlbench.methods.vce import VCE


@register("vel")
class VEL(Method):
    """L = α NCE + β exp(-p_y / a). Slopes of the second term by p_y differ by a factor of at most e^{1/a}.

    Source: Wang et al., "Variation-Bounded Loss for Noise-Tolerant Learning", AAAI 2026: VEL by itself for ten classes,
    as NCE + VEL for a hundred. The second term is the AEL of Zhou et al., ICML 2021 (`nce_ael`). The values are ours:
    those of the paper's appendix were not available; β = a keeps the slope near one. Difference: gradients are clipped
    only if the setting says so.
    """

    paper = VCE.paper
    family = "loss"

    alpha: float = tuned(0.0, 0.0, 10.0, valid=(0.0, 1e3), many=10.0, origin="ours")
    beta: float = tuned(2.5, 0.05, 100.0, log=True, valid=(0.0, 1e3), origin="ours")
    a: float = tuned(2.5, 0.3, 20.0, log=True, valid=(1e-2, 1e3), origin="ours")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        bounded = exponential(logits, batch.targets, self.a)
        return self.alpha * normalised_cross_entropy(logits, batch.targets) + self.beta * bounded
