"""GMM split: train on the samples whose loss belongs to the lower of two normal distributions."""

import torch
from torch import Tensor

from lnlbench.methods._epochs import whole_epochs
from lnlbench.methods._mixture import clean_probability
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Record, Task, tuned
from lnlbench.methods.dividemix import DivideMix


@register("gmm_split")
class GMMSplit(Method):
    """After a warm-up, keep the samples that are clean with a probability above a threshold, by their exact losses.

    Source: Li, Socher and Hoi, "DivideMix: Learning with Noisy Labels as Semi-supervised Learning", ICLR 2020, section
    3.1, with one network, and without using the other samples. Difference: the warm-up is a tenth of the training.
    """

    paper = DivideMix.paper
    family = "selection"

    threshold: float = tuned(0.5, 0.3, 0.7, valid=(0.0, 1.0), origin="paper")
    warmup: float = tuned(0.1, 0.03, 0.3, valid=(0.0, 1.0), origin="ours", costs=True)

    def start(self, task: Task) -> dict[str, Tensor]:
        return {"clean": task.targets.new_ones(task.networks, len(task.targets))}

    def due(self, epoch: int, epochs: int) -> bool:
        return epoch >= whole_epochs(float(self.warmup), epochs)

    def observe(self, record: Record, clock: Clock) -> dict[str, Tensor]:
        return {"clean": clean_probability(record.loss)}

    def select(self, losses: Tensor, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        clean = batch.memory["clean"] > self.threshold
        early = clock.epoch < whole_epochs(self.warmup, clock.epochs)
        return torch.where(early, torch.ones_like(losses), clean.to(losses.dtype))
