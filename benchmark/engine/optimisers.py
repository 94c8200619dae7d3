"""The optimisers, as functions of parameters, gradients and state; each updates its arguments in place."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lnlbench.benchmark.engine.models import timm_optimiser
from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.methods.base import Params

SECOND, EPSILON = 0.999, 1e-8  # of Adam: β₂ and ε


@dataclass
class OptimiserState:
    """Moments of each parameter, and how many steps they have seen: between two epochs an int.

    While steps are replayed the device counts them, in a 0-d float64 tensor. `library` is the state of an optimiser of
    timm's, by its own names.
    """

    first: list[Tensor]
    second: list[Tensor]
    steps: int | Tensor = 0
    library: dict[str, Any] = field(default_factory=dict)

    def to(self, device: torch.device) -> OptimiserState:
        """Return the same state on a device."""
        first, second = [x.to(device) for x in self.first], [x.to(device) for x in self.second]
        return OptimiserState(first, second, self.steps, getattr(self, "library", {}))


def start(optimizer: str, params: list[Tensor]) -> OptimiserState:
    """Return the state before the first step: moments of zero."""
    if is_timm(optimizer):
        return OptimiserState([], [])
    first = [torch.zeros_like(p) for p in params]
    second = [torch.zeros_like(p) for p in params] if OPTIMISERS[optimizer].second else []
    return OptimiserState(first, second)


def clipped(grads: Params, bound: float) -> Params:
    """Return gradients scaled, network by network, to a Euclidean norm of at most `bound`; 0 scales none.

    As torch's `clip_grad_norm_` does for each of the K networks.
    """
    if not bound:
        return grads
    found = []
    for network in grads:
        norm = torch.stack([g.norm() for g in network.values()]).norm()
        scale = (bound / (norm + 1e-6)).clamp(max=1)
        found.append({name: g * scale for name, g in network.items()})
    return found


@torch.no_grad()
def sgd(
    params: list[Tensor],
    grads: list[Tensor],
    state: OptimiserState,
    lr: float,
    weight_decay: float,
    momentum: float,
    *,
    nesterov: bool = False,
) -> None:
    """Take a step of SGD with momentum and L2 weight decay on every parameter: v ← μ v + g + λ w, w ← w - η v.

    Nesterov's looks ahead: w ← w - η (g + λ w + μ v), as torch has it.
    """
    if nesterov and weight_decay:
        grads = torch._foreach_add(grads, params, alpha=weight_decay)  # type: ignore[assignment]
    torch._foreach_mul_(state.first, momentum)
    torch._foreach_add_(state.first, grads)
    if weight_decay and not nesterov:
        torch._foreach_add_(state.first, params, alpha=weight_decay)
    ahead = torch._foreach_add(grads, state.first, alpha=momentum) if nesterov else state.first
    torch._foreach_add_(params, ahead, alpha=-lr)
    state.steps += 1


@torch.no_grad()
def adam(
    params: list[Tensor],
    grads: list[Tensor],
    state: OptimiserState,
    lr: float,
    weight_decay: float,
    momentum: float,
    *,
    decoupled: bool = False,
) -> None:
    """Take a step of Adam with L2 weight decay; `momentum` is β₁ (Kingma and Ba, ICLR 2015, algorithm 1).

    Decoupled, weights decay by η λ w instead and the gradient knows nothing of it (Loshchilov and Hutter, ICLR 2019).
    """
    state.steps += 1
    if weight_decay and decoupled:
        torch._foreach_mul_(params, 1 - lr * weight_decay)
    elif weight_decay:
        grads = torch._foreach_add(grads, params, alpha=weight_decay)  # type: ignore[assignment]
    torch._foreach_lerp_(state.first, grads, 1 - momentum)
    torch._foreach_mul_(state.second, SECOND)
    torch._foreach_addcmul_(state.second, grads, grads, 1 - SECOND)
    scale = torch._foreach_sqrt(state.second)
    torch._foreach_div_(scale, (1 - SECOND**state.steps) ** 0.5)
    torch._foreach_add_(scale, EPSILON)
    torch._foreach_addcdiv_(params, state.first, scale, -lr / (1 - momentum**state.steps))


class Rule:
    """One of the rules for one run; all that it remembers is in the state."""

    def __init__(self, setting: Setting, update: Callable[..., None]) -> None:
        self.setting, self.update = setting, update

    def __call__(self, params: list[Tensor], grads: list[Tensor], state: OptimiserState, lr: float | Tensor) -> None:
        """Take a step."""
        self.update(params, grads, state, lr, self.setting.weight_decay, self.setting.momentum)

    def begin(self, state: OptimiserState) -> None:
        """Go on from a state."""

    def remember(self, state: OptimiserState) -> None:
        """Put all that is remembered into a state."""


class TimmRule(Rule):
    """An optimiser of timm's, which has a state of its own."""

    def __init__(self, setting: Setting, params: list[Tensor]) -> None:
        recipe = setting.optimizer, params, setting.lr, setting.weight_decay, setting.momentum
        self.make = partial(timm_optimiser, *recipe)
        self.optimiser = self.make()

    def __call__(self, params: list[Tensor], grads: list[Tensor], state: OptimiserState, lr: float | Tensor) -> None:
        """Take a step."""
        for group in self.optimiser.param_groups:
            group["lr"] = float(lr)
        for p, g in zip(params, grads, strict=True):
            p.grad = g
        self.optimiser.step()
        self.optimiser.zero_grad()
        state.steps += 1

    def begin(self, state: OptimiserState) -> None:
        """Go on from a state, anew where nothing is remembered."""
        self.optimiser = self.make()
        if state.library:
            self.optimiser.load_state_dict(copy.deepcopy(state.library))

    def remember(self, state: OptimiserState) -> None:
        """Put all that is remembered into a state."""
        state.library = self.optimiser.state_dict()


