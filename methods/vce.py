"""VCE, variation-bounded cross-entropy: its slope differs by a bounded factor between good and bad fits."""

from torch import Tensor

from lnlbench.methods._active_passive import normalised_cross_entropy
from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned


@register("vce")
class VCE(Method):
    """L = α NCE - β log(a + p_y). Slopes of the second term by p_y differ by a factor of at most (a + 1) / a.

    Source: Wang et al., "Variation-Bounded Loss for Noise-Tolerant Learning", AAAI 2026: VCE by itself for ten classes,
    as NCE + VCE for a hundred. The values are ours: those of the paper's appendix were not available; a = 4 is one of
    the two values of its first figure. Difference: gradients are clipped only if the setting says so.
    """

    paper = Paper(
        "Variation-Bounded Loss for Noise-Tolerant Learning",
        "Jialiang Wang, Xiong Zhou, Xianming Liu, Gangfeng Hu, Deming Zhai, Junjun Jiang, Haoliang Li",
        "AAAI",
        2026,
        arxiv="2511.12143",
        code="https://github.com/cswjl/variation-bounded-loss",
    )
    family = "loss"

    alpha: float = tuned(0.0, 0.0, 10.0, valid=(0.0, 1e3), many=10.0, origin="ours")
    beta: float = tuned(1.0, 0.05, 100.0, log=True, valid=(0.0, 1e3), origin="ours")
    a: float = tuned(4.0, 0.1, 20.0, log=True, valid=(1e-3, 1e3), origin="ours")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        bounded = -(batch.targets * (self.a + logits.softmax(-1)).log()).sum(-1)
        return self.alpha * normalised_cross_entropy(logits, batch.targets) + self.beta * bounded
