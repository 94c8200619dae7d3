"""How many threads a CPU computes with."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def threads(count: int = 1) -> Iterator[None]:
    """Compute with so many threads, then with as many as before.

    The order of a sum depends on them. So every run has one, however many others are made beside it, and equal keys are
    equal results to the bit; a process per core is also faster than several threads in one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
