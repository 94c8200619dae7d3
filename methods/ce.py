"""Cross-entropy: the baseline that everything else is compared with."""

from lnlbench.methods.base import Method
from lnlbench.methods.registry import register


@register("ce")
class CrossEntropy(Method):
    """L = -log p_y on every sample.

    Source: the maximum-likelihood loss for classification (Good, "Rational Decisions", 1952).
    """
