"""Mixup: the network sees mixtures of two images, with the same mixture of their labels."""

from dataclasses import replace

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, Random, tuned

PROPOSALS = 8  # per gamma variable; each is accepted with a probability above 0.95


@register("mixup")
class Mixup(Method):
    """x = λ x_i + (1 - λ) x_j and t = λ t_i + (1 - λ) t_j, one λ ~ Beta(α, α) per batch, j a permutation of i.

    Where a composition trains on several views of each image, all of them are mixed with the same λ and j.

    Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, eq. 1 and figure 1. α = 1 is its value
    for CIFAR with clean labels; its table on corrupted ones (section 3.4) has 8 at 20 % and 32 at 50 % of wrong labels.
    On `mnist-subset/symmetric-0.5` the last epoch has 91.4 with 1, 93.1 with 8, 93.2 with 32 (replicate 0, fp32).
    """

    paper = Paper(
        "mixup: Beyond Empirical Risk Minimization",
        "Hongyi Zhang, Moustapha Cisse, Yann N. Dauphin, David Lopez-Paz",
        "ICLR",
        2018,
        arxiv="1710.09412",
        code="https://github.com/facebookresearch/mixup-cifar10",
    )
    family = "regularisation"

    alpha: float = tuned(1.0, 0.1, 32.0, log=True, valid=(0.01, 100.0), origin="paper")

    def perturb(self, batch: Batch, clock: Clock) -> Batch:
        share = beta_variable(self.alpha, clock.random).to(batch.targets.dtype)
        partner = clock.random.uniform([batch.targets.shape[-2]]).argsort()

        def mixed(own: Tensor, other: Tensor) -> Tensor:
            return share * own + (1 - share) * other

        def of_images(own: Tensor) -> Tensor:  # [B, ...], or [K, B, ...] with K < B
            return mixed(own, own[partner] if len(own) == len(partner) else own[:, partner])

        return replace(
            batch,
            inputs=of_images(batch.inputs),
            targets=mixed(batch.targets, batch.targets[..., partner, :]),
            views=tuple(map(of_images, batch.views)),
            strong=tuple(map(of_images, batch.strong)),
        )


def beta_variable(alpha: Tensor | float, random: Random) -> Tensor:
    """Return one number [] from Beta(α, α), as the share of one of two gamma variables in their sum.

    Source: Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", ACM TOMS 2000, with shape α + 1
    reduced to α by a power of a uniform number; enough proposals are drawn at once that one of them is accepted.
    """
    shape = alpha + 1 - 1 / 3
    normal, uniform, boost = random.normal([2, PROPOSALS]), random.uniform([2, PROPOSALS]), random.uniform([2])
    cube = (1 + normal / (9 * shape) ** 0.5) ** 3
    limit = normal**2 / 2 + shape * (1 - cube + cube.clamp(min=1e-9).log())
    taken = ((cube > 0) & (uniform.clamp(min=1e-12).log() < limit)).to(normal.dtype).argmax(-1, keepdim=True)
    gamma = cube.gather(-1, taken).squeeze(-1).clamp(min=1e-9)
    logs = gamma.log() + boost.clamp(min=1e-12).log() / alpha  # small α: far below the smallest float
    return torch.sigmoid(logs[0] - logs[1])
