"""Early-learning regularisation: predictions are kept close to what the network predicted early on."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Task, cross_entropy, tuned


@register("elr")
class ELR(Method):
    """L = CE + λ log(1 - ⟨t, p⟩) with the running target t ← β t + (1 - β) p of each sample, from t = 0.

    p of the current batch enters t before the loss, as in the official code.

    Source: Liu et al., "Early-Learning Regularization Prevents Memorization of Noisy Labels", NeurIPS 2020, eq. 6 and
    9; λ and β of CIFAR-10 under symmetric noise and, from 100 classes on, of CIFAR-100. Differences from the official
    code: λ and β are the same for all noise, where it has λ = 1, β = 0.9 for CIFAR-10 under asymmetric noise; p is not
    clamped to [1e-4, 1 - 1e-4]; instead ⟨t, p⟩ is clamped at 1 - 1e-4, which keeps the term finite.
    """

    paper = Paper(
        "Early-Learning Regularization Prevents Memorization of Noisy Labels",
        "Sheng Liu, Jonathan Niles-Weed, Narges Razavian, Carlos Fernandez-Granda",
        "NeurIPS",
        2020,
        arxiv="2007.00151",
        code="https://github.com/shengliu66/ELR",
    )
    family = "regularisation"

    lam: float = tuned(3.0, 0.5, 12.0, log=True, valid=(0.0, 100.0), many=7.0, origin="paper")
    beta: float = tuned(0.7, 0.5, 0.99, valid=(0.0, 1.0), many=0.9, origin="paper")

    def start(self, task: Task) -> dict[str, Tensor]:
        return {"target": task.targets.new_zeros(task.networks, *task.targets.shape)}

    def remember(self, logits: Tensor, batch: Batch, clock: Clock) -> dict[str, Tensor]:
        return {"target": self.beta * batch.memory["target"] + (1 - self.beta) * logits.softmax(-1)}

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        agreement = (batch.memory["target"] * logits.softmax(-1)).sum(-1)
        return cross_entropy(logits, batch.targets) + self.lam * torch.log1p(-agreement.clamp(max=1 - 1e-4))
