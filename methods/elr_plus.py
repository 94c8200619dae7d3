"""ELR+: two networks, each kept close to what the other one's averaged weights predict, on mixtures of samples."""

from dataclasses import replace

import torch
from torch import Tensor

from lnlbench.methods._beta import symmetric_beta
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Params, Predict, Task, cross_entropy, tuned
from lnlbench.methods.elr import ELR

RAMP = 40_000 / 78_200  # of the training length: the average forgets slower and slower for so long


@register("elr_plus")
class ELRPlus(Method):
    """L = CE(ȳ, p) + λ log(1 - ⟨t̄, p⟩) on mixtures of two samples: their images, labels y and targets t alike.

    The weight of a mixture is l = max(l', 1 - l'), l' ~ Beta(α, α), one for each batch and network. Targets move as
    t ← β t + (1 - β) p̃ for each sample and network, p̃ the prediction of the *other* network for the unmixed image, in
    training mode and at a moving average w̄ ← d w̄ + (1 - d) w of its weights, with d = decay · exp(-5 (1 - s)²) and s
    rising to 1 over half of the training.

    Source: Liu et al., "Early-Learning Regularization Prevents Memorization of Noisy Labels", NeurIPS 2020, and its
    code. Differences: both networks step at once, on the same images, where the code trains one for an epoch and then
    the other, each in an order of its own; d rises
    from epoch to epoch; the mean softmax of the averaged networks is scored, in the code the mean of the trained ones'
    logits; ⟨t, p⟩ is clamped at 1 - 1e-4, in the code p to [1e-4, 1 - 1e-4]; λ and β are those of symmetric noise, in
    the code 1 and 0.9 for CIFAR-10 under asymmetric noise. For CIFAR-100 the code also multiplies the mixed labels by
    the targets, normalises them and lets λ rise for 40,000 steps, which this method does not.
    """

    paper = ELR.paper
    family = "regularisation"

    networks = 2
    ensemble = True
    stackable = False  # the other network's predictions before the step

    lam: float = tuned(3.0, 0.5, 12.0, log=True, valid=(0.0, 100.0), many=7.0, origin="code")
    beta: float = tuned(0.7, 0.5, 0.99, valid=(0.0, 1.0), many=0.9, origin="code")
    alpha: float = tuned(1.0, 0.5, 8.0, log=True, valid=(0.5, 100.0), origin="code")
    decay: float = tuned(0.997, 0.9, 0.9999, valid=(0.0, 1.0), origin="code")

    def start(self, task: Task) -> dict[str, Tensor]:
        return {"target": task.targets.new_zeros(task.networks, *task.targets.shape)}

    def guess(self, predict: Predict, batch: Batch, clock: Clock) -> Batch:
        other = predict(batch.inputs, averaged=True).softmax(-1).flip(0)
        target = self.beta * batch.memory["target"] + (1 - self.beta) * other  # [K, B, C]
        count, size = target.shape[:2]
        drawn = symmetric_beta(clock.random.uniform([count, 1, 1]).to(target.dtype), self.alpha)
        share = torch.maximum(drawn, 1 - drawn)
        partner = clock.random.uniform([count, size]).argsort(-1)  # [K, B]

        def mixed(own: Tensor) -> Tensor:  # [K, B, C]
            return torch.lerp(own.gather(1, partner.unsqueeze(-1).expand_as(own)), own, share)

        images, wide = batch.inputs, share.view(-1, *[1] * batch.inputs.ndim).to(batch.inputs.dtype)
        return replace(
            batch,
            inputs=torch.lerp(images[partner], images, wide),
            targets=mixed(batch.targets.expand_as(target)),
            memory={**batch.memory, "target": target, "mixed": mixed(target)},
        )

    def remember(self, logits: Tensor, batch: Batch, clock: Clock) -> dict[str, Tensor]:
        return {"target": batch.memory["target"]}

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        agreement = (batch.memory["mixed"] * logits.softmax(-1)).sum(-1)
        return cross_entropy(logits, batch.targets) + self.lam * torch.log1p(-agreement.clamp(max=1 - 1e-4))

    def average(self, params: Params, averaged: Params, clock: Clock) -> Params:
        kept = self.decay * torch.exp(-5 * (1 - (clock.progress / RAMP).clamp(max=1)).square())
        return [
            {name: torch.lerp(p, old[name], kept.to(p.dtype)) for name, p in network.items()}
            for network, old in zip(params, averaged, strict=True)
        ]
