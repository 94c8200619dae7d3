"""OGC: cross-entropy whose slope is clipped so that noisy samples pull little more than clean ones."""

import math

import torch
from torch import Tensor

from lnlbench.methods._mixture import two_normals
from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Task, cross_entropy, tuned

QUEUE = 4096  # losses that the mixture is fitted to
GRID = 1000  # losses at which its two densities are compared
HALVINGS = 10  # of the interval that holds the threshold
LEAST = 1e-7  # probability that is told from a smaller one


@register("ogc")
class OGC(Method):
    """L = -log p_y where p_y > c, else 1 - p_y / c - log c: the slope by p_y is at most 1 / c.

    c is the smallest threshold at which the mean slope of noisy samples is at most 1 + ε_t times that of clean ones.
    Both are expectations under a mixture of two normal distributions, refitted at every step to the last 4,096 losses
    (to as many as there are training samples, if these are fewer) once there are that many; ε_t falls from `epsilon` to
    zero along a cosine.

    Source: Ye et al., "Optimized Gradient Clipping for Noisy Label Learning", AAAI 2025, section 3, with the values of
    its code for CIFAR-10: ε times its learning rate, 20 times 0.1. Differences: ε_t follows a cosine, in the code the
    learning rate in three steps; the mixture is refitted at every step, in the code at every 32nd, and with the rounds,
    the tolerance and the least variance that DivideMix's code has for its own.
    """

    paper = Paper(
        "Optimized Gradient Clipping for Noisy Label Learning",
        "Xichen Ye, Yifan Wu, Weizhong Zhang, Xiaoqiang Li, Yifan Chen, Cheng Jin",
        "AAAI",
        2025,
        arxiv="2412.08941",
        code="https://github.com/Virusdoll/OGC",
    )
    family = "loss"

    epsilon: float = tuned(2.0, 0.1, 10.0, log=True, valid=(0.0, 1e3), origin="code")

    def carry(self, task: Task) -> dict[str, Tensor]:
        size = min(QUEUE, len(task.targets))
        return {
            "queue": task.targets.new_zeros(task.networks, size),
            "threshold": task.targets.new_full((task.networks,), LEAST),
        }

    def remember(self, logits: Tensor, batch: Batch, clock: Clock) -> dict[str, Tensor]:
        losses = cross_entropy(logits, batch.targets).clamp(0, -math.log(LEAST))
        queue = torch.cat([batch.carried["queue"], losses], -1)[:, losses.shape[-1] :]
        bound = 1 + self.epsilon * (1 + torch.cos(math.pi * clock.progress)) / 2
        full = (clock.step + 1) * losses.shape[-1] >= queue.shape[-1]
        found = threshold(*two_normals(queue), bound).to(logits.dtype)
        return {"queue": queue, "threshold": torch.where(full, found, LEAST)}

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        log_p = logits.log_softmax(-1)
        c = batch.carried["threshold"].view(-1, 1, 1)
        per_class = torch.where(log_p > c.log(), -log_p, 1 - log_p.exp() / c - c.log())
        return (batch.targets * per_class).sum(-1)


def threshold(means: Tensor, deviations: Tensor, bound: Tensor) -> Tensor:
    """Return the probability [K] below which slopes are clipped.

    Args:
        means: means of the clean and of the noisy losses, [2, K, 1].
        deviations: their standard deviations, [2, K, 1].
        bound: the largest allowed ratio of mean slopes, noisy to clean, [].
    """
    losses = torch.linspace(0, -math.log(LEAST), GRID, device=means.device, dtype=means.dtype)
    density = (-((losses - means) / deviations).square() / 2).softmax(-1)  # [2, K, G], of sum one
    low, high = torch.full_like(means[0], LEAST), torch.full_like(means[0], 1 - LEAST)  # [K, 1]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        clean, noisy = (density * torch.minimum(losses.exp(), 1 / middle)).sum(-1, keepdim=True)
        too_low = noisy > bound * clean  # a larger threshold clips more
        low, high = torch.where(too_low, middle, low), torch.where(too_low, high, middle)
    return ((low + high) / 2).squeeze(-1)
