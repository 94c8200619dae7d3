"""Label Wave: stop, without held-out labels, when predictions on the training set are at their steadiest."""

import math
from collections.abc import Sequence

from lnlbench.methods._epochs import whole_epochs
from lnlbench.methods._errors import MethodError
from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import History, Method, tuned


@register("label_wave")
class LabelWave(Method):
    """Stop at the first minimum of the prediction changes, averaged over the last `window` epochs.

    A prediction change is a training sample whose predicted class differs from that of the previous epoch. A minimum is
    accepted once nothing lower follows for a share `patience` of the training length; until then the lowest epoch so
    far is reported.

    Source: Yuan, Feng and Liu, "Early Stopping Against Label Noise Without Validation Data", ICLR 2024, section 4,
    where the patience is not stated. Predictions are those of the training pass.
    """

    paper = Paper(
        "Early Stopping Against Label Noise Without Validation Data",
        "Suqin Yuan, Lei Feng, Tongliang Liu",
        "ICLR",
        2024,
        arxiv="2502.07551",
        code="https://github.com/tmllab/2024_ICLR_LabelWave",
    )
    family = "stopping"

    window: int = tuned(3, 1, 5, valid=(1, 100), origin="paper")
    patience: float = tuned(0.05, 0.03, 0.3, valid=(0.0, 1.0), origin="ours")

    def report(self, history: History) -> int:
        return self.minimum(history)[0]

    def stop(self, history: History) -> bool:
        return self.minimum(history)[1]

    def minimum(self, history: History) -> tuple[int, bool]:
        """Return the epoch of the first minimum, and whether it is accepted yet.

        Raises:
            MethodError: the history does not say how many predictions changed.
        """
        if len(history.changes) != len(history.validation):
            raise MethodError("label_wave needs the prediction changes of each epoch, which this run did not record")
        patience = max(1, whole_epochs(float(self.patience), history.epochs))
        return first_minimum(history.changes, int(self.window), patience)


def first_minimum(changes: Sequence[float], window: int, patience: float) -> tuple[int, bool]:
    """Return the index of the first minimum of the trailing mean, and whether it has stood for `patience` epochs.

    The first value is unknown; before the first full window the last index is returned.
    """
    best, low = len(changes) - 1, math.inf
    for place in range(window, len(changes)):
        mean = math.fsum(changes[place - window + 1 : place + 1]) / window
        if mean < low:
            best, low = place, mean
        elif place - best >= patience:
            return best, True
    return best, False
