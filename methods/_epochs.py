"""Whole epochs from shares of a training: one rounding, for plain numbers and for tensors."""

from typing import TypeVar

from torch import Tensor

NEAR = 2**-10  # what a product that should be a whole number may be off by; no product of few decimals ends so

Number = TypeVar("Number", float, Tensor)


def whole_epochs(share: float, epochs: Number) -> Number:
    """Return how many epochs a share of a training of so many epochs lasts, rounded up.

    Counted from 0, that is the first epoch after them. `due` and the hooks both compare an epoch with it: a product in
    double precision and a quotient in single precision would disagree where their last bits differ.
    """
    return -((NEAR - share * epochs) // 1)
