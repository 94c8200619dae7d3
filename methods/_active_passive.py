"""The terms of active-passive losses: [..., C] logits and label weights to [...]. Pure functions, no method."""

import math

import torch
from torch import Tensor

from lnlbench.methods.gce import box_cox

LOG_ZERO = math.log(1e-4)
"""What reverse cross-entropy takes for log 0, as in the authors' codes; the paper on SCE writes -4."""


def normalised_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Log p_y / Σ_k log p_k, in [0, 1]: active. Source: Ma et al., ICML 2020, eq. 8."""
    log_p = logits.log_softmax(-1)
    return (targets * log_p).sum(-1) / log_p.sum(-1)


def mean_absolute_error(logits: Tensor, targets: Tensor) -> Tensor:
    """‖y - p‖₁ = 2 (1 - p_y): passive. Source: Ghosh et al., AAAI 2017."""
    return 2 * (targets * box_cox(logits, 1.0)).sum(-1)


def reverse_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-Σ_k p_k log y_k = -A (1 - p_y) with log 0 = A: passive. Source: Wang et al., ICCV 2019, eq. 5."""
    return -LOG_ZERO * (targets * box_cox(logits, 1.0)).sum(-1)


def asymmetric_gce(logits: Tensor, targets: Tensor, a: Tensor | float, q: Tensor | float) -> Tensor:
    """[(a + 1)^q - (a + p_y)^q] / q: passive. Source: Zhou et al., ICML 2021, definition of AGCE."""
    missing = -torch.expm1(logits.log_softmax(-1))  # 1 - p
    # (a + p) / (a + 1) = 1 - (1 - p) / (a + 1): from log1p, so that p near 1 keeps its digits.
    share = -torch.expm1(q * torch.log1p(-missing / (a + 1)))
    return (targets * share).sum(-1) * (a + 1) ** q / q
