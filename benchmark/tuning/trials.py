"""Trials of a tuning: runs that see neither a test label nor a true one, and keep files to be scored later."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lnlbench.benchmark.engine.job import Epoch, Job
from lnlbench.benchmark.engine.stack_state import mapped
from lnlbench.benchmark.engine.trainer import train
from lnlbench.benchmark.protocol.splits import Blind, Prepared, prepare_sealed
from lnlbench.benchmark.runs.facts import teller
from lnlbench.benchmark.runs.record import Curves, observed, result_of
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.runs.training import Maker, TrainedRun, compute_of, maker_of
from lnlbench.benchmark.tuning.sealed import Seal
from lnlbench.datasets.loading.images import Images
from lnlbench.leaderboard.results.form import TRIAL

TUNING = "tuning"
"""Prefix of the names of noise draw, split and seed of every trial; replicates have numbers, so none shares them."""
WEIGHTS = "best_epoch.pt"
"""The file of a trial that searches, with its weights until other rules than test accuracy have scored them."""
GRACE = 0.3
"""Share of the training before which no trial is given up: early accuracy favours methods that memorise later."""


@dataclass(frozen=True)
class Trial(Run):
    """One training of a configuration of a search; `replicate` is its place in the budget."""

    track: str = TRIAL
    bar: tuple[float, ...] = ()  # after each epoch, the best validation accuracy so far that it must have reached
    part: int = 0  # which split of the draw
    fresh: int = 0  # 0: the draw that is searched on; from 1: one that confirms

    @property
    def blind(self) -> bool:
        """True: its predictions are sealed until the search is closed, and only then are test labels loaded."""
        return True

    @property
    def draw(self) -> str:
        """The name of the noise draw."""
        return f"{TUNING} {self.fresh}" if self.fresh else TUNING

    @property
    def place(self) -> str:
        """The name of the split and of the training seed."""
        return f"{self.draw} split {self.part}" if self.part else self.draw

    @property
    def marks(self) -> tuple[Any, ...]:
        """The search, so that equal values in two of them are two trials; and the data, unless they are the first."""
        return (self.study,) if self.place == TUNING else (self.study, self.place)

    @property
    def data_key(self) -> tuple[Hashable, ...]:
        """Return a key of its data, of which the split is a part."""
        return (*super().data_key, self.place)

    def prepare(self, images: Images) -> Prepared | Blind:
        """Prepare its data."""
        return prepare_sealed(self.setting, self.draw, images, self.place)


def train_trials(
    members: Sequence[tuple[Run, Prepared | Blind]],
    *,
    device: str = "auto",
    execution: str = "auto",
    checkpoints: object = None,
    watch: Callable[[Run, int, dict[str, float | None]], None] = lambda run, epoch, numbers: None,
) -> Iterator[TrainedRun]:
    """Train trials, together where they can be; each with its sealed curve and, if it searches, its best weights.

    Args:
        members: trials with blind data; data that know the truth are refused.
        device: as in `fit`.
        execution: as in `train`.
        checkpoints: not used; a trial that was killed begins anew.
        watch: called after each epoch with the trial, the epoch and its numbers.

    Raises:
        TypeError: data that are not blind.
        ExecutionError: the device is not available.
        ModelError: the network cannot be built.
    """
    how = compute_of([run for run, _ in members], device)
    jobs, known = [], {}
    for run, data in members:
        if not isinstance(data, Blind) or not isinstance(run, Trial):
            raise TypeError(f"a trial is trained on blind data, but got {type(run).__name__} on {type(data).__name__}")
        facts = teller(how).facts(run.told, run.method.told, run.setting, data)
        jobs.append(Job(run.setting, run.method, run.place, data.split, facts.values))
        known[id(jobs[-1])] = run, data, Curves(), Best(), Seal(), facts
    for job, now in train(jobs, device=device, precision=how.precision, execution=execution):
        run, data, curves, best, seal, facts = known[id(job)]
        numbers = observed(now) | {"test_accuracy": None}
        curves.add(numbers, np.zeros((run.method.networks, 0), np.uint8))
        if not run.fresh:
            best.look(now)
        seal.look(now)
        watch(run, now.epoch, numbers)
        if now.last or behind(run.bar, now.history.validation, run.setting.epochs):
            job.cancel()
            yield run, result_of(run, data, curves, now, how, facts), best.files() | seal.files()


@maker_of.register
def _(run: Trial) -> Maker:
    return train_trials


class Best:
    """The weights of the best validation epoch so far, ties to the earliest."""

    def __init__(self) -> None:
        self.accuracy = -1.0
        self.networks: Any = None

    def look(self, epoch: Epoch) -> None:
        """Take the weights of an epoch that is better than all before."""
        if epoch.validation_accuracy > self.accuracy and not epoch.diverged:
            self.accuracy = epoch.validation_accuracy
            self.networks = mapped(Tensor.cpu, epoch.weights())

    def files(self) -> dict[str, bytes]:
        """Return the weights as a file; none of a run that never had any."""
        if self.networks is None:
            return {}
        written = io.BytesIO()
        torch.save(self.networks, written)
        return {WEIGHTS: written.getvalue()}


def behind(bar: Sequence[float], validation: Sequence[float], epochs: int) -> bool:
    """Say whether a trial is given up: its best accuracy so far is below the bar, and its time of grace is over."""
    done = len(validation)
    return bool(bar) and done >= math.ceil(GRACE * epochs) and max(validation) < bar[min(done, len(bar)) - 1]


def bar_of(curves: Sequence[Sequence[float | None]], epochs: int) -> tuple[float, ...]:
    """Return the median over trials of the best accuracy so far after each epoch; empty without trials.

    The best accuracy of a trial that ended early stays as it was.
    """
    best = []
    for curve in curves:
        values = [-1.0 if value is None or math.isnan(value) else value for value in curve]
        running = np.maximum.accumulate(values)
        best.append(np.pad(running, (0, epochs - len(running)), mode="edge"))
    return tuple(np.median(best, axis=0).tolist()) if best else ()