def rule_of(setting: Setting, params: list[Tensor], recordable: bool) -> Rule:
    """Return the rule of a setting for the parameters of one run, which can be replayed where steps are recorded."""
    if is_timm(setting.optimizer):
        return TimmRule(setting, params)
    ours = OPTIMISERS[setting.optimizer]
    return Rule(setting, ours.replayed if recordable else ours.plain)


def is_timm(optimizer: str) -> bool:
    """Say whether an optimiser is one of timm's, which trains one run at a time, step by step."""
    return optimizer.startswith("timm:")


@torch.no_grad()
def sgd_replayed(
    params: list[Tensor],
    grads: list[Tensor],
    state: OptimiserState,
    lr: Tensor,
    weight_decay: float,
    momentum: float,
    *,
    nesterov: bool = False,
) -> None:
    """Do as `sgd` with the learning rate and the count of steps in tensors, so that a recorded step follows them.

    torch's fused kernels would read the weights fewer times, but take the rate in float32 alone.
    """
    state.steps += 1
    grads = laid_alike(grads, params)
    if nesterov and weight_decay:
        grads = torch._foreach_add(grads, params, alpha=weight_decay)  # type: ignore[assignment]
    torch._foreach_mul_(state.first, momentum)
    torch._foreach_add_(state.first, grads)
    if weight_decay and not nesterov:
        torch._foreach_add_(state.first, params, alpha=weight_decay)
    ahead = torch._foreach_add(grads, state.first, alpha=momentum) if nesterov else state.first
    torch._foreach_add_(params, torch._foreach_mul(ahead, -lr))


@torch.no_grad()
def adam_replayed(
    params: list[Tensor],
    grads: list[Tensor],
    state: OptimiserState,
    lr: Tensor,
    weight_decay: float,
    momentum: float,
    *,
    decoupled: bool = False,
) -> None:
    """Do as `adam` with the learning rate and the count of steps in tensors, so that a recorded step follows them."""
    state.steps += 1
    pace, spread = -lr / (1 - momentum**state.steps), (1 - SECOND**state.steps) ** 0.5
    grads = laid_alike(grads, params)
    if weight_decay and decoupled:
        torch._foreach_mul_(params, 1 - lr * weight_decay)
    elif weight_decay:
        grads = torch._foreach_add(grads, params, alpha=weight_decay)  # type: ignore[assignment]
    torch._foreach_lerp_(state.first, grads, 1 - momentum)
    torch._foreach_mul_(state.second, SECOND)
    torch._foreach_addcmul_(state.second, grads, grads, 1 - SECOND)
    scale = torch._foreach_sqrt(state.second)
    torch._foreach_div_(scale, torch.as_tensor(spread).to(lr.dtype))
    torch._foreach_add_(scale, EPSILON)
    change = torch._foreach_div(state.first, scale)
    torch._foreach_mul_(change, pace.to(lr.dtype))
    torch._foreach_add_(params, change)


