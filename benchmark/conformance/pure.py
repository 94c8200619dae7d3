"""Checks of single hooks as pure functions: under vmap, compiled, at extreme logits, and in the order of the batch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lnlbench.benchmark.conformance.subject import TOLD, Finding, Subject, raised
from lnlbench.benchmark.engine.stack_step import Floats, floats_of, with_floats
from lnlbench.methods._compose import Composition
from lnlbench.methods.base import Batch, Clock, Params, Predict, Task, remembering

SIZE = 16
EXTREME = (1e2, 1e4)
ORDERS = (".roll", "torch.roll", ".flip", "torch.arange", ".sort", "torch.sort", ".argsort")


class Rows:
    """Random numbers that are tensors of the caller's, so that `vmap` may give each run its own."""

    def __init__(self, uniform: Tensor, normal: Tensor) -> None:
        self.tables = {"uniform": uniform, "normal": normal}
        self.asked = False

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Float32 in [0, 1)."""
        return self._shaped("uniform", shape)

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Float32, mean 0, variance 1."""
        return self._shaped("normal", shape)

    def integers(self, high: int, shape: Sequence[int]) -> Tensor:
        """Int64 in 0 .. high - 1."""
        return (self._shaped("uniform", shape) * high).long()

    def _shaped(self, kind: str, shape: Sequence[int]) -> Tensor:
        self.asked = True
        return self.tables[kind][: math.prod(shape)].reshape(tuple(shape))


def stacks(subject: Subject) -> Iterator[Finding]:
    """Hooks are the same under `vmap` over two runs with different hyper-parameters, and compile without a break."""
    if not subject.method.stackable:
        yield Finding(
            "it is trained one run at a time, like every method with `stackable = False`, `ensemble`, `guess`, several "
            "views or strong ones",
            fault=False,
        )
        return
    one, two = (_arguments(subject.method, seed) for seed in (0, 1))

    method = subject.method

    def hooks(values: Floats, *args: Tensor) -> Any:
        return _hooks(with_floats(method, values), *args)

    try:
        together = torch.vmap(hooks, randomness="error")(*_stacked(one, two))
        for run, args in enumerate((one, two)):
            for expected, found in zip(_leaves(hooks(*args)), _leaves(together), strict=True):
                torch.testing.assert_close(found[run], expected, rtol=1e-5, atol=1e-6)
    except Exception as error:  # what hooks raise under `vmap` is of many kinds
        yield Finding(
            f"it cannot be stacked (vmap over two runs): {raised(error)}; make it pure, or say `stackable = False`",
            subject.where(error),
        )
        return
    torch.compiler.reset()
    try:
        built = with_floats(method, one[0])  # beforehand: to build a dataclass cannot be traced
        compiled = torch.compile(partial(_hooks, built), fullgraph=True, backend="eager")
        for expected, found in zip(_leaves(hooks(*one)), _leaves(compiled(*one[1:])), strict=True):
            torch.testing.assert_close(found, expected)
    except Exception as error:  # likewise
        yield Finding(
            f"it does not compile in one graph: {raised(error)}; make it pure, or say `stackable = False`",
            subject.where(error),
        )


