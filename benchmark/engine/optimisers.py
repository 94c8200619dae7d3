"""The optimisers, as functions of parameters, gradients and state; each updates its arguments in place."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class OptimiserState:
    """Moments of each parameter, and how many steps they have seen: between two epochs an int.

    While steps are replayed the device counts them, in a 0-d float64 tensor.
    """

    first: list[Tensor]
    second: list[Tensor]
    steps: int | Tensor = 0

    def to(self, device: torch.device) -> OptimiserState:
        """Return the same state on a device."""
        return OptimiserState([x.to(device) for x in self.first], [x.to(device) for x in self.second], self.steps)


def start(optimizer: str, params: list[Tensor]) -> OptimiserState:
    """Return the state before the first step: moments of zero."""
    first = [torch.zeros_like(p) for p in params]
    second = [torch.zeros_like(p) for p in params] if optimizer == "adam" else []
    return OptimiserState(first, second)


@torch.no_grad()
def sgd(
    params: list[Tensor], grads: list[Tensor], state: OptimiserState, lr: float, weight_decay: float, momentum: float
) -> None:
    """SGD with momentum and L2 weight decay on every parameter: v ← μ v + g + λ w, w ← w - η v."""
    torch._foreach_mul_(state.first, momentum)
    torch._foreach_add_(state.first, grads)
    if weight_decay:
        torch._foreach_add_(state.first, params, alpha=weight_decay)
    torch._foreach_add_(params, state.first, alpha=-lr)
    state.steps += 1


@torch.no_grad()
def adam(
    params: list[Tensor], grads: list[Tensor], state: OptimiserState, lr: float, weight_decay: float, momentum: float
) -> None:
    """Adam with L2 weight decay; `momentum` is β₁, β₂ is 0.999, ε 1e-8 (Kingma and Ba, ICLR 2015, algorithm 1)."""
    second = 0.999
    state.steps += 1
    if weight_decay:
        grads = torch._foreach_add(grads, params, alpha=weight_decay)  # type: ignore[assignment]
    torch._foreach_lerp_(state.first, grads, 1 - momentum)
    torch._foreach_mul_(state.second, second)
    torch._foreach_addcmul_(state.second, grads, grads, 1 - second)
    scale = torch._foreach_sqrt(state.second)
    torch._foreach_div_(scale, (1 - second**state.steps) ** 0.5)
    torch._foreach_add_(scale, 1e-8)
    torch._foreach_addcdiv_(params, state.first, scale, -lr / (1 - momentum**state.steps))


OPTIMISERS = {"sgd": sgd, "adam": adam}


@torch.no_grad()
def sgd_replayed(
    params: list[Tensor], grads: list[Tensor], state: OptimiserState, lr: Tensor, weight_decay: float, momentum: float
) -> None:
    """`sgd` with the learning rate and the count of steps in tensors, so that a recorded step follows them.

    torch's fused kernels would read the weights fewer times, but take the rate in float32 alone.
    """
    state.steps += 1
    torch._foreach_mul_(state.first, momentum)
    torch._foreach_add_(state.first, laid_alike(grads, params))
    if weight_decay:
        torch._foreach_add_(state.first, params, alpha=weight_decay)
    torch._foreach_add_(params, torch._foreach_mul(state.first, -lr))


@torch.no_grad()
def adam_replayed(
    params: list[Tensor], grads: list[Tensor], state: OptimiserState, lr: Tensor, weight_decay: float, momentum: float
) -> None:
    """`adam` with the learning rate and the count of steps in tensors, so that a recorded step follows them."""
    second = 0.999
    state.steps += 1
    pace, spread = -lr / (1 - momentum**state.steps), (1 - second**state.steps) ** 0.5
    grads = laid_alike(grads, params)
    if weight_decay:
        grads = torch._foreach_add(grads, params, alpha=weight_decay)  # type: ignore[assignment]
    torch._foreach_lerp_(state.first, grads, 1 - momentum)
    torch._foreach_mul_(state.second, second)
    torch._foreach_addcmul_(state.second, grads, grads, 1 - second)
    scale = torch._foreach_sqrt(state.second)
    torch._foreach_div_(scale, torch.as_tensor(spread).to(lr.dtype))
    torch._foreach_add_(scale, 1e-8)
    change = torch._foreach_div(state.first, scale)
    torch._foreach_mul_(change, pace.to(lr.dtype))
    torch._foreach_add_(params, change)


def laid_alike(grads: list[Tensor], params: list[Tensor]) -> list[Tensor]:
    """Lay out gradients as their parameters: one that differs would make every `_foreach` a loop."""
    pairs = zip(grads, params, strict=True)
    return [g if g.stride() == p.stride() else torch.empty_like(p).copy_(g) for g, p in pairs]


REPLAYED = {"sgd": sgd_replayed, "adam": adam_replayed}


@dataclass(frozen=True)
class Rates:
    """What the optimiser is told, one value per run of a stack: float64 [R]."""

    lr: Tensor
    weight_decay: Tensor
    momentum: Tensor
    begun: Tensor  # the steps after which the optimiser began anew


@torch.no_grad()
def sgd_stack(params: list[Tensor], grads: list[Tensor], state: OptimiserState, rates: Rates) -> None:
    """`sgd` of many runs at once: the first axis of each tensor is the run."""
    state.steps += 1
    for p, g, v in zip(params, grads, state.first, strict=True):
        v.mul_(_along(rates.momentum, p)).add_(g).addcmul_(p, _along(rates.weight_decay, p))
        p.addcmul_(v, _along(-rates.lr, p))


@torch.no_grad()
def adam_stack(params: list[Tensor], grads: list[Tensor], state: OptimiserState, rates: Rates) -> None:
    """`adam` of many runs at once: the first axis of each tensor is the run."""
    second = 0.999
    state.steps += 1
    steps = state.steps - rates.begun
    pace = -rates.lr / (1 - rates.momentum**steps)
    bias = (1 - second**steps).sqrt()
    for p, g, v, s in zip(params, grads, state.first, state.second, strict=True):
        g = torch.addcmul(g, p, _along(rates.weight_decay, p))
        v.lerp_(g, _along(1 - rates.momentum, p))
        s.mul_(second).addcmul_(g, g, value=1 - second)
        scale = s.sqrt().div_(_along(bias, p)).add_(1e-8)
        p.addcmul_(v / scale, _along(pace, p))


def _along(values: Tensor, like: Tensor) -> Tensor:
    """Values of the runs [R], shaped and typed to go with a tensor [R, ...]."""
    return values.to(like.dtype).view(-1, *[1] * (like.ndim - 1))


STACKED = {"sgd": sgd_stack, "adam": adam_stack}
