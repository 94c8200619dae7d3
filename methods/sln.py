"""SLN: normal noise on the label weights, averaged weights, and corrected labels towards the end."""

from dataclasses import replace

import torch
from torch import Tensor

from lnlbench.methods._epochs import whole_epochs
from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Params, Record, Task, tuned
from lnlbench.methods.ema import moved


@register("sln")
class SLN(Method):
    """Train on targets y + σ n, n ~ N(0, I) at each step, and evaluate a moving average of the weights.

    From a share `switch` of the training on no noise is added, and the target of a sample is w y + (1 - w) ŷ, with ŷ
    the one-hot prediction of the averaged weights and w the sample's cross-entropy under them, scaled to [0, 1] over
    the training set; both are recomputed before each epoch. `switch=1` leaves the correction out.

    Source: Chen et al., "Noise Against Noise: Stochastic Label Noise Helps Combat Inherent Label Noise", ICLR 2021, eq.
    3 and section 4 (SLN-MO-LC); `switch` is 250 of the 300 epochs of its code. σ is the same for all noise; the code
    has 1 for symmetric and 0.5 for other noise on CIFAR-10, 0.2 and 0.1 on CIFAR-100. Differences from that code: w
    always comes from the loss of the *given* labels, in the code, from the second corrected epoch on, from that of the
    previously corrected targets; losses and predictions for w and ŷ are those of images as they are, in the code of
    augmented ones; the average begins with decay 0.1 (see `ema`), in the code with 0.999, where it covers BatchNorm's
    running statistics, too.
    """

    paper = Paper(
        "Noise against noise: stochastic label noise helps combat inherent label noise",
        "Pengfei Chen, Guangyong Chen, Junjie Ye, Jingwei Zhao, Pheng-Ann Heng",
        "ICLR",
        2021,
        url="https://openreview.net/forum?id=80FMcTSZ6J0",
        code="https://github.com/chenpf1025/SLN",
    )
    family = "regularisation"

    sigma: float = tuned(0.5, 0.05, 1.5, log=True, valid=(0.0, 10.0), many=0.2, origin="paper")
    decay: float = tuned(0.999, 0.9, 0.9999, valid=(0.0, 1.0), origin="paper")
    switch: float = tuned(0.83, 0.5, 1.0, valid=(0.0, 1.0), origin="paper", costs=True)

    def start(self, task: Task) -> dict[str, Tensor]:
        weight = task.targets.new_ones(task.networks, len(task.targets))
        return {"given_weight": weight, "predicted": task.targets.argmax(-1).expand(task.networks, -1).clone()}

    def due(self, epoch: int, epochs: int) -> bool:
        return epoch >= whole_epochs(float(self.switch), epochs)

    def observe(self, record: Record, clock: Clock) -> dict[str, Tensor]:
        low, high = record.loss.amin(-1, keepdim=True), record.loss.amax(-1, keepdim=True)
        scaled = torch.where(high > low, (record.loss - low) / (high - low), 1.0)
        return {"given_weight": scaled, "predicted": record.prediction}

    def perturb(self, batch: Batch, clock: Clock) -> Batch:
        targets, weight = batch.targets, batch.memory["given_weight"].unsqueeze(-1)
        classes = torch.arange(targets.shape[-1], device=targets.device)
        predicted = (classes == batch.memory["predicted"].unsqueeze(-1)).to(targets.dtype)  # [K, B, C]
        noisy = targets + self.sigma * clock.random.normal(targets.shape[-2:]).to(targets.dtype)
        corrected = weight * targets + (1 - weight) * predicted
        late = clock.epoch >= whole_epochs(self.switch, clock.epochs)
        return replace(batch, targets=torch.where(late, corrected, noisy))

    def average(self, params: Params, averaged: Params, clock: Clock) -> Params:
        return moved(params, averaged, self.decay, clock.step)
