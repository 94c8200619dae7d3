"""Label smoothing: a share of each label is spread over all classes."""

from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method, cross_entropy, tuned


@register("label_smoothing")
class LabelSmoothing(Method):
    """L = (1 - r) CE + r mean_k(-log p_k).

    Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, section 7; under
    label noise Lukasik et al., "Does Label Smoothing Mitigate Label Noise?", ICML 2020.
    """

    paper = Paper(
        "Rethinking the Inception Architecture for Computer Vision",
        "Christian Szegedy, Vincent Vanhoucke, Sergey Ioffe, Jonathon Shlens, Zbigniew Wojna",
        "CVPR",
        2016,
        arxiv="1512.00567",
    )
    family = "regularisation"

    smoothing: float = tuned(0.1, 0.0, 0.5, valid=(0.0, 1.0), origin="paper")

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        return cross_entropy(logits, smoothed(batch.targets, self.smoothing))


def smoothed(targets: Tensor, smoothing: Tensor | float) -> Tensor:
    """Return label weights (1 - r) t + r / C [..., C], for r of either sign."""
    return (1 - smoothing) * targets + smoothing * targets.sum(-1, keepdim=True) / targets.shape[-1]
