"""Beta-distributed mixing weights from uniform numbers, as pure tensor code."""

import math

import torch
from torch import Tensor

GRID = 1025


def symmetric_beta(uniform: Tensor, alpha: Tensor | float) -> Tensor:
    """Return Beta(α, α) variates from uniform numbers in [0, 1), by inverting the distribution function.

    In x = sin² θ the density is proportional to sin(2θ)^(2α - 1), which is finite for α ≥ 0.5; it is summed on a grid
    of 1,024 intervals and interpolated linearly, with an error in x below 1e-3 for α from 0.5 to 8.

    Args:
        uniform: of any shape.
        alpha: the parameter, 0-d.

    Returns:
        as `uniform`, in [0, 1].
    """
    angle = torch.linspace(0, math.pi / 2, GRID, device=uniform.device, dtype=uniform.dtype)
    middle = (angle[1:] + angle[:-1]) / 2
    mass = (2 * middle).sin().pow(2 * alpha - 1).cumsum(0)
    below = torch.cat([mass.new_zeros(1), mass / mass[-1]])
    upper = torch.searchsorted(below, uniform.contiguous(), right=True).clamp(1, GRID - 1)
    low, high = below[upper - 1], below[upper]
    share = ((uniform - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    return torch.lerp(angle[upper - 1], angle[upper], share).sin().square()
