"""Weight averaging: what is evaluated is a moving average of the weights that are trained."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Clock, Method, Params, tuned


@register("ema")
class EMA(Method):
    """w̄ ← d w̄ + (1 - d) w after each step, with d = min(decay, (1 + s) / (10 + s)) at step s from 0.

    The rising d lets the average forget its start in a short training too. BatchNorm's running statistics are those
    of the trained network.

    Source: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992; of trained weights
    Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS 2017, section 3. Difference: the rise of d is
    that of TensorFlow's `ExponentialMovingAverage`, in their code it is min(decay, 1 - 1 / (s + 1)), which reaches
    0.999 at step 1,000 where this one does near step 9,000: here a short training is averaged over fewer steps.
    """

    paper = Paper(
        "Mean teachers are better role models: Weight-averaged consistency targets improve semi-supervised "
        "deep learning results",
        "Antti Tarvainen, Harri Valpola",
        "NeurIPS",
        2017,
        arxiv="1703.01780",
        code="https://github.com/CuriousAI/mean-teacher",
    )
    family = "optimisation"

    decay: float = tuned(0.999, 0.9, 0.9999, valid=(0.0, 1.0), origin="paper")

    def average(self, params: Params, averaged: Params, clock: Clock) -> Params:
        return moved(params, averaged, self.decay, clock.step)


def moved(params: Params, averaged: Params, decay: Tensor | float, step: Tensor) -> Params:
    """Return the moving average after one more step."""
    kept = torch.clamp((1 + step) / (10 + step), max=decay)
    return [
        {n: torch.lerp(p, a[n], kept.to(p.dtype)) for n, p in ps.items()}
        for ps, a in zip(params, averaged, strict=True)
    ]
