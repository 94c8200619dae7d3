"""The parts that active negative losses add: normalised negative losses, and the gradient of an L1 penalty."""

import math

from torch import Tensor

from lnlbench.methods.base import Params
from lnlbench.methods.focal import focal_terms

LEAST = math.log(1e-7)
"""The smallest log p that a negative loss tells from a smaller one: p_min of the paper."""


def negative_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return NNCE, 1 - (A + log p_y) / Σ_k (A + log p_k) with A = -log p_min: [..., C] to [...].

    log p is clamped at -A, below which the gradient is zero.

    Source: Ye et al., NeurIPS 2023, section 3.
    """
    above = logits.log_softmax(-1).clamp(min=LEAST) - LEAST  # the negated loss, turned so that it is never below zero
    return targets.sum(-1) - (targets * above).sum(-1) / above.sum(-1)


def negative_focal(logits: Tensor, targets: Tensor, gamma: Tensor | float) -> Tensor:
    """Return NNFL, 1 - (A - FL_y) / Σ_k (A - FL_k) with FL_k = -(1 - p_k)^γ log p_k and A its value at p_min.

    log p is clamped at log p_min, below which the gradient is zero.

    Source: Ye et al., NeurIPS 2023, section 3.
    """
    most = -((1 - math.exp(LEAST)) ** gamma) * LEAST
    above = most - focal_terms(logits.log_softmax(-1).clamp(min=LEAST), gamma)
    return targets.sum(-1) - (targets * above).sum(-1) / above.sum(-1)


def with_l1(grads: Params, params: Params, delta: Tensor | float) -> Params:
    """Return the gradients plus δ sign(w), the gradient of δ ‖w‖₁ over all parameters."""
    return [
        {name: g + delta * network[name].detach().sign() for name, g in own.items()}
        for own, network in zip(grads, params, strict=True)
    ]
