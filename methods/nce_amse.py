"""JAL, joint asymmetric loss: normalised cross-entropy and an asymmetric squared error."""

from torch import Tensor

from lnlbench.methods._active_passive import asymmetric_squared_error, normalised_cross_entropy
from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, tuned


@register("nce_amse")
class NCEandAMSE(Method):
    """L = α NCE + β AMSE: log p_y / Σ log p_k, and ‖a e_y - p‖₂² / C.

    Source: Wang et al., "Joint Asymmetric Loss for Learning with Noisy Labels", ICCV 2025 (JAL-CE), with its values for
    CIFAR-10 and, from 100 classes on, CIFAR-100. Difference: gradients are clipped only if the setting says so.
    """

    paper = Paper(
        "Joint Asymmetric Loss for Learning with Noisy Labels",
        "Jialiang Wang, Xianming Liu, Xiong Zhou, Gangfeng Hu, Deming Zhai, Junjun Jiang, Xiangyang Ji",
        "ICCV",
        2025,
        arxiv="2507.17692",
        code="https://github.com/cswjl/joint-asymmetric-loss",
    )
    family = "loss"

    alpha: float = tuned(1.0, 0.1, 100.0, log=True, valid=(0.0, 1e3), many=5.0, origin="paper")
    beta: float = tuned(1.0, 0.05, 100.0, log=True, valid=(0.0, 1e3), origin="paper")
    a: float = tuned(30.0, 1.0, 100.0, log=True, valid=(0.0, 1e4), many=20.0, origin="paper")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        active = normalised_cross_entropy(logits, batch.targets)
        return self.alpha * active + self.beta * asymmetric_squared_error(logits, batch.targets, self.a)
