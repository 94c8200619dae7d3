"""Cross-entropy: the baseline that everything else is compared with."""

from lnlbench.methods._registry import register
from lnlbench.methods.base import Method


@register("ce")
class CrossEntropy(Method):
    """L = -log p_y on every sample.

    Source: the maximum-likelihood loss for classification (Good, "Rational Decisions", 1952).
    """
