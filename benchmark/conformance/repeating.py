"""Checks that train twice: the same seed gives the same bits, also when a run is killed and goes on."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from lnlbench.benchmark.conformance.subject import NOISY, Finding, Subject
from lnlbench.benchmark.engine import checkpoint
from lnlbench.benchmark.engine.job import Epoch
from lnlbench.benchmark.engine.trainer import fit

DRAWS = (
    "torch.rand", "torch.randn", "torch.randint", "torch.randperm", "torch.rand_like", "torch.randn_like",
    "torch.randint_like", "torch.bernoulli", "torch.multinomial", "torch.normal", "torch.Generator", ".bernoulli_",
    ".random_", ".normal_", ".uniform_", ".exponential_", "np.random", "numpy.random", "random", "random.random",
    "functional.dropout", "F.dropout", "torch.manual_seed", "time", "secrets", "os.urandom",
)  # fmt: skip


def repeats(subject: Subject) -> Iterator[Finding]:
    """Two runs of one seed are equal bit for bit, and no hook touches a random generator of the process."""
    before = _generators()
    first, second = (subject.train(subject.job(NOISY, 2)) for _ in range(2))
    touched = [name for name, state in _generators().items() if state != before[name]]
    if touched:
        yield Finding(
            f"it draws from the global generator of {', '.join(touched)}: draw from `clock.random`", _line(subject)
        )
    if (differing := _differ(first, second)) is not None:
        yield Finding(
            f"two runs of one seed differ from epoch {differing} on: randomness that is not of `clock.random`, or "
            "something kept between runs",
            _line(subject),
        )


def resumes(subject: Subject) -> Iterator[Finding]:
    """Check that a run that is killed after half its epochs, and goes on from its checkpoint, ends the same.

    With augmentation, so that crops and all views of a sample are drawn again too.
    """
    job = subject.job(NOISY, 4, augment=True)
    whole, state = list[Epoch](), None
    for epoch in fit(job, device="cpu", precision="fp32"):
        whole.append(epoch)
        if epoch.epoch == 1:
            state = epoch.state()
    if len(whole) < 3:
        return  # it stops by itself before there is anything to go on from
    with tempfile.TemporaryDirectory(prefix="lnlbench-") as folder:
        path = Path(folder) / "state.pt"
        checkpoint.save(path, {"state": state})
        kept = checkpoint.load(path)
    if kept is None:
        yield Finding("its memory cannot be kept in a checkpoint: tensors alone can", subject.lines(["start"]))
        return
    rest = list(fit(job, device="cpu", precision="fp32", state=kept["state"]))
    if _differ(whole[2:], rest) is not None:
        yield Finding(
            "a run that goes on from a checkpoint ends elsewhere: something is kept outside `start` and `remember`",
            subject.lines(["global", *DRAWS]),
        )


def _differ(first: list[Epoch], second: list[Epoch]) -> int | None:
    """Return the first epoch that differs; None where all are equal."""
    if len(first) != len(second):
        return min(len(first), len(second))
    for a, b in zip(first, second, strict=True):
        same = (a.loss == b.loss or a.diverged) and a.validation_accuracy == b.validation_accuracy
        same &= torch.equal(a.online.loss.nan_to_num(), b.online.loss.nan_to_num())
        if not same or any(not torch.equal(a.predictions[name], b.predictions[name]) for name in a.predictions):
            return a.epoch
    return None


def _generators() -> dict[str, object]:
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": repr([np.asarray(part).tolist() for part in np.random.get_state()]),  # noqa: NPY002 -- watched, not used
        "random": random.getstate(),
    }


def _line(subject: Subject) -> str:
    return subject.lines(DRAWS)
