"""Soft bootstrapping: the target is a mixture of the label and the prediction."""

from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, cross_entropy, tuned


@register("soft_bootstrapping")
class SoftBootstrapping(Method):
    """L = -Σ (β y + (1 - β) p) log p = β CE + (1 - β) H(p); the gradient flows through both p.

    Source: Reed et al., "Training Deep Neural Networks on Noisy Labels with Bootstrapping", ICLR 2015 workshop, eq. 6.
    """

    paper = Paper(
        "Training Deep Neural Networks on Noisy Labels with Bootstrapping",
        "Scott Reed, Honglak Lee, Dragomir Anguelov, Christian Szegedy, Dumitru Erhan, Andrew Rabinovich",
        "ICLR Workshop",
        2015,
        arxiv="1412.6596",
    )
    family = "correction"

    beta: float = tuned(0.95, 0.5, 0.99, valid=(0.0, 1.0), origin="paper")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        return self.beta * cross_entropy(logits, batch.targets) + (1 - self.beta) * entropy(logits)


def entropy(logits: Tensor) -> Tensor:
    """Return -Σ p log p [...] of logits [..., C], from log p: never negative, never log 0."""
    log_p = logits.log_softmax(-1)
    return -(log_p.exp() * log_p).sum(-1)
