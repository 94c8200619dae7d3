"""The randomness of hooks: drawn for a whole epoch at once, handed out step by step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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

    kind: str  # a method of `Numbers`
    arguments: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(map(str, self.arguments))})"


class DrawError(ValueError):
    """Hooks ask for other random numbers than in the step before: whose these are cannot be told."""


class Numbers(ABC):
    """The random numbers of a step, each with its place in it, which asks for the same in every step."""

    def __init__(self, requests: list[Request]) -> None:
        self.requests, self.position = requests, 0

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Float32 in [0, 1)."""
        return self._next(Request("uniform", (tuple(shape),)))

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Float32, mean 0, variance 1."""
        return self._next(Request("normal", (tuple(shape),)))

    def integers(self, high: int, shape: Sequence[int]) -> Tensor:
        """Int64 in 0 .. high - 1."""
        return self._next(Request("integers", (high, tuple(shape))))

    @contextmanager
    def again(self, position: int) -> Iterator[None]:
        """Hand out the numbers from a position on once more; afterwards go on where this began."""
        here, self.position = self.position, position
        yield
        self.position = here

    @abstractmethod
    def make(self, request: Request) -> None:
        """Make the numbers of the next place, before or when a hook asks for them."""

    @abstractmethod
    def numbers(self, position: int) -> Tensor:
        """Return the numbers at a place."""

    def _next(self, request: Request) -> Tensor:
        if self.position == len(self.requests):
            self.make(request)
        if self.requests[self.position] != request:
            raise DrawError(
                f"draw {self.position + 1} of a step was {self.requests[self.position]} before, and is {request} now: "
                "hooks must draw the same in every step, in the same order"
            )
        self.position += 1
        return self.numbers(self.position - 1)


class Draws(Numbers):
    """The random numbers of hooks, as a function of (names, position of the draw in the step, step).

    The n-th draw of a step is a row of a table made when it is first asked for, so that a step seeds no generator and
    the numbers depend neither on other runs nor on where training was resumed.
    """

    def __init__(self, steps: int, device: torch.device, *names: object) -> None:
        super().__init__([])
        self.steps, self.device, self.names = steps, device, names
        self.tables: list[Tensor] = []
        self.step: Step = 0

    def at(self, step: Step) -> None:
        """Begin a step."""
        self.step, self.position = step, 0

    def make(self, request: Request) -> None:
        """Make the next table."""
        *high, shape = request.arguments
        source = generator("draws", *self.names, len(self.tables))
        table = DRAWN[request.kind](*high, (self.steps, *shape), generator=source)
        self.requests.append(request)
        self.tables.append(table.to(self.device))

    def numbers(self, position: int) -> Tensor:
        """Return the row of the step in a table."""
        return row(self.tables[position], self.step)


DRAWN: dict[str, Callable[..., Tensor]] = {"uniform": torch.rand, "normal": torch.randn, "integers": torch.randint}


class UndrawnError(Exception):
    """A hook asks for a draw of which there is no table yet."""

    def __init__(self, request: Request) -> None:
        super().__init__(f"no table for {request}")
        self.request = request


class Handed(Numbers):
    """The numbers of one step in place of `Draws`: drawn beforehand, and passed to a pure function as arguments."""

    def __init__(self, rows: Sequence[Tensor], requests: list[Request]) -> None:
        super().__init__(requests)
        self.rows = rows

    def make(self, request: Request) -> None:
        """Say what is missing."""
        raise UndrawnError(request)

    def numbers(self, position: int) -> Tensor:
        """Return what was handed over."""
        return self.rows[position]


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
