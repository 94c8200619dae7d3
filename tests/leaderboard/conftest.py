"""Results to rank, stores to fill and processes to race: shared by the tests of the leaderboard."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from lnlbench.leaderboard.results.archive import read
from lnlbench.leaderboard.results.result import Result, pack
from lnlbench.leaderboard.shipped import shipped
from lnlbench.leaderboard.store.recording import RunInfo
from lnlbench.leaderboard.store.store import Store

FINALS = Path(__file__).parent


@pytest.fixture(scope="session")
def make() -> Callable[..., Result]:
    """Make a result; without test accuracies, three epochs of them."""

    def result(**changes) -> Result:
        test = changes.pop("test", [0.5, 0.7, 0.6])
        validation = changes.pop("validation", test)
        label = changes.get("label", "ce")
        noise = changes.get("noise", "symmetric-0.4")
        identity = {
            "noise": {"realised_rate": 0.4, "nominal_rate": 0.4, "labels_sha256": "ab" * 32},
            "split": {"validation": 1000, "sha256": "cd" * 32},
        }
        values = {
            "key": hashlib.sha256(f"{label} {noise} {changes.get('replicate')} {test}".encode()).hexdigest(),
            "protocol": 1,
            "dataset": "digits",
            "setting": f"digits/{noise}",
            "noise": noise,
            "length": "fast",
            "track": "default",
            "method": f"{label}(q=0.7)",
            "label": label,
            "replicate": 0,
            "host": None,
            "told": (),
            "networks": 1,
            "classes": 10,
            "identity": identity,
            "curves": {"validation_accuracy": list(validation), "test_accuracy": list(test)} | changes.pop("more", {}),
            "report": len(test) - 1,
            "epochs": len(test),
            "diverged": False,
            "predictions": pack(np.zeros((len(test), 1, 4), np.uint8)),
            "cost": {"train_seconds": 1.5},
            "environment": {"lnlbench": "0.1.0"},
        }
        return Result(**(values | changes))

    return result


@pytest.fixture(scope="session")
def methods_on_mnist() -> list[Result]:
    """Thirty-eight methods on MNIST, three settings and replicates, of which the reported epoch alone is kept.

    Some are of former definitions, so that they ship no more: the counts that were computed from them stay tested.
    """
    return read(FINALS / "methods.jsonl.xz")


@pytest.fixture(scope="session")
def grid_on_mnist() -> list[Result]:
    """Seven methods in eight settings, five replicates; the reported epoch as above."""
    return read(FINALS / "grid.jsonl.xz")


@pytest.fixture(scope="session")
def package() -> list[Result]:
    """All results that come with the package, without predictions: read once for all tests."""
    return shipped()


@pytest.fixture(scope="session")
def info_of() -> Callable[[Result], RunInfo]:
    """Make what a store is told before the run that gives a result."""
    return RunInfo.of


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A fresh store."""
    opened = Store(url)
    yield opened
    opened.close()


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a script in a process of its own; what still runs after the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(script: str, *arguments: object) -> "subprocess.Popen[str]":
        command = [sys.executable, "-W", "error", "-c", script, *map(str, arguments)]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
