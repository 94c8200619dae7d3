"""Record a step and replay it: warm up, record, check the record against the step itself, then replay."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from lnlbench.benchmark.engine.device import Compute

Take = Callable[[], None]
"""Takes a step: whatever changes from step to step is read from tensors, and all results are written into tensors."""
Named = dict[str, list[Tensor]]
CHECKED = 2
"""Steps that are compared. A result written to another address than it is read from shows only in the second."""
TOLERANCE = {"fp64": 1e-9, "fp32": 1e-3, "bf16": 5e-2}
"""Relative to how far the tensors moved in the compared steps; sums on a GPU do not repeat to the last bit."""


class ReplayError(Exception):
    """A recorded step does not give the results of the step itself."""


class Recorder(Protocol):
    """How steps are recorded on a kind of device."""

    def aside(self) -> AbstractContextManager[object]:
        """Return the context in which steps are taken, recorded or not."""

    def record(self, take: Take) -> Take:
        """Record the step for replay at the same addresses; it may be taken meanwhile."""


class CudaGraph:
    """Records a step as one CUDA graph, whose memory is a pool of its own that goes with it.

    Steps are warmed up and recorded on one stream that is not the default one: autograd keeps the stream on which a
    weight was first used, and cuBLAS its workspace for each stream (PyTorch, "CUDA semantics", whole-network capture).
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.stream = device, torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Run on the stream: after all work queued before, and before all work queued later."""
        current = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(current)
        try:
            with torch.cuda.stream(self.stream):
                yield
        finally:
            current.wait_stream(self.stream)

    def record(self, take: Take) -> Take:
        """Record the step as one launch."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream):
            take()
        return graph.replay


RECORDERS: dict[str, Callable[[torch.device], Recorder]] = {"cuda": CudaGraph}
"""By type of device; where there is none, nothing is replayed."""


class Replays:
    """Takes the steps of one run, or of one stack, by replaying a recorded one where that gives the same results.

    Attributes:
        failure: why steps are not replayed any more; empty while they are.
    """

    def __init__(self, how: Compute, name: str) -> None:
        self.recorder = RECORDERS[how.device.type](how.device)
        self.how, self.name, self.failure = how, name, ""
        self.replay: Take | None = None
        self.places: list[object] = []

    def run(self, count: int, take: Take, tensors: Callable[[], dict[str, Any]]) -> bool:
        """Take so many steps.

        Args:
            count: of steps.
            take: takes the next one.
            tensors: returns all tensors that a step reads or writes and that could move; a record is void once one of
                them has another address or shape. Raises `ReplayError` for a step that cannot be recorded.

        Returns:
            whether there is a record now.
        """
        with self.recorder.aside():
            if self.replay and self.places != places(named(tensors())):
                self.replay = None  # and with it the pool of its graph, before there is another
            if not self.replay and not self.failure:
                take()  # for itself, and to make what only a first step makes
                count -= 1
                if count >= CHECKED:
                    self.record(take, tensors)
                    count -= CHECKED
            again = self.replay or take
            for _ in range(count):
                again()
        return self.replay is not None

    def record(self, take: Take, tensors: Callable[[], dict[str, Any]]) -> None:
        """Take the steps that are compared, and replay the record from then on if it gives the same results."""
        try:
            held = named(tensors())
        except ReplayError as error:
            held = {}
            self.fail(error)
        before = cloned(held)
        for _ in range(CHECKED):
            take()
        if self.failure:
            return
        expected = cloned(held)
        settled(held, before)
        try:
            replay = self.recorder.record(take)
            settled(held, before)
            for _ in range(CHECKED):
                replay()
            check(held, expected, before, TOLERANCE[self.how.precision])
        except Exception as error:  # what a capture raises is of many kinds
            settled(held, expected)
            self.fail(error.__context__ or error)  # the end of a broken capture raises once more
        else:
            self.replay, self.places = replay, places(held)

    def fail(self, error: BaseException) -> None:
        """Replay nothing from here on, and say why."""
        where = "" if isinstance(error, ReplayError) else origin(error)
        self.failure = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}{where}"
        warnings.warn(f"{self.name} cannot be replayed and is trained step by step: {self.failure}", stacklevel=3)


def origin(error: BaseException) -> str:
    """Return the innermost line of this package in a traceback, as in " (methods/gce.py:34)"."""
    root = Path(__file__).parents[2]
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    ours = [(path.relative_to(root), line) for path, line in frames if path.is_relative_to(root)]
    return f" ({ours[-1][0].as_posix()}:{ours[-1][1]})" if ours else ""


@torch.no_grad()
def check(found: Named, expected: Named, before: Named, tolerance: float) -> None:
    """Compare tensors with their expected values, by name.

    Raises:
        ReplayError: the Euclidean distance exceeds rounding and `tolerance` times the distance from `before`.
    """
    for name in found:
        gap = way = size = rounding = 0.0
        for x, y, z in zip(found[name], expected[name], before[name], strict=True):
            gap, way, size = gap + apart(x, y), way + apart(y, z), size + apart(y.nan_to_num(), torch.zeros_like(y))
            rounding = max(rounding, torch.finfo(y.dtype).eps if y.is_floating_point() else 0.0)
        if gap and not gap**0.5 <= tolerance * way**0.5 + 4 * rounding * size**0.5:
            raise ReplayError(
                f"after {CHECKED} replayed steps {name} are {gap**0.5:.2g} off, having gone {way**0.5:.2g}"
            )


def apart(x: Tensor, y: Tensor) -> float:
    """Return the squared Euclidean distance; equal infinities, and NaN in both, count as no distance."""
    same = (x == y) | ((x != x) & (y != y))
    return float(torch.where(same, 0.0, x.double() - y.double()).square().sum())


def leaves(tree: Any) -> list[Tensor]:
    """Return the tensors within dicts, lists, tuples and dataclasses, in order."""
    if isinstance(tree, Tensor):
        return [tree]
    return [x for _, part in parts(tree) for x in leaves(part)]


def parts(tree: Any) -> list[tuple[Any, Any]]:
    """Return the items of a dict, list, tuple or dataclass, by key; none of anything else."""
    if isinstance(tree, dict):
        return list(tree.items())
    if isinstance(tree, (list, tuple)):
        return list(enumerate(tree))
    return [(f.name, getattr(tree, f.name)) for f in fields(tree)] if is_dataclass(tree) else []


def named(trees: dict[str, Any]) -> Named:
    """Return the tensors within trees."""
    return {name: leaves(tree) for name, tree in trees.items()}


def places(tensors: Named) -> list[object]:
    """Return address and layout of each tensor."""
    return [(x.data_ptr(), x.dtype, x.shape, x.stride()) for x in leaves(tensors)]


def cloned(tensors: Named) -> Named:
    """Return copies of the tensors."""
    return {name: [x.detach().clone() for x in part] for name, part in tensors.items()}


@torch.no_grad()
def settled(old: Any, new: Any) -> Any:
    """Return `new`, its values copied into the tensors of `old` where these agree in type and shape.

    Dicts, lists, tuples and dataclasses are traversed; all else is that of `new`.
    """
    if isinstance(new, Tensor):
        alike = isinstance(old, Tensor) and (old.dtype, old.shape, old.device) == (new.dtype, new.shape, new.device)
        return new if old is new or not alike else old.copy_(new)
    known = dict(parts(old))
    held = {key: settled(known.get(key), part) for key, part in parts(new)}
    if isinstance(new, dict):
        return held
    if isinstance(new, (list, tuple)):
        return type(new)(held.values())
    return replace(new, **held) if held else new
