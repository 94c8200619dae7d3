"""Checks that train: a method learns, and what it learns does not depend on a true label."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from lnlbench.benchmark.conformance.apart import honest, moved, shuffled, trained_apart
from lnlbench.benchmark.conformance.subject import CHANCE, CLEAN, EPOCHS, NOISY, Finding, Subject
from lnlbench.benchmark.engine.job import Epoch
from lnlbench.benchmark.protocol.splits import TEST
from lnlbench.benchmark.runs.metrics import accuracy
from lnlbench.datasets.loading.images import load
from lnlbench.leaderboard.results.predictions import unpack
from lnlbench.leaderboard.results.result import Result

NEAR = 0.15  # below cross-entropy on clean labels
LARGER = 10  # times the setting's learning rate, still within what tuning searches: for losses of small gradients
SECRET = (
    "lnlbench.datasets", "lnlbench.benchmark", "lnlbench.leaderboard", "datasets", "sklearn.datasets", "torchvision",
    "gc",
)  # fmt: skip
WAYS = (
    "gc", "inspect", "sys._getframe", "._getframe", ".get_objects", ".currentframe", ".f_back", ".f_locals", ".truth",
    ".train_labels", ".test_labels", ".target", "open", ".read_bytes", "np.load", "torch.load", "sklearn.datasets",
    "lnlbench.datasets.loading.images", "lnlbench.datasets.loading.images.load", "lnlbench.benchmark",
    "lnlbench.benchmark.protocol.splits",
)  # fmt: skip


def learns(subject: Subject) -> Iterator[Finding]:
    """Digits: three times chance under noise, near cross-entropy without."""
    noisy, clean = (_accuracy(subject, name) for name in (NOISY, CLEAN))
    if noisy < 3 * CHANCE:
        yield Finding(
            f"it does not learn: {100 * noisy:.1f} % on {NOISY}, where guessing gives 10 %", subject.lines(["loss"])
        )
    least = _cross_entropy() - NEAR
    if clean < least:
        larger = _accuracy(subject, CLEAN, LARGER)
        yield Finding(
            f"far below cross-entropy without noise: {100 * clean:.1f} % on {CLEAN}, and {100 * larger:.1f} % at "
            f"{LARGER} times the learning rate, where cross-entropy has {100 * _cross_entropy():.1f} %; at either, "
            f"{100 * least:.1f} % are due",
            fault=larger < least,
        )


def sees_no_true_label(subject: Subject) -> Iterator[Finding]:
    """Other true and test labels wherever an ordinary run has them: the same training, bit for bit."""
    for module in SECRET:
        if where := subject.imports(module):
            yield Finding(
                f"it imports {module}, which gives access to true labels; a method needs torch and lnlbench.methods",
                where,
            )
    for name, value in _globals_of(subject):
        if _holds_truth(value):
            yield Finding(
                f"{name} holds true labels; a method knows the given ones, and what it declares in `told`",
                _line(subject),
            )
    for _, finding in see_true_labels([subject]):
        yield finding


def see_true_labels(subjects: Sequence[Subject], epochs: int = EPOCHS) -> Iterator[tuple[Subject, Finding]]:
    """Yield what betrays that methods see true labels, of all of them trained in the same three processes.

    Args:
        subjects: the methods.
        epochs: of each of the three trainings.
    """
    worlds = [replace(world, epochs=epochs) for world in (honest(), moved(), shuffled())]
    for subject, found in zip(subjects, trained_apart(subjects, worlds), strict=True):
        for finding in _differs(subject, *found):
            yield subject, finding


def _differs(subject: Subject, true: Result | str, other: Result | str, none: Result | str) -> Iterator[Finding]:
    """Compare the trainings of one method on true labels, on others, and on labels that say nothing of the images."""
    if isinstance(true, str) or isinstance(other, str) or isinstance(none, str):
        reason = next(one for one in (true, other, none) if isinstance(one, str))
        yield Finding(f"it fails in an ordinary run: {reason}", _line(subject))
        return
    if _visible(true) != _visible(other):
        yield Finding("it sees true labels: with others in their place it trains otherwise", _line(subject))
    test = torch.from_numpy(load("digits").test_labels)
    found = accuracy(torch.from_numpy(unpack(none.predictions))[-1], test)
    if found >= 3 * CHANCE:
        yield Finding(
            f"it sees true labels: trained on labels that say nothing it still learns ({100 * found:.1f} %)",
            _line(subject),
        )


def learns_nothing_of_shuffled_labels(subject: Subject) -> Iterator[Finding]:
    """Given labels that say nothing: whoever still learns has them from elsewhere."""
    job = subject.job(NOISY)
    mixed = torch.randperm(len(job.split.given), generator=torch.Generator().manual_seed(1))
    _, data = subject.prepared(NOISY)
    last = subject.train(replace(job, split=replace(job.split, given=job.split.given[mixed])))[-1]
    found = accuracy(last.predictions[TEST], data.truth.test)
    if found >= 3 * CHANCE:
        yield Finding(
            f"it learns from shuffled labels ({100 * found:.1f} %), so it finds the true ones elsewhere",
            _line(subject),
        )


def _accuracy(subject: Subject, name: str, larger: float = 1) -> float:
    _, data = subject.prepared(name)
    job = subject.job(name)
    job = replace(job, setting=job.setting.override(lr=larger * job.setting.lr))
    last: Epoch = subject.train(job)[-1]
    return 0.0 if last.diverged else accuracy(last.predictions[TEST], data.truth.test)


@cache
def _cross_entropy() -> float:
    return _accuracy(Subject("ce"), CLEAN)


def _line(subject: Subject) -> str:
    return subject.lines(WAYS)


def _visible(result: Result) -> str:
    """Return all that may not depend on the true labels, to the bit."""
    names = ("objective", "validation_accuracy", "weight_norm", "distance", "forward_passes", "backward_passes")
    return repr([*(result.curves[name] for name in names), result.predictions, result.report])


def _globals_of(subject: Subject) -> Iterator[tuple[str, object]]:
    """Names and values that the parts' modules and classes hold."""
    for part in subject.method.parts:
        module = inspect.getmodule(type(part))
        yield from [*vars(module).items(), *vars(type(part)).items()]


@cache
def _truths() -> tuple[np.ndarray, ...]:
    _, data = Subject("ce").prepared(NOISY)
    digits = load("digits")
    return data.truth.train.numpy(), digits.train_labels, data.truth.test.numpy()


def _holds_truth(value: object) -> bool:
    if isinstance(value, (list, tuple)) and len(value) < 100:
        return any(map(_holds_truth, value))
    if isinstance(value, (list, tuple)):
        value = np.asarray(value) if all(isinstance(one, int) for one in value) else None
    array = value.detach().numpy() if isinstance(value, Tensor) else value
    if not isinstance(array, np.ndarray):
        labels = getattr(value, "train_labels", getattr(getattr(value, "truth", None), "train", None))
        return isinstance(labels, (np.ndarray, Tensor)) and len(labels) > 0
    if array.ndim == 2 and array.shape[1] == 10:
        array = array.argmax(1)
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        return False
    return any(len(array) == len(t) and np.array_equal(array, t) for t in _truths()) or len(array) == 1797