def finite(subject: Subject) -> Iterator[Finding]:
    """Losses and their gradients are numbers at logits in the hundreds and ten thousands."""
    method = subject.method.tensors(torch.device("cpu"))
    for scale, progress in itertools.product(EXTREME, (0.0, 0.5, 0.99)):
        source = torch.Generator().manual_seed(0)
        targets = functional.one_hot(torch.randint(10, (64,), generator=source), 10).float()
        clock = _clock((progress * 100, 100.0, 0.0, progress), _rows(source))
        task = _task(method, targets)
        batch = Batch(targets, targets, torch.arange(64), method.start(task), _told(method))
        batch = _with_views(method, replace(batch, carried=method.carry(task)))
        batch = _guessed(method, batch, clock, partial(_answers, method.networks, scale))
        logits = scale * torch.randn(method.networks, batch.inputs.shape[-2], 10, generator=source)
        logits.requires_grad_()
        batch = remembering(batch, method.remember(logits.detach(), batch, clock))
        losses = method.loss(logits, batch, clock)
        slope = torch.autograd.grad(losses.sum(), logits, allow_unused=True)[0]
        where = subject.lines(["torch.log", ".log", "torch.exp", ".exp", ".pow", "torch.sqrt", ".sqrt", "torch.div"])
        for what, values in (("loss", losses), ("gradient", slope)):
            if values is not None and not bool(values.isfinite().all()):
                yield Finding(
                    f"its {what} is not finite at logits of about {scale:g} (progress {progress:g}); start from "
                    "`log_softmax`, and clamp what is divided by or taken the logarithm of",
                    where,
                )
                return


def follows_the_batch(subject: Subject) -> Iterator[Finding]:
    """Check that what is remembered, lost and selected follows its sample into another order of the batch."""
    source = torch.Generator().manual_seed(0)
    turn = torch.randperm(SIZE, generator=source)
    method = subject.method.tensors(torch.device("cpu"))
    targets = functional.one_hot(torch.randint(10, (SIZE,), generator=source), 10).float()
    inputs, index = torch.randn(SIZE, 10, generator=source), torch.randperm(SIZE, generator=source)
    task = _task(method, targets[index.argsort()])
    memory, carried = method.start(task), method.carry(task)
    if not all(rows.shape[:2] == (method.networks, SIZE) for rows in memory.values()):
        shapes = {name: tuple(rows.shape) for name, rows in memory.items()}
        yield Finding(
            f"memory must be [K, N, ...]: one row per network and sample, got {shapes}", subject.lines(["start"])
        )
        return
    if both := sorted(memory.keys() & carried.keys()):
        yield Finding(f"`start` and `carry` both remember {', '.join(both)}", subject.lines(["carry"]))
        return
    memory = {  # rows that differ, so that a mix-up shows
        name: rows + torch.rand(rows.shape, generator=source) if rows.is_floating_point() else rows
        for name, rows in memory.items()
    }
    found: list[dict[str, Tensor]] = []
    for order in (torch.arange(SIZE), turn):
        rows = {name: rows[:, index[order]] for name, rows in memory.items()}
        batch = Batch(inputs[order], targets[order], index[order], rows, _told(method), carried=carried)
        batch = _with_views(method, batch)
        clock = _clock((3.0, 10.0, 90.0, 0.3), random := _rows(torch.Generator().manual_seed(1)))
        networks = partial(_answers, method.networks, 1.0)
        batch = _guessed(method, batch, clock, networks)
        logits = networks(batch.inputs)
        kept = method.remember(logits, batch, clock)
        batch = remembering(batch, kept)
        kept = {name: values for name, values in kept.items() if name not in carried}
        losses = method.loss(logits, batch, clock)
        weight = method.select(losses, logits, batch, clock)
        found.append({**{f"remember ({name})": row for name, row in kept.items()}, "loss": losses, "select": weight})
        if random.asked:
            return  # what is drawn for a place of the batch stays in its place
    for name, values in found[0].items():
        turned = torch.cat([turn + start for start in range(0, values.shape[1], SIZE)])  # a wider batch is several
        if not torch.allclose(values[:, turned], found[1][name], rtol=1e-4, atol=1e-5, equal_nan=True):
            yield Finding(
                f"`{name}` mixes up samples: with the batch in another order, rows belong to other samples; row b of "
                "every answer is sample `batch.index[b]`",
                subject.lines(ORDERS),
            )


def _with_views(method: Composition, batch: Batch) -> Batch:
    """Return the batch, of inputs [B, P], with other views of them: each pixel less by a share of its own."""
    shares = torch.linspace(1, 0.5, batch.inputs.shape[-1])
    views = [batch.inputs * shares**power for power in range(1, method.views + method.strong)]
    weak = method.views - 1
    return replace(batch, views=tuple(views[:weak]), strong=tuple(views[weak:]))


