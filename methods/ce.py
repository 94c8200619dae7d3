"""Cross-entropy: the baseline that everything else is compared with."""

from lnlbench.methods._paper import Paper
from lnlbench.methods._registry import register
from lnlbench.methods.base import Method


@register("ce")
class CrossEntropy(Method):
    """L = -log p_y on every sample.

    Source: the maximum-likelihood loss for classification (Good, "Rational Decisions", 1952).
    """

    paper = Paper("Rational Decisions", "Irving John Good", "JRSS B", 1952, doi="10.1111/j.2517-6161.1952.tb00104.x")
    family = "loss"
