"""Checks that watch a short training: host synchronisation, where samples are stored, and what an epoch costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lnlbench.benchmark.conformance.subject import NOISY, Finding, Subject
from lnlbench.benchmark.engine.batches import Order
from lnlbench.benchmark.engine.device import choose_compute
from lnlbench.benchmark.engine.hook_draws import Step
from lnlbench.benchmark.engine.job import Job
from lnlbench.benchmark.engine.loop import Loop
from lnlbench.methods.base import Batch

CHECKED = ("inv", "solve", "cholesky", "lu_factor", "ldl_factor")  # their results, by the host
ITERATED = ("eig", "eigh", "eigvals", "eigvalsh", "svd", "svdvals", "pinv", "matrix_rank")  # as long as the host says
SYNCS = {
    "item": ".item()", "tolist": ".tolist()", "cpu": ".cpu()", "numpy": ".numpy()", "__array__": "numpy on a tensor",
    "__float__": "float(tensor)", "__bool__": "bool(tensor), as in `if tensor:`", "__int__": "int(tensor)",
    "__index__": "a tensor as an integer", "__format__": "a tensor in a text", "__repr__": "a tensor in a text",
    "nonzero": ".nonzero()", "masked_select": ".masked_select()", "unique": ".unique()",
    "inverse": ".inverse(); `torch.linalg.inv_ex` does not", "cholesky": ".cholesky()", "svd": ".svd()",
    **{f"linalg_{name}": f"torch.linalg.{name}; `torch.linalg.{name}_ex` does not" for name in CHECKED},
    **{f"linalg_{name}": f"torch.linalg.{name}" for name in ITERATED},
}  # fmt: skip
ON_THE_HOST = {"stop", "report"}  # hooks that are asked between epochs, of plain numbers


class Watch(TorchFunctionMode):
    """Notes what makes the host wait for the device, and the line of the method that asks for it."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.subject = subject
        self.found: dict[tuple[str, str], None] = {}

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if what := _waits(getattr(function, "__name__", ""), args):
            caller = self.subject.caller()
            if caller is not None and caller[1] not in ON_THE_HOST:
                self.found[what, caller[0]] = None
        return function(*args, **(kwargs or {}))


def _waits(name: str, args: tuple[Any, ...]) -> str | None:
    if name == "__getitem__":
        keys = args[1] if isinstance(args[1], tuple) else (args[1],)
        mask = any(isinstance(key, Tensor) and key.dtype == torch.bool for key in keys)
        return "a mask as an index, whose size is not known before" if mask else None
    if name == "where" and len(args) == 1:
        return "torch.where with one argument"
    if name == "to" and any(isinstance(one, str) and one.startswith("cpu") for one in args[1:]):
        return '.to("cpu")'
    return SYNCS.get(name)


def stays_on_the_device(subject: Subject) -> Iterator[Finding]:
    """No hook makes the host wait for the device."""
    watch = Watch(subject)
    with watch:
        subject.train(subject.job(NOISY, 2))
    for what, where in watch.found:
        yield Finding(f"the host waits for the device: {what}; stay in tensors (`torch.where`, `clamp`)", where)


class Moved(Loop):
    """A run over the same samples in the same batches, stored elsewhere in the training set."""

    inverse: Tensor

    def batch(self, order: Order, step: Step) -> Batch:
        """Return the batch of a step, its indices those of the other places."""
        return super().batch(replace(order, index=self.inverse[order.index]), step)


def follows_the_index(subject: Subject) -> Iterator[Finding]:
    """Where a sample is stored in the training set changes nothing: every index is used for its own sample."""
    job = subject.job(NOISY, 3)
    place = torch.randperm(len(job.split.given), generator=torch.Generator().manual_seed(2))
    split = replace(job.split, images=job.split.images[place], given=job.split.given[place])
    how = choose_compute("cpu", "fp32")
    plain, moved = Loop(job, how), Moved(Job(job.setting, job.method, job.replicate, split, job.told), how)
    moved.inverse = place.argsort()
    where = subject.lines([".index", "torch.arange", ".roll", "torch.roll", ".flip"])
    try:
        for _ in range(3):
            a, b = plain.advance(), moved.advance()
            if not (a.diverged or b.diverged) and abs(a.loss - b.loss) > 1e-3 * max(1.0, abs(a.loss)):
                yield Finding(
                    f"it mixes up indices: with the training set stored in another order the objective of epoch "
                    f"{a.epoch} is {b.loss:.4g}, not {a.loss:.4g}",
                    where,
                )
                return
    except IndexError as error:
        yield Finding(f"it mixes up indices: {error}", subject.where(error))
        return
    for name, rows in plain.memory.items():
        if rows.is_floating_point() and not torch.allclose(rows[:, place], moved.memory[name], rtol=1e-2, atol=1e-3):
            yield Finding(f"it mixes up indices: the memory {name!r} holds other samples' rows", where)


def cost(subject: Subject) -> Iterator[Finding]:
    """Report the cost of an epoch beside cross-entropy: a fact, no fault."""
    runs = {text: Subject(text) for text in ("ce", subject.text)}
    seconds: dict[str, list[float]] = {text: [] for text in runs}
    passes = (1.0, 1.0)
    for _ in range(3):  # in turn, so that a busy machine troubles both alike
        for text, one in runs.items():
            *_, last = epochs = subject.train(one.job(NOISY, 2))
            seconds[text].append(min(epoch.train_seconds for epoch in epochs))
            passes = last.forward, last.backward
    ratio = median(seconds[subject.text]) / median(seconds["ce"])
    yield Finding(
        f"{ratio:.2f} × the time of cross-entropy; {passes[0]:g} forward and {passes[1]:g} backward passes a sample",
        fault=False,
        result="ok",
    )
