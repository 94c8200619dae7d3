"""Round layers to bf16: by torch's autocast, and where a processor lacks bf16 in fp32 kernels on rounded numbers.

Without bf16 instructions torch's own bf16 kernels take 5 (dense layers) to 10 times (convolutions) as long as those of
fp32. A product of two bf16 numbers is exact in fp32, and processors with bf16 add products up in fp32, too. What is
left is the order of the sums: results agree up to rounding (protocol.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")
"""What processors with bf16 are called by `torch.cpu.get_capabilities`: x86, x86 with AMX, ARM."""
PRODUCTS: frozenset[Callable[..., Any]] = frozenset({
    F.linear, F.conv1d, F.conv2d, F.conv3d, F.conv_transpose2d, F.scaled_dot_product_attention,
    torch.matmul, torch.mm, torch.bmm, torch.addmm, torch.baddbmm,
    Tensor.matmul, Tensor.__matmul__, Tensor.mm, Tensor.bmm,
})  # fmt: skip
"""Functions whose operands autocast rounds and that networks are made of; any other one is torch's own matter."""


@cache
def has_bf16(device: torch.device) -> bool:
    """Say whether a GPU, of which all count, or this processor has instructions for bf16."""
    return device.type != "cpu" or any(torch.cpu.get_capabilities().get(name) for name in INSTRUCTIONS)


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """Return the context of a forward pass in bf16; its backward pass, outside, rounds the gradients as well."""
    if has_bf16(device):
        return torch.autocast(device.type, torch.bfloat16)
    return _autocast_in_fp32()


def products(device: torch.device) -> AbstractContextManager[object]:
    """Return the context of a forward pass whose tensors are in bf16 already."""
    return nullcontext() if has_bf16(device) else InFP32()


@contextmanager
def _autocast_in_fp32() -> Iterator[None]:
    with torch.autocast("cpu", torch.bfloat16), InFP32():
        yield


class InFP32(TorchFunctionMode):
    """Compute products in fp32 from operands that are rounded to bf16, and round what comes out.

    The gradients go back through the same casts, so autograd rounds them where autocast's would be rounded.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call a function of torch, a product in its own way."""
        given = kwargs or {}
        if func not in PRODUCTS:
            return func(*args, **given)
        with torch.autocast("cpu", enabled=False):
            return func(*map(_rounded, args), **{name: _rounded(value) for name, value in given.items()}).bfloat16()


def _rounded(value: Any) -> Any:
    """Return a tensor of floats as the fp32 numbers that bf16 can hold, anything else as it is."""
    floats = isinstance(value, Tensor) and value.is_floating_point()
    return value.bfloat16().float() if floats else value
