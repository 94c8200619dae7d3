"""Train jobs and yield the numbers of each epoch; nothing is logged or stored here."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

import torch

from lnlbench.benchmark.engine.cuda_graphs import GraphLoop, GraphStack
from lnlbench.benchmark.engine.device import Compute, check_device, choose_compute
from lnlbench.benchmark.engine.job import Epoch, Job
from lnlbench.benchmark.engine.loop import Loop
from lnlbench.benchmark.engine.stack import Stack
from lnlbench.benchmark.engine.stacking import (
    SLOTS,
    check_execution,
    check_optimiser,
    enough,
    graphs,
    grouped,
    stack_key,
    stacks,
)

Member = tuple[Job, dict[str, Any] | None]
"""A job, and the state that it continues from."""


def train(
    jobs: Iterable[Job],
    *,
    device: str = "auto",
    precision: str = "auto",
    execution: str = "auto",
    states: Iterable[dict[str, Any] | None] | None = None,
    slots: int = SLOTS,
) -> Iterator[tuple[Job, Epoch]]:
    """Train jobs: together where they can share a stack and it pays, else one after another; the numbers are the same.

    A stack that does not fit into memory goes on as two from the last epoch that all its runs had finished.

    Args:
        jobs: what to train.
        device: as in `fit`.
        precision: as in `fit`; jobs of several precisions share no stack.
        execution: "loop" (one run at a time), "stack", "auto": `stack` where it pays, or, on a GPU, "graph": as "auto",
            with the steps of stacks and of single runs replayed as CUDA graphs. What cannot be stacked is trained by
            itself in any case (a method that says so, a network with dropout); what cannot be replayed, step by step.
        states: to continue from, as in `fit`, one per job; None begins.
        slots: runs in one stack at most.

    Yields:
        a job and its `Epoch`, after each epoch of each job; `job.cancel()` ends one of them.

    Raises:
        ExecutionError: the requested device, precision or execution is not available on this machine.
        ModelError: a network that does not exist or cannot take the images, or an optimiser that timm does not have.
    """
    check_execution(execution, check_device(device, precision))
    every = list(jobs)
    for optimizer in {job.setting.optimizer for job in every}:
        check_optimiser(execution, optimizer)
    members = list(zip(every, [None] * len(every) if states is None else states, strict=True))
    computes = {id(job): choose_compute(device, precision, job.setting.precision) for job in every}

    def key(member: Member) -> Hashable:
        return computes[id(member[0])], stack_key(member[0]), begins(member)

    for group in grouped(members, key, slots):
        job = group[0][0]
        how = computes[id(job)]
        replayed = graphs(execution, how)
        kind = (how, job.setting, job.method, job.split.classes, job.split.shape)
        if stacks(execution, *kind) and enough(execution, how, len(group)):
            yield from _together(group, how, replayed)
        else:
            yield from _apart(group, how, replayed)


def fit(
    job: Job, *, device: str = "auto", precision: str = "auto", state: dict[str, Any] | None = None
) -> Iterator[Epoch]:
    """Train one job, by itself.

    Args:
        job: what to train.
        device: "auto", "cpu", "cuda" or "cuda:N".
        precision: "fp32", "bf16" (autocast), "fp64" or "auto": what the setting says, else bf16 on a GPU and fp32 on a
            CPU.
        state: the result of `Epoch.state()` of the same job, to continue after that epoch as if uninterrupted.

    Yields:
        one `Epoch` after each epoch; stop iterating, or `job.cancel()`, to stop training.

    Raises:
        ExecutionError: the requested device or precision is not available on this machine.
        ModelError: a network that does not exist or cannot take the images.
    """
    for _, epoch in _alone(job, state, choose_compute(device, precision, job.setting.precision), replayed=False):
        yield epoch


def begins(member: Member) -> tuple[int, bool]:
    """Return the epoch that a job continues with, and whether it has averaged weights."""
    state = member[1]
    return (0, False) if state is None else (state["epoch"], state["networks"]["averaged"] is not None)


def _apart(members: Sequence[Member], how: Compute, replayed: bool) -> Iterator[tuple[Job, Epoch]]:
    """Train one job after another."""
    for member in members:
        yield from _alone(*member, how, replayed)


def _alone(job: Job, state: dict[str, Any] | None, how: Compute, replayed: bool) -> Iterator[tuple[Job, Epoch]]:
    """Train one job."""
    run = (GraphLoop if replayed else Loop)(job, how)
    if state is not None:
        run.restore(state)
    while run.epoch < job.setting.epochs and not job.cancelled:
        epoch = run.advance()
        yield job, epoch
        if epoch.last:
            return


def _together(members: Sequence[Member], how: Compute, replayed: bool) -> Iterator[tuple[Job, Epoch]]:
    """Train jobs at once; in halves where memory does not suffice; one by one where the stack fails otherwise."""
    left = [member for member in members if begins(member)[0] < member[0].setting.epochs]
    stack, epochs, full, failure = None, list[tuple[Job, Epoch]](), False, ""
    while not failure:
        left = list(stack.members()) if stack else [member for member in left if not member[0].cancelled]
        if not left:
            return
        try:
            stack = stack or _begun(left, how, replayed)
            epochs = stack.advance()
        except Exception as error:  # what the hooks raise under `vmap` is of many kinds
            full, failure = out_of_memory(error), f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            if full and len(left) == 1:
                raise
        else:
            yield from (found for found in epochs if not found[0].cancelled)
    del stack, epochs  # an epoch can give its state, and so holds what it is made of
    gc.collect()
    if how.device.type == "cuda":
        torch.cuda.empty_cache()
    if full:
        for half in (left[: len(left) // 2], left[len(left) // 2 :]):
            yield from _together(half, how, replayed)
    else:
        yield from _apart(left, how, replayed)  # where one of them is to blame, the error is raised here, once more
        names = sorted({str(job.method) for job, _ in left})
        warnings.warn(f"{'; '.join(names)} cannot be stacked and was trained run by run: {failure}", stacklevel=3)


def _begun(members: Sequence[Member], how: Compute, replayed: bool) -> Stack:
    stack = (GraphStack if replayed else Stack)([job for job, _ in members], how)
    states = [state for _, state in members if state is not None]
    if states:
        stack.restore(states)
    return stack


def out_of_memory(error: Exception) -> bool:
    """Say whether an error means that a device's memory is full."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    told = ("out of memory", "can't allocate memory", "ALLOC_FAILED")
    return isinstance(error, RuntimeError) and any(text in str(error) for text in told)
