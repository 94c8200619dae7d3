"""The step and the evaluation of one run as pure functions, which `vmap` turns into those of many runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import fields as fields_of
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad

from lnlbench.benchmark.engine.device import Compute
from lnlbench.benchmark.engine.epoch_numbers import weighted_mean
from lnlbench.benchmark.engine.hook_draws import Handed, Request
from lnlbench.benchmark.engine.optimisers import clipped
from lnlbench.methods._compose import Composition
from lnlbench.methods.base import Batch, Clock, Params, remembering

NORMALISATION = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)

Floats = list[dict[str, Tensor]]
"""The float fields of each part of a method."""


@dataclass
class Trace:
    """The facts about one step that are no tensors: the same for all runs of a stack."""

    passes: int = 0
    same_inputs: bool = True
    position: int = 0  # of the next draw


@dataclass(frozen=True)
class Pure:
    """The common part of the runs of a stack: the method's structure, the network's, and the execution."""

    method: Composition
    model: nn.Module  # its own weights are never used
    how: Compute
    low: frozenset[str]  # parameters that are multiplied in bf16
    grad_clip: float = 0.0

    def step(
        self,
        networks: Mapping[str, Params],
        given: Floats,
        fields: Sequence[Any],
        drawn: Sequence[Tensor],
        *,
        requests: list[Request],
        clock: Clock,
        trace: Trace,
    ) -> dict[str, Any]:
        """One step up to the gradient, in the order of `Loop.step`.

        Args:
            networks: `params` and `buffers` of the K networks.
            given: float fields of the method.
            fields: those of a `Batch`.
            drawn: the random numbers of this step, in the order in which the hooks ask.
            requests: what these numbers are.
            clock: its source of random numbers is replaced.
            trace: filled with the facts about the step that are no tensors.

        Returns:
            `grads`, the moved `buffers`, `logits`, `objective`, new `rows` of the memory with new values of what is
            carried, and `weight` where the method selects.

        Raises:
            UndrawnError: the hooks ask for more random numbers than there are.
            DrawError: they ask for others.
        """
        method, random = with_floats(self.method, given), Handed(drawn, requests)
        clock = replace(clock, random=random)
        raw = Batch(*fields)
        batch = method.perturb(raw, clock)
        trace.passes, trace.same_inputs = 0, batch.inputs is raw.inputs
        kept: dict[str, Any] = {}  # what the first call of `grads_at` commits
        start = 0  # of the numbers that its loss draws, and that of a later call draws again

        def first(params: Params) -> tuple[Tensor, dict[str, Any]]:
            nonlocal start
            buffers = [{name: buffer.clone() for name, buffer in network.items()} for network in networks["buffers"]]
            logits = self.forward(params, buffers, batch.inputs)
            seen = logits.detach()
            found: dict[str, Any] = {"buffers": buffers, "logits": seen, "rows": method.remember(seen, batch, clock)}
            now, start = remembering(batch, found["rows"]), random.position
            losses = method.loss(logits, now, clock)
            if method.answers("select"):
                found["weight"] = method.select(losses.detach(), seen, now, clock).detach()
            objective = weighted_mean(losses, found.get("weight")).sum()
            return objective, found | {"objective": objective.detach()}

        def again(params: Params) -> tuple[Tensor, dict[str, Any]]:
            buffers = [{name: buffer.clone() for name, buffer in network.items()} for network in networks["buffers"]]
            logits, now = self.forward(params, buffers, batch.inputs), remembering(batch, kept["rows"])
            with random.again(start):
                losses = method.loss(logits, now, clock)
            return weighted_mean(losses, kept.get("weight")).sum(), {}

        def grads_at(params: Params) -> Params:
            trace.passes += 1
            grads, found = grad(again if kept else first, has_aux=True)(params)
            kept.update(found)
            return list(grads)

        grads = clipped(method.gradient(grads_at, networks["params"], batch, clock), self.grad_clip)
        trace.position = random.position
        return {**kept, "grads": grads}

    def average(
        self,
        params: Params,
        averaged: Params,
        given: Floats,
        drawn: Sequence[Tensor],
        *,
        requests: list[Request],
        clock: Clock,
        trace: Trace,
    ) -> Params:
        """Return the parameters that are evaluated after a step that left `trace`."""
        random = Handed(drawn, requests)
        random.position = trace.position
        return with_floats(self.method, given).average(params, averaged, replace(clock, random=random))

    def forward(self, params: Params, buffers: Params, inputs: Tensor) -> Tensor:
        """Return logits [K, B, C] of inputs [B, ...] or [K, B, ...] in the model's mode; training moves the buffers."""
        several = inputs.ndim > 4
        with self.how.products():
            outputs = [
                functional_call(self.model, {**self.cast(params[k]), **buffers[k]}, (inputs[k] if several else inputs,))
                for k in range(len(params))
            ]
        return torch.stack(outputs).to(self.how.dtype)

    def cast(self, params: dict[str, Tensor]) -> dict[str, Tensor]:
        """Cast parameters to the type in which they are multiplied."""
        return {name: p.bfloat16() if name in self.low else p for name, p in params.items()}


def pure(method: Composition, model: nn.Module, how: Compute, grad_clip: float = 0.0) -> Pure:
    """Build the pure functions of a method and a network, which gets hooks where the precision is mixed."""
    return Pure(method, model, how, mixed(model) if how.precision == "bf16" else frozenset(), grad_clip)


def mixed(model: nn.Module) -> frozenset[str]:
    """Let a network compute in bf16 and its normalisation in float32, as autocast does, which `vmap` ignores.

    Returns:
        the names of the parameters that it expects in bf16.
    """

    def to(dtype: torch.dtype) -> Callable[[nn.Module, tuple[Any, ...]], tuple[Any, ...]]:
        return lambda _, given: tuple(x.to(dtype) if isinstance(x, Tensor) else x for x in given)

    low = set()
    for prefix, module in model.named_modules():
        if isinstance(module, NORMALISATION):
            module.register_forward_pre_hook(to(torch.float32))
            module.register_forward_hook(lambda _, given, output: output.bfloat16())
            continue
        if isinstance(module, (nn.Linear, nn.modules.conv._ConvNd)):
            module.register_forward_pre_hook(to(torch.bfloat16))
        low |= {f"{prefix}.{name}" if prefix else name for name, _ in module.named_parameters(recurse=False)}
    return frozenset(low)


def floats_of(method: Composition) -> Floats:
    """Return the float fields of each part of a method at work."""
    return [
        {f.name: getattr(part, f.name) for f in fields_of(part) if f.type in (float, "float")} for part in method.parts
    ]


def with_floats(method: Composition, given: Floats) -> Composition:
    """Return the method with other float fields."""
    return replace(method, parts=tuple(replace(part, **own) for part, own in zip(method.parts, given, strict=True)))
