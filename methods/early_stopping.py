"""Early stopping on the noisy validation split."""

from collections.abc import Sequence

from lnlbench.methods._epochs import whole_epochs
from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import History, Method, tuned


@register("early_stopping")
class EarlyStopping(Method):
    """Stop when the best validation epoch lies a share `patience` of the training length back, and report that epoch.

    Accuracy on held-out *noisy* labels is, in expectation, increasing in clean accuracy under class-conditional,
    diagonally dominant noise. Ties go to the earliest epoch.

    Source: Prechelt, "Early Stopping - But When?", 1998; for label noise Li, Soltanolkotabi and Oymak, "Gradient
    Descent with Early Stopping is Provably Robust to Label Noise for Overparameterized Neural Networks", AISTATS 2020.
    """

    paper = Paper(
        "Gradient Descent with Early Stopping is Provably Robust to Label Noise for Overparameterized Neural Networks",
        "Mingchen Li, Mahdi Soltanolkotabi, Samet Oymak",
        "AISTATS",
        2020,
        arxiv="1903.11680",
    )
    family = "stopping"

    patience: float = tuned(0.1, 0.03, 0.3, valid=(0.0, 1.0), origin="ours")

    def accuracies(self, history: History) -> Sequence[float]:
        """Return the monitored accuracies, one per epoch."""
        return history.validation

    def report(self, history: History) -> int:
        accuracies = self.accuracies(history)
        return max(range(len(accuracies)), key=accuracies.__getitem__)

    def stop(self, history: History) -> bool:
        waited = len(history.validation) - 1 - self.report(history)
        return waited >= max(1, whole_epochs(float(self.patience), history.epochs))