def _answers(
    networks: int, scale: float, inputs: Tensor, training: bool = True, averaged: bool = False, commit: bool = False
) -> Tensor:
    """Logits [K, B, C] of linear networks, for inputs [B, P] or [K, B, P]."""
    weights = torch.randn(networks, inputs.shape[-1], 10, generator=torch.Generator().manual_seed(3))
    return scale * (inputs @ weights)


def _guessed(method: Composition, batch: Batch, clock: Clock, networks: Predict) -> Batch:
    """Return the batch as `guess` makes it."""
    return method.guess(networks, batch, clock) if method.answers("guess") else batch


def _clock(times: Sequence[float | Tensor], random: Rows) -> Clock:
    epoch, epochs, step, progress = (torch.as_tensor(time) for time in times)
    return Clock(epoch, epochs, step, progress, random)


def _told(method: Composition) -> dict[str, Tensor]:
    return {name: TOLD[name] for name in method.told if name in TOLD}


def _task(method: Composition, targets: Tensor) -> Task:
    return Task(targets, method.networks, _told(method))


def _rows(source: torch.Generator) -> Rows:
    return Rows(torch.rand(8192, generator=source), torch.randn(8192, generator=source))


def _hooks(method: Composition, logits: Tensor, targets: Tensor, times: Tensor, uniform: Tensor, normal: Tensor) -> Any:
    """All tensor hooks of one step, as one pure function of tensors."""
    networks = logits.shape[0]
    clock = _clock(times.unbind(), Rows(uniform, normal))
    task = _task(method, targets)
    batch = Batch(targets * 2, targets, torch.arange(targets.shape[0]), method.start(task), _told(method))
    batch = method.perturb(replace(batch, carried=method.carry(task)), clock)
    batch = remembering(batch, method.remember(logits, batch, clock))
    losses = method.loss(logits, batch, clock)
    weights = method.select(losses, logits, batch, clock)

    def grads_at(params: Params) -> Params:
        return [{n: p * batch.targets.mean() + losses.mean() for n, p in network.items()} for network in params]

    params = [{"w.weight": logits[k], "w.bias": targets[0]} for k in range(networks)]
    grads = method.gradient(grads_at, params, batch, clock)
    average = method.average(grads, grads, clock)
    depth = torch.linspace(0.25, 1, 4)
    by_depth = [method.renew(depth, clock), method.freeze(depth, clock)]
    return losses, weights, by_depth, [list(g.values()) for g in grads], [list(g.values()) for g in average]


def _arguments(method: Composition, seed: int) -> tuple[Any, ...]:
    """One run's values and tensors, its float hyper-parameters moved away from the defaults."""
    source = torch.Generator().manual_seed(seed)
    logits = torch.randn(method.networks, SIZE, 10, generator=source)
    targets = functional.one_hot(torch.randint(10, (SIZE,), generator=source), 10).float()
    values = floats_of(method.tensors(torch.device("cpu")))
    values = [{name: value * (1 + 0.05 * seed) for name, value in own.items()} for own in values]
    epoch = 3.0 + seed
    times = torch.tensor([epoch, 10.0, 30 * epoch, epoch / 10])
    return values, logits, targets, times, torch.rand(8192, generator=source), torch.randn(8192, generator=source)


def _leaves(tree: Any) -> list[Tensor]:
    if isinstance(tree, Tensor):
        return [tree]
    return list(itertools.chain.from_iterable(map(_leaves, tree)))


def _stacked(first: Any, second: Any) -> Any:
    if isinstance(first, Tensor):
        return torch.stack([first, second])
    if isinstance(first, dict):
        return {name: _stacked(first[name], second[name]) for name in first}
    return type(first)(_stacked(a, b) for a, b in zip(first, second, strict=True))
