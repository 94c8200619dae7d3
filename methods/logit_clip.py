"""LogitClip: cross-entropy of logits whose norm is clipped."""

import torch
from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, cross_entropy, tuned


@register("logit_clip")
class LogitClip(Method):
    """L = CE(softmax(z')), z' = z where ‖z‖₂ ≤ δ, else δ z / ‖z‖₂. The prediction is unchanged.

    Source: Wei et al., "Mitigating Memorization of Noisy Labels by Clipping the Model Prediction", ICML 2023, section
    3. The authors' code clips where ‖z‖ is above its option `temp`, but to 1 / `temp`, which agrees where both are 1. δ
    is that of the code of Wang et al., "ε-Softmax", NeurIPS 2024, for symmetric noise below one half: 1 for CIFAR-10
    (1.5 from one half on, 2.5 asymmetric), 0.5 for CIFAR-100 (2.5 asymmetric).
    """

    paper = Paper(
        "Mitigating Memorization of Noisy Labels by Clipping the Model Prediction",
        "Hongxin Wei, Huiping Zhuang, Renchunzi Xie, Lei Feng, Gang Niu, Bo An, Yixuan Li",
        "ICML",
        2023,
        arxiv="2212.04055",
        code="https://github.com/hongxin001/LogitClip",
    )
    family = "loss"

    delta: float = tuned(1.0, 0.25, 8.0, log=True, valid=(1e-3, 1e3), many=0.5, origin="other code")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        return cross_entropy(clipped(logits, self.delta), batch.targets)


def clipped(logits: Tensor, delta: Tensor | float) -> Tensor:
    """Return logits [..., C] of a Euclidean norm of at most `delta`, in their own direction."""
    length: Tensor = torch.linalg.vector_norm(logits, dim=-1, keepdim=True)
    return logits * (delta / length.clamp(min=delta))
