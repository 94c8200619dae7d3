"""Train as anybody would, by `lnlbench run` in a process of its own, where the true labels are of our choice."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from lnlbench.benchmark.conformance.subject import EPOCHS, NOISY, Subject
from lnlbench.benchmark.protocol.splits import prepare
from lnlbench.datasets.loading import cache as cached
from lnlbench.datasets.loading.images import embedded_cache, load
from lnlbench.leaderboard.results.marks import marked
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.store.address import DATABASE_VARIABLE, HOME_VARIABLE, URI_VARIABLE
from lnlbench.leaderboard.store.reader import StoreReader
from lnlbench.leaderboard.store.store import Store

LAUNCH = "import subprocess, sys; subprocess.Popen(sys.argv[1:])"
"""A process that begins another one and ends: no parent says what that one is run for."""


@dataclass(frozen=True)
class World:
    """What a process takes for the digits.

    Attributes:
        given: the labels to train on, int64 [N], of the whole training set.
        train, test: what it takes for the true labels, int64 [N] and [T].
        epochs: that it trains.
    """

    given: np.ndarray
    train: np.ndarray
    test: np.ndarray
    epochs: int = EPOCHS


def honest() -> World:
    """Return the digits as they are, under the noise of the checks."""
    images = load("digits")
    data = prepare(Subject("ce").prepared(NOISY)[0], 0, images)
    trained = np.zeros(len(images.train_labels), bool)
    trained[data.index.numpy()] = True
    given = np.empty_like(images.train_labels)
    given[trained], given[~trained] = data.split.given.numpy(), data.split.validation_given.numpy()
    return World(given, images.train_labels.copy(), images.test_labels.copy())


def moved() -> World:
    """Return the same given labels with other true ones, as many of them wrong; not of the validation part.

    Those a method may ask to be told.
    """
    true = honest()
    part = Subject("ce").prepared(NOISY)[1].index.numpy()
    offset = (true.train - true.given)[part]
    train = true.train.copy()
    train[part] = (true.given[part] + np.random.default_rng(0).permutation(offset)) % 10
    return World(true.given, train, (true.test + 1) % 10)


def shuffled() -> World:
    """Return given and true labels that say nothing of the images, and agree with each other as before."""
    true = honest()
    order = np.random.default_rng(1).permutation(len(true.train))
    return World(true.given[order], true.train[order], (true.test + 1) % 10)


def trained_apart(subjects: Sequence[Subject], worlds: Sequence[World]) -> list[list[Result | str]]:
    """Train methods in several worlds at once, a process each, to the end of a short schedule.

    Command line, environment, call stack and parent are those of a `lnlbench run` that somebody has left alone.

    Returns:
        for each method and world the result, or why there is none, in one line.
    """
    with ExitStack() as opened:
        trainings = []
        for world in worlds:
            folder = tempfile.TemporaryDirectory(prefix="lnlbench-", ignore_cleanup_errors=True)
            home = Path(opened.enter_context(folder))
            begun = _left_alone(_command(subjects, home, world.epochs), _furnished(home, world))
            trainings.append((home, opened.enter_context(begun)))
        found = [_results(home, *process.communicate()) for home, process in trainings]
        return [[of_world(subject) for of_world in found] for subject in subjects]


def _command(subjects: Sequence[Subject], home: Path, epochs: int) -> list[str]:
    plugins = dict.fromkeys(f"--plugin={file}" for subject in subjects for file in subject.plugins)
    methods = ", ".join(subject.text for subject in subjects)
    what = [f"digits/file:{home / 'labels.npy'}", "-m", methods, "-s", "0", "--epochs", str(epochs), *plugins]
    how = ["--device", "cpu", "--execution", "loop", "--jobs", "1", "--json"]
    return [sys.executable, "-P", "-m", "lnlbench.benchmark.cli", "run", *what, *how]


def _furnished(home: Path, world: World) -> dict[str, str]:
    """Put what a run needs into its home, and return the environment that names it."""
    digits = load("digits")
    labels = {"train_labels": world.train, "test_labels": world.test}
    images = {"train_images": digits.train_images, "test_images": digits.test_images}
    cached.write(embedded_cache(digits.card, home / "cache"), images | labels)
    np.save(home / "labels.npy", world.given)
    (home / "mlflow.db").write_bytes(_empty_store())
    others = {name: value for name, value in os.environ.items() if name not in (URI_VARIABLE, DATABASE_VARIABLE)}
    return others | {HOME_VARIABLE: str(home)}


@cache
def _empty_store() -> bytes:
    """Return the file of a store that nothing is in: MLflow takes seconds to make one."""
    with tempfile.TemporaryDirectory(prefix="lnlbench-") as folder:
        file, copy = Path(folder) / "mlflow.db", Path(folder) / "copy.db"
        Store(f"sqlite:///{file}").close()
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        return copy.read_bytes()


@contextmanager
def _left_alone(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Begin a command in a session of its own, and give what its output ends with; it is killed if the block fails."""
    launcher = subprocess.Popen(
        [sys.executable, "-I", "-c", LAUNCH, *command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,  # whose end comes with that of the last process that holds it
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        yield launcher
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(launcher.pid, signal.SIGKILL)
        raise


def _results(home: Path, said: str, complained: str) -> Callable[[Subject], Result | str]:
    """Return what says of each method what became of it in a home."""
    with StoreReader(f"sqlite:///{home / 'mlflow.db'}") as store:
        made = {marked(result.method)[0]: result for result in store.results()}
    failed: dict[str, str] = {}
    with suppress(ValueError, LookupError):
        for one in json.loads(said)["failed"]:
            _, _, named = one["run"].partition(" ")  # setting, method and replicate
            failed[marked(named.rpartition(" ")[0])[0]] = one["reason"]
    last = (said + complained).replace(str(home), "").strip().rpartition("\n")[2] or "it said nothing"
    return lambda subject: made.get(str(subject.method)) or failed.get(subject.text, last)
