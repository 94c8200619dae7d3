"""Early stopping by true labels: what a clean validation split would be worth."""

from collections.abc import Sequence

from lnlbench.methods._errors import MethodError
from lnlbench.methods._registry import register
from lnlbench.methods.base import History
from lnlbench.methods.early_stopping import EarlyStopping
from lnlbench.methods.sam import SAM


@register("clean_early_stopping")
class CleanEarlyStopping(EarlyStopping):
    """Early stopping on true validation labels, which the method declares in `told`.

    Source: Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization", ICLR 2021, section
    3.3, who select by a clean validation set. This is a reference: where labels are noisy, such a set is usually not
    available.
    """

    paper = SAM.paper

    told = ("clean_validation",)

    def accuracies(self, history: History) -> Sequence[float]:
        if len(history.clean_validation) != len(history.validation):
            raise MethodError("clean_early_stopping needs the clean validation accuracy, which this run did not record")
        return history.clean_validation
