"""Forward correction: predictions are passed through the noise before they meet the label."""

from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method

TINY = 1e-30  # of a transition: a label that no class leads to costs much, not infinitely much


@register("forward")
class Forward(Method):
    """L = -log Σ_i p_i T_{iy} with T_{ij} = P(given = j | true = i), which the method is told.

    Source: Patrini et al., "Making Deep Neural Networks Robust to Label Noise: a Loss Correction Approach", CVPR 2017,
    theorem 2. T is estimated by confident learning, not from anchor points, unless the run is told the true one.
    """

    paper = Paper(
        "Making Deep Neural Networks Robust to Label Noise: a Loss Correction Approach",
        "Giorgio Patrini, Alessandro Rozza, Aditya Krishna Menon, Richard Nock, Lizhen Qu",
        "CVPR",
        2017,
        arxiv="1609.03683",
        code="https://github.com/giorgiop/loss-correction",
    )
    family = "correction"

    told = ("transition_matrix",)

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        return -(batch.targets * log_noisy(logits, batch.told["transition_matrix"])).sum(-1)


def log_noisy(logits: Tensor, matrix: Tensor) -> Tensor:
    """Return log P(given) [..., C] of logits [..., C] under a transition matrix [..., C, C]."""
    return (logits.log_softmax(-1).unsqueeze(-1) + matrix.clamp(min=TINY).log()).logsumexp(-2)