def laid_alike(grads: list[Tensor], params: list[Tensor]) -> list[Tensor]:
    """Lay out gradients as their parameters: one that differs would make every `_foreach` a loop."""
    pairs = zip(grads, params, strict=True)
    return [g if g.stride() == p.stride() else torch.empty_like(p).copy_(g) for g, p in pairs]


@dataclass(frozen=True)
class Rates:
    """The hyper-parameters of an optimiser, one value per run of a stack: float64 [R]."""

    lr: Tensor
    weight_decay: Tensor
    momentum: Tensor
    begun: Tensor  # the steps after which the optimiser began anew


@torch.no_grad()
def sgd_stack(
    params: list[Tensor], grads: list[Tensor], state: OptimiserState, rates: Rates, *, nesterov: bool = False
) -> None:
    """Do as `sgd` for many runs at once: the first axis of each tensor is the run."""
    state.steps += 1
    for p, g, v in zip(params, grads, state.first, strict=True):
        momentum, decay, pace = (_along(x, p) for x in (rates.momentum, rates.weight_decay, -rates.lr))
        if nesterov:
            g = torch.addcmul(g, p, decay)
            v.mul_(momentum).add_(g)
            p.addcmul_(torch.addcmul(g, v, momentum), pace)
        else:
            v.mul_(momentum).add_(g).addcmul_(p, decay)
            p.addcmul_(v, pace)


@torch.no_grad()
def adam_stack(
    params: list[Tensor], grads: list[Tensor], state: OptimiserState, rates: Rates, *, decoupled: bool = False
) -> None:
    """Do as `adam` for many runs at once: the first axis of each tensor is the run."""
    state.steps += 1
    steps = state.steps - rates.begun
    pace = -rates.lr / (1 - rates.momentum**steps)
    bias = (1 - SECOND**steps).sqrt()
    for p, g, v, s in zip(params, grads, state.first, state.second, strict=True):
        if decoupled:
            p.mul_(_along(1 - rates.lr * rates.weight_decay, p))
        else:
            g = torch.addcmul(g, p, _along(rates.weight_decay, p))
        v.lerp_(g, _along(1 - rates.momentum, p))
        s.mul_(SECOND).addcmul_(g, g, value=1 - SECOND)
        scale = s.sqrt().div_(_along(bias, p)).add_(EPSILON)
        p.addcmul_(v / scale, _along(pace, p))


def _along(values: Tensor, like: Tensor) -> Tensor:
    """Values of the runs [R], shaped and typed to go with a tensor [R, ...]."""
    return values.to(like.dtype).view(-1, *[1] * (like.ndim - 1))


@dataclass(frozen=True)
class Optimiser:
    """One of ours: the step of a run, the same recorded and replayed, and that of a stack."""

    plain: Callable[..., None]
    replayed: Callable[..., None]
    stacked: Callable[..., None]
    second: bool  # whether it keeps second moments

    def having(self, **options: bool) -> Optimiser:
        """Return the optimiser with options of its functions set."""
        plain, replayed, stacked = (partial(form, **options) for form in (self.plain, self.replayed, self.stacked))
        return replace(self, plain=plain, replayed=replayed, stacked=stacked)


_SGD = Optimiser(sgd, sgd_replayed, sgd_stack, second=False)
_ADAM = Optimiser(adam, adam_replayed, adam_stack, second=True)
OPTIMISERS = {
    "sgd": _SGD,
    "nesterov": _SGD.having(nesterov=True),
    "adam": _ADAM,
    "adamw": _ADAM.having(decoupled=True),
}
