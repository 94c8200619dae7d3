"""T-Revision: samples are weighted by a transition matrix, to which a learnt correction is added later on."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Task, cross_entropy, tuned

TINY = 1e-8  # of the probability of a given label, which is divided by


@register("t_revision")
class TRevision(Method):
    """L = β CE with β = p_y / Σ_i p_i (T + ΔT)_{iy}; T is told, and ΔT = 0 for a share `revise` of the training.

    From then on ΔT minimises L too, by plain SGD with its own learning rate `lr`. The network's gradient takes β for a
    constant. T + ΔT is clamped at zero.

    Source: Xia et al., "Are Anchor Points Really Indispensable in Label-Noise Learning?", NeurIPS 2019, eq. 3 to 5 and
    algorithm 1; its code spends half of its epochs on each stage. Differences: T is estimated by confident learning,
    not from the most probable samples, unless the run is told the true one; the code trains from the network that
    estimated T, and its second stage from the best epoch of the first. That stage has Adam at 5e-7 for network and ΔT,
    whose entries so move by 0.04 at most, and a gradient that goes through β; here the network goes on at the setting's
    rate, at which this gradient would unlearn improbable labels, whatever T is. `lr` is ours: by it entries of ΔT move
    by 0.01 to 0.03 on average on MNIST under asymmetric noise, single ones by up to 0.25.
    """

    paper = Paper(
        "Are Anchor Points Really Indispensable in Label-Noise Learning?",
        "Xiaobo Xia, Tongliang Liu, Nannan Wang, Bo Han, Chen Gong, Gang Niu, Masashi Sugiyama",
        "NeurIPS",
        2019,
        arxiv="1906.00189",
        code="https://github.com/xiaoboxia/T-Revision",
    )
    family = "correction"
    revision = 2  # the first one's gradient went through β in the second stage, and its ΔT hardly moved

    told = ("transition_matrix",)

    revise: float = tuned(0.5, 0.2, 0.9, valid=(0.0, 1.0), origin="code")
    lr: float = tuned(0.01, 1e-4, 0.1, log=True, valid=(0.0, 1.0), origin="ours")

    def carry(self, task: Task) -> dict[str, Tensor]:
        return {"correction": task.targets.new_zeros(task.networks, *[task.targets.shape[-1]] * 2)}

    def remember(self, logits: Tensor, batch: Batch, clock: Clock) -> dict[str, Tensor]:
        correction = batch.carried["correction"]
        p, noisy = logits.softmax(-1), self.noisy(logits, batch)
        fit = (batch.targets * -logits.log_softmax(-1)).nan_to_num()
        slope = -p.transpose(-1, -2) @ (fit * p / noisy.square()) / p.shape[-2]  # of the mean of L by T + ΔT
        step = torch.where(clock.progress >= self.revise, self.lr, 0.0)
        return {"correction": correction - step * slope}

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        ratio = (batch.targets * logits.softmax(-1) / self.noisy(logits, batch)).sum(-1)
        return ratio.detach() * cross_entropy(logits, batch.targets)

    def noisy(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the probability that each label is given, Σ_i p_i (T + ΔT)_{ij} [K, B, C]."""
        matrix = (batch.told["transition_matrix"] + batch.carried["correction"]).clamp(min=0)
        return (logits.softmax(-1) @ matrix).clamp(min=TINY)
