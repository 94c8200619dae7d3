"""VolMinNet: forward correction with a learnt transition matrix, of the smallest simplex that fits the labels."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Task, tuned
from lnlbench.methods.forward import log_noisy

FIRST, SECOND, EPSILON = 0.9, 0.999, 1e-8  # of Adam
DROPS = (30 / 80, 60 / 80)  # of the training: where the matrix's learning rate is divided by ten


@register("volminnet")
class VolMinNet(Method):
    """L = -log Σ_i p_i T_{iy} + λ log det T; T is I + sigmoid(w) off the diagonal, its rows divided by their sums.

    w minimises L along with the network, by Adam with its own learning rate `lr`, divided by ten after 3/8 and 6/8 of
    the training; all its entries start at -`start_at`.

    Source: Li et al., "Provably End-to-end Label-Noise Learning without Anchor Points", ICML 2021, eq. 5, with λ,
    parametrisation and values of its code, from 100 classes on its start for CIFAR-100. The code has Adam for w on
    MNIST and CIFAR-100, SGD of the same rate on CIFAR-10, by which w hardly moves in a short training; the two drops
    are those of CIFAR, and on MNIST it has none. Difference: w is updated before the network's loss uses it. The
    reported objective does not include λ log det T.
    """

    paper = Paper(
        "Provably End-to-end Label-noise Learning without Anchor Points",
        "Xuefeng Li, Tongliang Liu, Bo Han, Gang Niu, Masashi Sugiyama",
        "ICML",
        2021,
        arxiv="2102.02400",
        code="https://github.com/xuefeng-li1/Provably-end-to-end-label-noise-learning-without-anchor-points",
    )
    family = "correction"
    revision = 2  # the first had SGD for w

    lam: float = tuned(1e-4, 1e-5, 1e-2, log=True, valid=(0.0, 10.0), origin="code")
    lr: float = tuned(0.01, 1e-3, 0.1, log=True, valid=(0.0, 100.0), origin="code")
    start_at: float = tuned(2.0, 1.0, 6.0, valid=(0.0, 20.0), many=4.5, origin="code")

    def carry(self, task: Task) -> dict[str, Tensor]:
        zeros = task.targets.new_zeros(task.networks, *[task.targets.shape[-1]] * 2)
        return {"w": zeros - self.start_at, "first": zeros, "second": zeros.clone()}

    def remember(self, logits: Tensor, batch: Batch, clock: Clock) -> dict[str, Tensor]:
        w = batch.carried["w"]
        slope = self.slope(logits, batch.targets, w)
        first = FIRST * batch.carried["first"] + (1 - FIRST) * slope
        second = SECOND * batch.carried["second"] + (1 - SECOND) * slope.square()
        drops = (clock.progress >= DROPS[0]).to(w.dtype) + (clock.progress >= DROPS[1]).to(w.dtype)
        rate, steps = self.lr * 0.1**drops, (clock.step + 1).to(w.dtype)
        spread = (second / (1 - SECOND**steps)).sqrt() + EPSILON
        return {"w": w - rate / (1 - FIRST**steps) * first / spread, "first": first, "second": second}

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        matrices = transitions(batch.carried["w"])[0].unsqueeze(-3)  # each network's own, for all its samples
        return -(batch.targets * log_noisy(logits, matrices)).sum(-1)

    def slope(self, logits: Tensor, targets: Tensor, w: Tensor) -> Tensor:
        """Return the gradient [K, C, C] of the batch mean of L with respect to w [K, C, C]."""
        matrix, sums = transitions(w)
        p = logits.softmax(-1)
        fit = -p.transpose(-1, -2) @ (targets / (p @ matrix)) / p.shape[-2]
        of_t: Tensor = fit + self.lam * torch.linalg.inv_ex(matrix).inverse.transpose(-1, -2)
        of_s = (of_t - (of_t * matrix).sum(-1, keepdim=True)) / sums
        s = w.sigmoid()
        return of_s * s * (1 - s) * (1 - torch.eye(w.shape[-1], device=w.device, dtype=w.dtype))


def transitions(w: Tensor) -> tuple[Tensor, Tensor]:
    """Return T [..., C, C] of w [..., C, C], and the sums [..., C, 1] by which its rows were divided."""
    unit = torch.eye(w.shape[-1], device=w.device, dtype=w.dtype)
    raw = unit + w.sigmoid() * (1 - unit)
    sums = raw.sum(-1, keepdim=True)
    return raw / sums, sums
