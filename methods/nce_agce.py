"""Active-passive loss: normalised cross-entropy and an asymmetric GCE."""

from torch import Tensor

from lnlbench.methods._active_passive import asymmetric_gce, normalised_cross_entropy
from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned


@register("nce_agce")
class NCEandAGCE(Method):
    """L = α NCE + β AGCE: log p_y / Σ log p_k, and [(a + 1)^q - (a + p_y)^q] / q.

    Source: Zhou et al., "Asymmetric Loss Functions for Learning with Noisy Labels", ICML 2021, section 5; values of its
    code for CIFAR-10 and, from 100 classes on, CIFAR-100 (MNIST there: α 0, β 1, a 4, q 0.2). Difference: gradients are
    clipped only if the setting says so.
    """

    paper = Paper(
        "Asymmetric Loss Functions for Learning with Noisy Labels",
        "Xiong Zhou, Xianming Liu, Junjun Jiang, Xin Gao, Xiangyang Ji",
        "ICML",
        2021,
        arxiv="2106.03110",
        code="https://github.com/hitcszx/ALFs",
    )
    family = "loss"

    alpha: float = tuned(1.0, 0.1, 100.0, log=True, valid=(0.0, 1e3), many=10.0, origin="code")
    beta: float = tuned(4.0, 0.05, 100.0, log=True, valid=(0.0, 1e3), many=0.1, origin="code")
    a: float = tuned(6.0, 0.1, 8.0, valid=(1e-6, 100.0), many=1.8, origin="code")
    q: float = tuned(1.5, 0.5, 4.0, valid=(1e-3, 10.0), many=3.0, origin="code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        active = normalised_cross_entropy(logits, batch.targets)
        return self.alpha * active + self.beta * asymmetric_gce(logits, batch.targets, self.a, self.q)
