"""Terms of active-passive losses: pure functions of logits and label weights [..., C] that return [...]."""

import math

import torch
from torch import Tensor

from lnlbench.methods.focal import focal_terms
from lnlbench.methods.gce import box_cox

LOG_ZERO = math.log(1e-4)
"""What reverse cross-entropy takes for log 0, as in the authors' codes; the paper on SCE writes -4."""


def normalised_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return NCE, log p_y / Σ_k log p_k, in [0, 1]: active. Source: Ma et al., ICML 2020, eq. 8."""
    log_p = logits.log_softmax(-1)
    return (targets * log_p).sum(-1) / log_p.sum(-1)


def mean_absolute_error(logits: Tensor, targets: Tensor) -> Tensor:
    """Return 1 - p_y, half of ‖y - p‖₁: passive. Source: Ghosh et al., AAAI 2017; halved by Ma et al., ICML 2020."""
    return (targets * box_cox(logits, 1.0)).sum(-1)


def reverse_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return RCE, -Σ_k p_k log y_k = -A (1 - p_y) with log 0 = A: passive. Source: Wang et al., ICCV 2019, eq. 5."""
    return -LOG_ZERO * (targets * box_cox(logits, 1.0)).sum(-1)


def asymmetric_gce(logits: Tensor, targets: Tensor, a: Tensor | float, q: Tensor | float) -> Tensor:
    """Return [(a + 1)^q - (a + p_y)^q] / q: passive. Source: Zhou et al., ICML 2021, definition of AGCE."""
    missing = -torch.expm1(logits.log_softmax(-1))  # 1 - p
    # (a + p) / (a + 1) = 1 - (1 - p) / (a + 1): from log1p, so that p near 1 keeps its digits.
    share = -torch.expm1(q * torch.log1p(-missing / (a + 1)))
    return (targets * share).sum(-1) * (a + 1) ** q / q


def asymmetric_unhinged(logits: Tensor, targets: Tensor, a: Tensor | float, q: Tensor | float) -> Tensor:
    """Return AUL, [(a - p_y)^q - (a - 1)^q] / q with a > 1: passive. Source: Zhou et al., ICML 2021, AUL."""
    missing = -torch.expm1(logits.log_softmax(-1))  # 1 - p
    # (a - p) / (a - 1) = 1 + (1 - p) / (a - 1), so that p near 1 keeps its digits.
    excess = torch.expm1(q * torch.log1p(missing / (a - 1)))
    return (targets * excess).sum(-1) * (a - 1) ** q / q


def exponential(logits: Tensor, targets: Tensor, a: Tensor | float) -> Tensor:
    """Return AEL, exp(-p_y / a): passive. Source: Zhou et al., ICML 2021, AEL."""
    return (targets * torch.exp(-logits.softmax(-1) / a)).sum(-1)


def asymmetric_squared_error(logits: Tensor, targets: Tensor, a: Tensor | float) -> Tensor:
    """Return AMSE, ‖a e_y - p‖₂² / C = (a² - 2 a p_y + ‖p‖₂²) / C: passive. Source: Wang et al., ICCV 2025."""
    p = logits.softmax(-1)
    per_class = a**2 - 2 * a * p + p.square().sum(-1, keepdim=True)
    return (targets * per_class).sum(-1) / logits.shape[-1]


def normalised_focal(logits: Tensor, targets: Tensor, gamma: Tensor | float) -> Tensor:
    """Return NFL, FL_y / Σ_k FL_k, whose gradient treats each (1 - p_k)^γ as a constant: active.

    Source: Ma et al., ICML 2020, eq. 9.
    """
    terms = focal_terms(logits.log_softmax(-1), gamma)
    return (targets * terms).sum(-1) / terms.sum(-1)
