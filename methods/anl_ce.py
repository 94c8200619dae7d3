"""Active negative loss: normalised cross-entropy and its negative counterpart, with an L1 penalty on the weights."""

from collections.abc import Callable

from torch import Tensor

from lnlbench.methods._active_passive import normalised_cross_entropy
from lnlbench.methods._negative import negative_cross_entropy, with_l1
from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Params, tuned


@register("anl_ce")
class ActiveNegativeCE(Method):
    """L = α NCE + β NNCE + δ ‖w‖₁, NNCE = 1 - (A + log p_y) / Σ_k (A + log p_k) with A = -log 1e-7.

    In NNCE log p is clamped at -A, below which its gradient is zero. The penalty covers all parameters, including
    biases.

    Source: Ye et al., "Active Negative Loss Functions for Learning with Noisy Labels", NeurIPS 2023, with the values of
    its code for CIFAR-10 and, from 100 classes on, CIFAR-100; on MNIST it has (α, β, δ) = (1, 1, 1e-6). Differences:
    the setting's weight decay is kept in addition to the penalty, which replaces it in the code; gradients are clipped
    only if the setting says so. The reported objective does not include the penalty.
    """

    paper = Paper(
        "Active Negative Loss Functions for Learning with Noisy Labels",
        "Xichen Ye, Xiaoqiang Li, Songmin Dai, Tong Liu, Yan Sun, Weiqin Tong",
        "NeurIPS",
        2023,
        url="https://papers.nips.cc/paper_files/paper/2023/hash/15f4cefb0e143c7ad9d40e879b0a9d0c-Abstract-Conference.html",
        code="https://github.com/Virusdoll/Active-Negative-Loss",
    )
    family = "loss"

    alpha: float = tuned(5.0, 0.1, 100.0, log=True, valid=(0.0, 1e3), many=10.0, origin="code")
    beta: float = tuned(5.0, 0.1, 100.0, log=True, valid=(0.0, 1e3), many=1.0, origin="code")
    delta: float = tuned(5e-5, 1e-7, 1e-3, log=True, valid=(0.0, 1.0), many=5e-7, origin="code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        active = normalised_cross_entropy(logits, batch.targets)
        return self.alpha * active + self.beta * negative_cross_entropy(logits, batch.targets)

    def gradient(self, grads_at: Callable[[Params], Params], params: Params, batch: Batch, clock: Clock) -> Params:
        return with_l1(grads_at(params), params, self.delta)
