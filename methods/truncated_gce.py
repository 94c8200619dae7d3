"""Truncated GCE: from some epoch on, samples whose label is too improbable are left out."""

import torch
from torch import Tensor

from lnlbench.methods._epochs import whole_epochs
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Record, Task, tuned
from lnlbench.methods.gce import GCE


@register("truncated_gce")
class TruncatedGCE(GCE):
    """Minimise Σ v_i (L_q(p_i) - L_q(k)), with v_i = 1 where p_i > k, else 0.

    The weights v are recomputed by an exact pass over the training set, first at `prune` and then in steps of `every`,
    both shares of the training length; until then v = 1.

    Source: Zhang and Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels",
    NeurIPS 2018, eq. 9 and algorithm 1; from epoch 40 of 120 (CIFAR-100: 80 of 150), every 10. Differences: the weights
    come from the current model, not from the best one so far. The widely used code averages over the batch; here, as
    for every method that selects, the mean is over what is kept: the gradient is larger by B / kept.
    """

    family = "selection"

    k: float = tuned(0.5, 0.2, 0.6, valid=(0.0, 0.99), origin="paper")
    prune: float = tuned(0.33, 0.2, 0.6, valid=(0.0, 1.0), many=0.53, origin="paper", costs=True)
    every: float = tuned(0.08, 0.02, 0.2, valid=(0.0, 1.0), many=0.067, origin="paper", costs=True)

    def start(self, task: Task) -> dict[str, Tensor]:
        return {"kept": task.targets.new_ones(task.networks, len(task.targets))}

    def due(self, epoch: int, epochs: int) -> bool:
        first, period = whole_epochs(float(self.prune), epochs), max(1, round(float(self.every) * epochs))
        return epoch >= first and (epoch - first) % period == 0

    def observe(self, record: Record, clock: Clock) -> dict[str, Tensor]:
        return {"kept": (torch.exp(-record.loss) > self.k).to(record.loss.dtype)}

    def select(self, losses: Tensor, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        return batch.memory["kept"].to(losses.dtype)
