"""The mean absolute error: symmetric, so that uniform noise does not move its minimum, but slow to fit."""

from torch import Tensor

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Batch, Clock, Method
from lnlbench.methods.gce import box_cox


@register("mae")
class MAE(Method):
    """L = 1 - p_y, half of ‖y - p‖₁; the factor only rescales the learning rate.

    It does not fit 100 classes: the paper on GCE reports accuracies near chance there, too.

    Source: Ghosh, Kumar and Sastry, "Robust Loss Functions under Label Noise for Deep Neural Networks", AAAI 2017,
    section 3.
    """

    paper = Paper(
        "Robust Loss Functions under Label Noise for Deep Neural Networks",
        "Aritra Ghosh, Himanshu Kumar, P. S. Sastry",
        "AAAI",
        2017,
        arxiv="1712.09482",
    )
    family = "loss"

    def loss(self, logits: Tensor, batch: Batch, clock: Clock) -> Tensor:
        return (batch.targets * box_cox(logits, 1.0)).sum(-1)
