"""The runs of one study that do not wait for each other: in processes of one thread, or one after another."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

import torch

R = TypeVar("R")


def side_by_side(run: Callable[..., R], every: Sequence[tuple[Any, ...]], processes: int) -> list[R]:
    """Return what a function gives for each of several arguments, in their order.

    Args:
        run: of a module, so that another process finds it; what it takes and gives is sent between them.
        every: the arguments of each call.
        processes: that share the calls. One is this process, with the threads that it has. Several have one thread
            each: small networks gain by it, most of all beside other work, and the numbers are those of any machine.
    """
    if processes == 1:
        return [run(*arguments) for arguments in every]
    fresh = multiprocessing.get_context("spawn")  # a fork of a process that has computed with threads may hang
    with ProcessPoolExecutor(processes, fresh, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return list(pool.map(run, *zip(*every, strict=True)))
