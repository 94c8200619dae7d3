"""SOP: the noise of each label is learnt along with the network, by variables of each sample that stay sparse."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Task, tuned

START = 1e-8  # of u and v: so small that only what pushes them for long makes them count
FLOOR = 1e-4  # of what enters the logarithm


@register("sop")
class SOP(Method):
    """L = -Σ_k y_k log r_k, r = q / Σ q, q = p + s, with s = u² y - v² (1 - y): one u and C values v per sample.

    u minimises L, v the squared error ‖ŷ + s - y‖² of the one-hot prediction ŷ; both by plain SGD on the mean over the
    batch, starting at 1e-8 and with magnitudes clamped to [1e-8, 1]:

        ∂L/∂u = 2 u Σ_k y_k (Σ_j y_j / Σ_j q_j - y_k / q_k),  ∂/∂v_k = -4 v_k (1 - y_k) (ŷ_k + s_k - y_k).

    q is clamped at 1e-4, below which its gradient is zero, as in the code: a label that the network finds less probable
    than that does not move u.

    Source: Liu et al., "Robust Training under Label Noise by Over-parameterization", ICML 2022, algorithm 1; rates of
    CIFAR-10 and, from 100 classes on, CIFAR-100 under symmetric noise, in batches of 128. Differences: u and v move by
    rate / B at each visit, and the rates do not follow B, so that in batches of 64 a visit moves them twice as far; u
    and v start at 1e-8, not at random values of that standard deviation; they are updated before the network's loss
    uses them; a v of 1 can decrease again when the prediction changes, if `lr_v` is below half the batch size; there is
    neither a consistency nor a balance term (see `sop_plus`). The published code departs from the algorithm: its u
    minimises the squared error as well, so that a label which the network contradicts raises u by a gradient of -4 u
    even below the floor (another version of the code cuts that off).
    """

    paper = Paper(
        "Robust Training under Label Noise by Over-parameterization",
        "Sheng Liu, Zhihui Zhu, Qing Qu, Chong You",
        "ICML",
        2022,
        arxiv="2202.14026",
        code="https://github.com/shengliu66/SOP",
    )
    family = "correction"

    lr_u: float = tuned(10.0, 0.1, 100.0, log=True, valid=(0.0, 1e4), many=1.0, origin="paper")
    lr_v: float = tuned(10.0, 0.1, 100.0, log=True, valid=(0.0, 1e4), origin="paper")

    def start(self, task: Task) -> dict[str, Tensor]:
        size, classes = task.targets.shape
        u, v = (task.targets.new_full((task.networks, size, width), START) for width in (1, classes))
        return {"u": u, "v": v}

    def remember(self, logits: Tensor, batch: Batch, clock: Clock) -> dict[str, Tensor]:
        y, u, v = batch.targets, batch.memory["u"], batch.memory["v"]
        noise = noise_of(u, v, y)
        raw = logits.softmax(-1) + noise
        q = raw.clamp(min=FLOOR)
        slope = y.sum(-1, keepdim=True) / q.sum(-1, keepdim=True) - y / q  # of L by q
        of_u = 2 * u * (y * slope * (raw >= FLOOR)).sum(-1, keepdim=True)
        classes = torch.arange(logits.shape[-1], device=logits.device)
        predicted = (classes == logits.argmax(-1, keepdim=True)).to(logits.dtype)
        of_v = -4 * v * (1 - y) * (predicted + noise - y)
        size = logits.shape[-2]
        # Only squares count, so that a sign does not; at zero a variable would stay for ever.
        return {
            "u": (u - self.lr_u / size * of_u).abs().clamp(START, 1),
            "v": (v - self.lr_v / size * of_v).abs().clamp(START, 1),
        }

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        y = batch.targets
        q = (logits.softmax(-1) + noise_of(batch.memory["u"], batch.memory["v"], y)).clamp(min=FLOOR)
        return -(y * (q / q.sum(-1, keepdim=True)).log()).sum(-1)


def noise_of(u: Tensor, v: Tensor, targets: Tensor) -> Tensor:
    """Return u² y - v² (1 - y), the label's noise, from u [..., 1], v [..., C] and label weights [..., C]."""
    return u.square() * targets - v.square() * (1 - targets)
