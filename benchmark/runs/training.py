"""Train runs: from setting, method and replicate to a Result; the only place where all parts meet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lnlbench.benchmark.engine import checkpoint
from lnlbench.benchmark.engine.device import Compute, ExecutionError, choose_compute
from lnlbench.benchmark.engine.epoch_numbers import due
from lnlbench.benchmark.engine.job import Epoch, Job
from lnlbench.benchmark.engine.trainer import train
from lnlbench.benchmark.protocol.splits import TEST, Blind, Prepared
from lnlbench.benchmark.runs.artifacts import NOTHING, Keep, Trained, files_of
from lnlbench.benchmark.runs.diagnostics import Diagnostics
from lnlbench.benchmark.runs.facts import teller
from lnlbench.benchmark.runs.record import Curves, measure, result_of
from lnlbench.benchmark.runs.run import Run
from lnlbench.leaderboard.results.result import Result

TrainedRun = tuple[Run, Result, dict[str, bytes]]
"""A run, its result, and files to keep beside it."""
Maker = Callable[..., Iterator[TrainedRun]]
"""Called as `maker(members, device=, execution=, checkpoints=, watch=)`; members: runs of one precision with data."""


@singledispatch
def maker_of(run: Run) -> Maker:
    """Return the function that trains runs of this kind; another kind of run registers its own."""
    return train_scored


def compute_of(runs: Sequence[Run], device: str) -> Compute:
    """Return the device and the precision of runs that are trained together.

    Raises:
        ExecutionError: the device is not available, or the runs are of several precisions.
    """
    precisions = sorted({run.precision for run in runs})
    if len(precisions) > 1:
        raise ExecutionError(f"runs that are trained together are of one precision, but got {', '.join(precisions)}")
    return choose_compute(device, *precisions)


@dataclass(frozen=True)
class Checkpoints:
    """Where, and after every how many epochs, to checkpoint unfinished runs.

    Args:
        folder: of the checkpoints of all stores.
        every: so many epochs.
        store: names the folder of one store within it: another store may have an unfinished run of the same key.
    """

    folder: Path
    every: int
    store: str = ""

    def save(self, run: Run, epoch: Epoch, curves: Curves) -> None:
        """Write the checkpoint of a run, if it is due after this epoch."""
        if (epoch.epoch + 1) % self.every == 0:
            predictions = torch.from_numpy(np.stack(curves.predictions))
            kept = {"state": epoch.state(), "values": curves.values, "predictions": predictions}
            checkpoint.save(self._path(run), kept | {"precision": run.precision})

    def load(self, run: Run) -> tuple[dict[str, Any] | None, Curves]:
        """Return the state to continue from and the curves until then; None and empty curves for a run that begins.

        Warns:
            CheckpointWarning: there is a checkpoint that cannot be used.
        """
        path = self._path(run)
        self._adopt(path)
        kept = checkpoint.load(path)
        if kept is not None and "precision" not in kept and self._rounded_before():
            checkpoint.set_aside(path, "is from before checkpoints named their precision, which was bf16 or fp32")
            kept = None
        if kept is None:
            return None, Curves()
        predictions = list(kept["predictions"].numpy())
        return kept["state"], Curves(kept["values"], predictions, len(predictions))

    def _adopt(self, path: Path) -> None:
        """Take a checkpoint from before stores had folders of their own: it is of whichever goes on with the run."""
        older = self.folder / path.name
        if older.exists() and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # another store was faster
                older.replace(path)

    def _rounded_before(self) -> bool:
        """Say whether earlier versions chose bf16 here: they kept their timings beside the checkpoints."""
        answers = (path.read_text() for path in self.folder.parent.glob("bf16-*.json"))
        return any('"pays": true' in answer for answer in answers)

    def epochs(self, run: Run) -> int:
        """Return after how many epochs the checkpoint of a run was written; 0 where there is none."""
        path = self._path(run)
        return checkpoint.epochs_of(path) if path.exists() else 0

    def drop(self, run: Run) -> None:
        """Delete the checkpoint of a run that is finished."""
        self.clear({run.key})

    def clear(self, keys: Collection[str]) -> None:
        """Delete the checkpoints of runs that are finished, and what a process left that was killed as it wrote one."""
        folder = self.folder / self.store
        for path in (*folder.glob("*.pt"), *folder.glob(".*.pt.*")):
            if path.name.removeprefix(".").partition(".")[0] in keys:
                path.unlink(missing_ok=True)

    def _path(self, run: Run) -> Path:
        return self.folder / self.store / f"{run.key}.pt"


def train_runs(
    members: Sequence[tuple[Run, Prepared]],
    *,
    device: str = "auto",
    execution: str = "auto",
    checkpoints: Checkpoints | None = None,
    watch: Callable[[Run, int, dict[str, float | None]], None] = lambda run, epoch, numbers: None,
    last: Callable[[Run, Prepared, dict[str, Any], Compute], None] | None = None,
    diagnostics: bool = False,
) -> Iterator[tuple[Run, Result]]:
    """Train runs of one precision, together where they can be, and yield each result as soon as it is known.

    Args:
        members: runs with their data; no readings.
        device: as in `fit`.
        execution: as in `train`.
        checkpoints: where and how often to checkpoint; an existing checkpoint is resumed.
        watch: called after each epoch with the run, the index of the epoch and its numbers.
        last: called with each run, its data, its weights after its last epoch, and where and in what precision it was
            trained, before its result is given.
        diagnostics: whether to add the numbers of `Diagnostics` after epochs 1, 2, 4, … and the last; they change no
            other.

    Raises:
        ExecutionError: the requested device is not available on this machine.
        ModelError: the network cannot be built.
    """
    how = compute_of([run for run, _ in members], device)
    facts = [teller(how).facts(run.told, run.method.told, run.setting, prepared) for run, prepared in members]
    jobs = [
        Job(run.setting, run.method, run.replicate, prepared.split, fact.values)
        for (run, prepared), fact in zip(members, facts, strict=True)
    ]
    known, states = {}, []
    for job, (run, prepared), fact in zip(jobs, members, facts, strict=True):
        state, curves = checkpoints.load(run) if checkpoints else (None, Curves())
        known[id(job)] = run, prepared, curves, fact
        states.append(state)
        for epoch in range(curves.epochs):  # they belong to the record too
            watch(run, epoch, {name: row[epoch] for name, row in curves.values.items()})
    if how.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(how.device)
    full = {id(job): Diagnostics(job, known[id(job)][1], how) for job in jobs} if diagnostics else {}
    for job, now in train(jobs, device=device, precision=how.precision, execution=execution, states=states):
        run, prepared, curves, fact = known[id(job)]
        numbers = measure(now, prepared)
        if diagnostics and (now.last or due(now.epoch + 1, job.setting.epochs)):
            numbers |= full[id(job)].measure(now.weights())
        curves.add(numbers, now.predictions[TEST].numpy())
        watch(run, now.epoch, numbers)  # first: whoever has lost the run to another process writes no checkpoint
        if checkpoints and not now.last:
            checkpoints.save(run, now, curves)
        if now.last:
            if last is not None:
                last(run, prepared, now.weights(), how)
            start = full[id(job)].start if diagnostics else None
            yield run, result_of(run, prepared, curves, now, how, fact, start)
            if checkpoints:
                checkpoints.drop(run)


def train_scored(
    members: Sequence[tuple[Run, Prepared | Blind]], keep: Keep = NOTHING, **options: Any
) -> Iterator[TrainedRun]:
    """Train runs that are scored, and return the files that are asked for beside their results.

    Args:
        members: runs of one precision with their data.
        keep: the files to make.
        options: arguments of `train_runs`.
    """
    whole = [(run, data) for run, data in members if isinstance(data, Prepared)]
    kept: dict[str, dict[str, bytes]] = {}

    def last(run: Run, prepared: Prepared, weights: dict[str, Any], how: Compute) -> None:
        about = {"key": run.key, "method": str(run.method), "replicate": run.replicate}
        kept[run.key] = files_of(keep, Trained.of(run.setting, about, prepared, weights, how), prepared)

    for run, result in train_runs(whole, last=last if keep.anything else None, **options):
        yield run, result, kept.pop(run.key, {})
