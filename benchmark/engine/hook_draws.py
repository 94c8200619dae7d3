"""The randomness of hooks: drawn for a whole epoch at once, handed out step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from lnlbench.benchmark.protocol.seeds import generator

T = TypeVar("T")
Step = int | Tensor
"""A step of an epoch, from 0; or an int64 tensor [1] that holds it, from which the device reads it."""


def row(table: Tensor, step: Step) -> Tensor:
    """Return the row of a step in a table [steps, ...]."""
    return table.index_select(0, step).squeeze(0) if isinstance(step, Tensor) else table[step]


@dataclass(frozen=True)
class Request:
    """One draw that hooks ask for in every step."""

    kind: str  # a method of `Draws`
    arguments: tuple[Any, ...]


class Draws:
    """The random numbers of hooks, as a function of (names, position of the draw in the step, step).

    The n-th draw of a step is a row of a table made when it is first asked for, so that a step seeds no generator and
    the numbers depend neither on other runs nor on where training was resumed.
    """

    def __init__(self, steps: int, device: torch.device, *names: object) -> None:
        self.steps, self.device, self.names = steps, device, names
        self.requests: list[Request] = []
        self.tables: list[Tensor] = []
        self.step: Step = 0
        self.position = 0

    def at(self, step: Step) -> None:
        """Begin a step."""
        self.step, self.position = step, 0

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Float32 in [0, 1)."""
        return self._next(Request("uniform", (tuple(shape),)))

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Float32, mean 0, variance 1."""
        return self._next(Request("normal", (tuple(shape),)))

    def integers(self, high: int, shape: Sequence[int]) -> Tensor:
        """Int64 in 0 .. high - 1."""
        return self._next(Request("integers", (high, tuple(shape))))

    def make(self, request: Request) -> None:
        """Make the next table, before or when a hook asks for it."""
        *high, shape = request.arguments
        source = generator("draws", *self.names, len(self.tables))
        table = DRAWN[request.kind](*high, (self.steps, *shape), generator=source)
        self.requests.append(request)
        self.tables.append(table.to(self.device))

    def _next(self, request: Request) -> Tensor:
        if self.position == len(self.tables):
            self.make(request)
        self.position += 1
        return row(self.tables[self.position - 1], self.step)


DRAWN: dict[str, Callable[..., Tensor]] = {"uniform": torch.rand, "normal": torch.randn, "integers": torch.randint}


class UndrawnError(Exception):
    """A hook asks for a draw of which there is no table yet."""

    def __init__(self, request: Request) -> None:
        super().__init__(f"no table for {request}")
        self.request = request


class Handed:
    """The numbers of one step in place of `Draws`: drawn beforehand, and passed to a pure function as arguments."""

    def __init__(self, rows: Sequence[Tensor]) -> None:
        self.rows, self.position = rows, 0

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Float32 in [0, 1)."""
        return self._next(Request("uniform", (tuple(shape),)))

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Float32, mean 0, variance 1."""
        return self._next(Request("normal", (tuple(shape),)))

    def integers(self, high: int, shape: Sequence[int]) -> Tensor:
        """Int64 in 0 .. high - 1."""
        return self._next(Request("integers", (high, tuple(shape))))

    def _next(self, request: Request) -> Tensor:
        if self.position == len(self.rows):
            raise UndrawnError(request)
        self.position += 1
        return self.rows[self.position - 1]


class Tables:
    """The draws of many runs. Their kinds are learnt from the first step, which is tried until no table is missing."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def begin(self, steps: int, device: torch.device, replicates: Sequence[object], epoch: int) -> None:
        """Draw for an epoch."""
        sources = {name: Draws(steps, device, name, epoch) for name in replicates}
        place = {name: i for i, name in enumerate(sources)}
        self.sources = list(sources.values())
        self.which = torch.tensor([place[name] for name in replicates], device=device)
        self.tables = [self.table(request) for request in self.requests]

    def served(self, call: Callable[[list[Tensor]], T], step: Step) -> T:
        """Call with the numbers of a step, each [R, ...], and return the answer."""
        while True:
            try:
                return call([row(table, step) for table in self.tables])
            except UndrawnError as error:
                self.requests.append(error.request)
                self.tables.append(self.table(error.request))

    def table(self, request: Request) -> Tensor:
        """Draw the next numbers of an epoch: [steps, R, ...]."""
        for source in self.sources:
            source.make(request)
        return torch.stack([source.tables[-1] for source in self.sources], 1)[:, self.which]
