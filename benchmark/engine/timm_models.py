"""The networks and optimisers of timm, by any of its names; timm is imported only where one is asked for.

The import takes twice as long as that of torch, so a worker that trains a network of ours does without.
"""

from __future__ import annotations

from typing import Any

import timm
import torch
from timm.models import create_model, is_model, list_models
from timm.optim import create_optimizer_v2, list_optimizers  # type: ignore[attr-defined]
from torch import Tensor, nn

__all__ = ["VERSION", "is_model", "list_models", "make_model", "make_optimiser", "optimisers"]

VERSION: str = timm.__version__


def make_model(name: str, **arguments: Any) -> nn.Module:
    """Build a network without pretrained weights.

    Raises:
        TypeError: it does not know one of the arguments.
        AssertionError, ValueError, RuntimeError: it cannot be built from them.
    """
    model: nn.Module = create_model(name, **arguments)
    return model


def optimisers() -> list[str]:
    """Return the names of the optimisers."""
    return [str(name) for name in list_optimizers()]


def make_optimiser(name: str, params: list[Tensor], **arguments: Any) -> torch.optim.Optimizer:
    """Make an optimiser from those of the arguments that it knows.

    Raises:
        ImportError, AssertionError, TypeError, ValueError: it cannot be made here.
    """
    return create_optimizer_v2(params, name, **arguments)
