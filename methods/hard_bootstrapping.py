"""Hard bootstrapping: the target is a mixture of the label and the predicted class."""

from torch import Tensor

from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, cross_entropy, tuned
from lnlbench.methods.soft_bootstrapping import SoftBootstrapping


@register("hard_bootstrapping")
class HardBootstrapping(Method):
    """L = -Σ (β y + (1 - β) ŷ) log p with ŷ the one-hot prediction.

    Source: Reed et al., "Training Deep Neural Networks on Noisy Labels with Bootstrapping", ICLR 2015 workshop, eq. 7.
    """

    paper = SoftBootstrapping.paper
    family = "correction"

    beta: float = tuned(0.8, 0.5, 0.99, valid=(0.0, 1.0), origin="paper")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        return self.beta * cross_entropy(logits, batch.targets) + (1 - self.beta) * predicted_cross_entropy(logits)


def predicted_cross_entropy(logits: Tensor) -> Tensor:
    """Return -log max_k p_k [...] of logits [..., C], the cross-entropy against the prediction itself."""
    return -logits.log_softmax(-1).amax(-1)
