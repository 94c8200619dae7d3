"""Count the multiplications and additions of a pass: those of products and convolutions, which are nearly all.

Calls inside Python functions of torch are not seen: `einsum`, `tensordot` and `nn.MultiheadAttention` count as nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

CONVOLUTIONS = {torch.conv1d, torch.conv2d, torch.conv3d}
TRANSPOSED = {torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d}
PRODUCTS = {torch.matmul, torch.mm, torch.bmm, Tensor.matmul, Tensor.__matmul__, Tensor.mm, Tensor.bmm}
SUMS = {torch.addmm, torch.baddbmm, Tensor.addmm, Tensor.baddbmm}  # of their first argument and a product


class Counter(TorchFunctionMode):
    """Counts the operations called in its context, as `torch.utils.flop_counter` does, whose import takes two seconds.

    Attributes:
        operations: so far; a multiplication with its addition is two.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations = 0

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = function(*args, **(kwargs or {}))
        given = [*args, *(kwargs or {}).values()]
        if function in CONVOLUTIONS or function is nn.functional.linear:
            self.operations += 2 * found.numel() * math.prod(given[1].shape[1:])
        elif function in TRANSPOSED:
            self.operations += 2 * given[0].numel() * math.prod(given[1].shape[1:])
        elif function in PRODUCTS or function in SUMS:
            self.operations += 2 * found.numel() * given[function in SUMS].shape[-1]
        elif function is nn.functional.scaled_dot_product_attention:
            query, key, value = given[:3]
            self.operations += 2 * math.prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1])
        return found
