"""What the tests of the bench share: a CPU that replays steps as a GPU does."""

from contextlib import nullcontext

import pytest

from lnlbench.benchmark.engine.capture import RECORDERS


class Call:
    """Replays a step by taking it once more."""

    def __init__(self, device):
        pass

    def aside(self):
        return nullcontext()

    def record(self, take):
        return take


@pytest.fixture
def replays(monkeypatch):
    """Let the CPU replay steps."""
    monkeypatch.setitem(RECORDERS, "cpu", Call)
