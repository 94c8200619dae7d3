"""A clock and random numbers, for hooks that are asked outside of training."""

import pytest
import torch

from lnlbench.methods import Clock


class Drawn:
    """Fresh numbers of a fixed seed."""

    def __init__(self, seed):
        self.source = torch.Generator().manual_seed(seed)

    def uniform(self, shape):
        return torch.rand(shape, generator=self.source)

    def normal(self, shape):
        return torch.randn(shape, generator=self.source)

    def integers(self, high, shape):
        return torch.randint(high, shape, generator=self.source)


@pytest.fixture
def clock_at():
    """Make the clock of an epoch."""

    def make(epoch=0, epochs=100, step=0, seed=0):
        times = (torch.tensor(float(t), dtype=torch.float64) for t in (epoch, epochs, step, epoch / epochs))
        return Clock(*times, random=Drawn(seed))

    return make


@pytest.fixture
def at_work():
    """Make a method as the loop works with it, in float64."""
    from lnlbench.methods import parse

    return lambda text, classes=10: parse(text, classes).tensors(torch.device("cpu"), torch.float64)
