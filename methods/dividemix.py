"""DivideMix: two networks split the training set for each other and learn from both parts, semi-supervised."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from lnlbench.methods._beta import symmetric_beta
from lnlbench.methods._epochs import whole_epochs
from lnlbench.methods._mixture import clean_probability
from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Predict, Record, Task, cross_entropy, tuned

RAMP = 16 / 300  # of the training length: the weight of the unlabelled part rises for so long


@register("dividemix")
class DivideMix(Method):
    """MixMatch on a labelled part (what a mixture fitted to the *other* network's losses calls clean) and the rest.

    Labelled samples have the target w y + (1 - w) p̄, p̄ the network's mean prediction over two views, in training mode
    and as passes that move BatchNorm's statistics; the rest have the mean prediction of both networks over both views,
    the other network's in evaluation mode. Targets are sharpened by the temperature. All samples are mixed with each
    other, with weights l = max(l', 1 - l'), l' ~ Beta(α, α). L = CE on mixtures of labelled samples + λ_u squared error
    on those of the rest + KL(uniform ‖ mean prediction). During the warm-up L is cross-entropy on both views.

    Source: Li, Socher and Hoi, "DivideMix: Learning with Noisy Labels as Semi-supervised Learning", ICLR 2020,
    algorithm 1, eq. 3 to 12. Differences: batches are drawn from the whole training set, so that both parts occur in
    their natural proportion, and both networks step at once, on the same images; there is no confidence penalty during
    the warm-up; λ_u is the same for all noise, and rises from epoch to epoch, in the code from step to step; the
    mixture is fitted to the losses of one pass, in the code at a rate of 0.9 to their mean over five epochs; the mean
    softmax is scored, where the code sums logits.
    """

    paper = Paper(
        "DivideMix: Learning with Noisy Labels as Semi-supervised Learning",
        "Junnan Li, Richard Socher, Steven C. H. Hoi",
        "ICLR",
        2020,
        arxiv="2002.07394",
        code="https://github.com/LiJunnan1992/DivideMix",
    )
    family = "semi-supervised"

    revision = 2  # in the first the other network guessed in training mode

    networks = 2
    views = 2
    ensemble = True
    stackable = False  # batches of two views and guesses before the step

    threshold: float = tuned(0.5, 0.3, 0.7, valid=(0.0, 1.0), origin="paper")
    temperature: float = tuned(0.5, 0.2, 0.8, valid=(0.01, 10.0), origin="paper")
    alpha: float = tuned(4.0, 0.5, 8.0, log=True, valid=(0.5, 100.0), origin="paper")
    lam_u: float = tuned(25.0, choices=(0.0, 25.0, 50.0, 150.0), origin="paper")
    warmup: float = tuned(0.033, 0.02, 0.2, valid=(0.0, 1.0), many=0.1, origin="paper", costs=True)

    def start(self, task: Task) -> dict[str, Tensor]:
        return {"clean": task.targets.new_ones(task.networks, len(task.targets))}

    def due(self, epoch: int, epochs: int) -> bool:
        return epoch >= whole_epochs(float(self.warmup), epochs)

    def observe(self, record: Record, clock: Clock) -> dict[str, Tensor]:
        return {"clean": clean_probability(record.loss)}

    def guess(self, predict: Predict, batch: Batch, clock: Clock) -> Batch:
        first, second = batch.inputs, batch.views[0]
        warm = clock.epoch < whole_epochs(self.warmup, clock.epochs)
        own = (predict(first, commit=True).softmax(-1) + predict(second, commit=True).softmax(-1)) / 2  # [K, B, C]
        still = (predict(first, training=False).softmax(-1) + predict(second, training=False).softmax(-1)) / 2
        both = (own + still.flip(0)) / 2
        clean = torch.where(warm, 1.0, batch.memory["clean"].flip(0))
        w = clean.unsqueeze(-1)
        refined = w * batch.targets + (1 - w) * own
        targets = sharpened(torch.where(w > self.threshold, refined, both), self.temperature).repeat(1, 2, 1)
        inputs = torch.cat([first, second])  # [2B, ...]
        count, size = own.shape[0], len(inputs)
        drawn = symmetric_beta(clock.random.uniform([count, 1, 1]).to(own.dtype), self.alpha)
        share = torch.where(warm, 1.0, torch.maximum(drawn, 1 - drawn))  # [K, 1, 1]
        partner = clock.random.uniform([count, size]).argsort(-1)  # [K, 2B]
        mixed = torch.lerp(inputs[partner], inputs, share.view(-1, *[1] * inputs.ndim).to(inputs.dtype))
        other = targets.gather(1, partner.unsqueeze(-1).expand_as(targets))
        memory = {**batch.memory, "clean": clean.repeat(1, 2)}
        return replace(batch, inputs=mixed, targets=torch.lerp(other, targets, share), memory=memory)

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        labelled = (batch.memory["clean"] > self.threshold).to(logits.dtype)  # [K, 2B]
        supervised = cross_entropy(logits, batch.targets) * share_of(labelled)
        consistency = (logits.softmax(-1) - batch.targets).square().mean(-1) * share_of(1 - labelled)
        rise = ((clock.progress - self.warmup) / RAMP).clamp(0, 1)
        late = (clock.epoch >= whole_epochs(self.warmup, clock.epochs)).to(logits.dtype)
        size, classes = logits.shape[-2:]
        mean = logits.log_softmax(-1).logsumexp(-2) - math.log(size)  # [K, C] log of the mean prediction
        penalty = -math.log(classes) - mean.mean(-1, keepdim=True)
        return size * (supervised + self.lam_u * rise * consistency) + late * penalty


def sharpened(targets: Tensor, temperature: Tensor | float) -> Tensor:
    """Return label weights [..., C] raised to the power of 1 / T and normalised."""
    powers = targets.clamp(min=0).pow(1 / temperature)
    return powers / powers.sum(-1, keepdim=True)


def share_of(mask: Tensor) -> Tensor:
    """Return the weights of a mean over the masked samples of each row [K, B]; zero where there are none."""
    return mask / mask.sum(-1, keepdim=True).clamp(min=1)
