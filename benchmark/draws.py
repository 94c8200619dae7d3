"""The randomness of hooks: drawn for a whole epoch at once, handed out step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lnlbench.benchmark.seeds import generator


class Draws:
    """What hooks draw, as a function of (names, position of the draw in the step, step).

    The n-th draw of a step is a row of a table made when it is first asked for, so that a step costs no generator and
    the numbers depend neither on other runs nor on where training was resumed.
    """

    def __init__(self, steps: int, device: torch.device, *names: object) -> None:
        self.steps, self.device, self.names = steps, device, names
        self.tables: list[Tensor] = []
        self.step = 0
        self.position = 0

    def at(self, step: int) -> None:
        """Begin a step."""
        self.step, self.position = step, 0

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Float32 in [0, 1)."""
        return self._next(lambda size, source: torch.rand(size, generator=source), shape)

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Float32, mean 0, variance 1."""
        return self._next(lambda size, source: torch.randn(size, generator=source), shape)

    def integers(self, high: int, shape: Sequence[int]) -> Tensor:
        """Int64 in 0 .. high - 1."""
        return self._next(lambda size, source: torch.randint(high, size, generator=source), shape)

    def _next(self, draw: Callable[[Sequence[int], torch.Generator], Tensor], shape: Sequence[int]) -> Tensor:
        if self.position == len(self.tables):
            source = generator("draws", *self.names, self.position)
            self.tables.append(draw((self.steps, *shape), source).to(self.device))
        row = self.tables[self.position][self.step]
        self.position += 1
        return row
