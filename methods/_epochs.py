"""Whole epochs from shares of a training: one rounding, for plain numbers and for tensors."""

from typing import TypeVar

from torch import Tensor

NEAR = 2**-10  # what a product that should be a whole number may be off by; no product of few decimals ends so

Number = TypeVar("Number", float, Tensor)


def whole_epochs(share: float, epochs: Number) -> Number:
    """Return the number of epochs in a share of the training length, rounded up.

    Counted from 0, this is also the first epoch after them. `due` and the hooks both compare the epoch with it, because
    `epoch >= share * epochs` in double and `progress >= share` in single precision can disagree.
    """
    return -((NEAR - share * epochs) // 1)
