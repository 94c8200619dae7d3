"""Which runs can share a stack, and whether it pays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields
from functools import lru_cache
from typing import TypeVar

import torch

from lnlbench.benchmark.engine.capture import RECORDERS
from lnlbench.benchmark.engine.device import Compute, ExecutionError
from lnlbench.benchmark.engine.job import Job
from lnlbench.benchmark.engine.models import build, check_timm_optimiser
from lnlbench.benchmark.engine.operations import Counter
from lnlbench.benchmark.engine.optimisers import OPTIMISERS, is_timm
from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.unknown_names import unknown
from lnlbench.methods._compose import Composition

EXECUTIONS = ("auto", "loop", "stack", "graph")
AUTO_GRAPH = False
"""Whether `auto` replays CUDA graphs on a GPU. Not yet: `graph` equals `loop` in what a CPU can test of it, but has not
run on a GPU (docs/performance.md has the command that tries it there). To be True once that has passed."""
SLOTS = 64
"""Runs in one stack at most: more fill no device better, and would have to wait for each other."""
SMALL = {"cuda": 1e10, "cpu": 2e7}
"""Operations of one training step up to which `auto` stacks.

Measured on one CPU core in fp32, 8 and 32 runs, `loop` / `stack`: MLP on 8×8 pixels at batch 32 (4e6) 1.9 and 3.5, the
small CNN there (2e7) 1.2 and 1.6, MLP on 28×28 at batch 128 (2e8) 1.1, the small CNN there (1e9) 0.4. For a GPU it is
an estimate, not a measurement: 1e10 are some 0.03 ms of arithmetic where dispatch takes 1 ms and more, and convolutions
of many runs become grouped ones, which may be slow where they are large."""
LEAST = {"cuda": 2, "cpu": 8}
"""Fewest runs that `auto` stacks: on a CPU core a stack of few is slower than one run after another."""

T = TypeVar("T")


def check_execution(execution: str, device: torch.device | None = None) -> None:
    """Refuse an unknown way to execute, or one that a device does not have.

    Raises:
        ExecutionError: naming those there are.
    """
    if execution not in EXECUTIONS:
        raise ExecutionError(unknown("execution", execution, EXECUTIONS))
    if execution == "graph" and device is not None and device.type not in RECORDERS:
        others = ", ".join(name for name in EXECUTIONS if name != "graph")
        raise ExecutionError(
            f"execution 'graph' replays CUDA graphs, but the device is {str(device)!r}; it has: {others}"
        )


def check_optimiser(execution: str, optimizer: str) -> None:
    """Refuse an optimiser that timm does not have, or that an execution cannot take.

    Raises:
        ModelError: timm does not have it.
        ExecutionError: naming those that the execution takes.
    """
    check_timm_optimiser(optimizer)
    if execution in ("stack", "graph") and is_timm(optimizer):
        raise ExecutionError(
            f"execution {execution!r} takes the optimisers {', '.join(OPTIMISERS)}; {optimizer} trains in 'loop' or "
            "'auto'"
        )


def graphs(execution: str, how: Compute) -> bool:
    """Say whether steps are replayed, of a stack or of one run.

    Raises:
        ExecutionError: an unknown execution, or one that the device does not have.
    """
    check_execution(execution, how.device)
    return execution == "graph" or (execution == "auto" and AUTO_GRAPH and how.device.type in RECORDERS)


def recipe_key(setting: Setting, method: Composition) -> Hashable:
    """Return a key that is equal for runs that can share a stack, if they train on as many images of one size.

    Learning rate, schedule, weight decay, momentum, noise, and every float field of a method may differ.
    """
    parts = [
        (type(part), *((f.name, repr(getattr(part, f.name))) for f in fields(part) if f.type not in (float, "float")))
        for part in method.parts
    ]
    recipe = (setting.dataset, setting.model, setting.epochs, setting.batch_size, setting.optimizer, setting.augment)
    return (*recipe, setting.validation, setting.grad_clip, tuple(parts))


def stack_key(job: Job) -> Hashable:
    """Return a key that is equal for jobs that can share a stack."""
    split = job.split
    sizes = (split.images.shape, split.validation_images.shape, split.classes, split.mean, split.std)
    probes = tuple((name, images.shape) for name, images in split.probes.items())
    return recipe_key(job.setting, job.method), sizes, probes


def grouped(items: Iterable[T], key: Callable[[T], Hashable], most: int) -> list[list[T]]:
    """Group items of equal key, at most so many and as evenly as possible, in the order in which keys first come."""
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    found = []
    for group in groups.values():
        parts = -(-len(group) // most)
        found += [group[len(group) * i // parts : len(group) * (i + 1) // parts] for i in range(parts)]
    return found


def may_stack(execution: str, how: Compute, method: Composition) -> bool:
    """Say whether `stacks` can be true, before the network is looked at.

    Raises:
        ExecutionError: an unknown execution, or one that the device does not have.
    """
    check_execution(execution, how.device)
    return method.stackable and execution != "loop"


def enough(execution: str, how: Compute, runs: int) -> bool:
    """Say whether there are enough runs for a stack."""
    return runs >= (1 if execution == "stack" else LEAST[how.device.type])


def stacks(
    execution: str, how: Compute, setting: Setting, method: Composition, classes: int, shape: tuple[int, int, int]
) -> bool:
    """Say whether runs of a kind are trained as a stack, however many there are: with `graph` as with `auto`.

    Never where the method says that it cannot be, or the network draws random numbers (dropout of any kind).

    Raises:
        ExecutionError: an unknown execution.
        ModelError: a network that cannot be built.
    """
    if not may_stack(execution, how, method) or is_timm(setting.optimizer):
        return False
    work, random = _measured(setting.model, classes, shape)
    return not random and (execution == "stack" or 3 * work * setting.batch_size <= SMALL[how.device.type])


@lru_cache(maxsize=64)
def _measured(model: str, classes: int, shape: tuple[int, int, int]) -> tuple[int, bool]:
    """Return the operations of one image's pass, and whether a pass in training mode draws random numbers."""
    network = build(model, classes, shape, 0)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        before = torch.get_rng_state()
        network.train()(torch.zeros(2, *shape))
        random = not torch.equal(before, torch.get_rng_state())
        with Counter() as counter:
            network.eval()(torch.zeros(1, *shape))
    return counter.operations, random
