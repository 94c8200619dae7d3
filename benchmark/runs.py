"""One run: setting, method and replicate to a Result; the only place where all parts meet."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lnlbench.benchmark import checkpoint
from lnlbench.benchmark import execution as executions
from lnlbench.benchmark.data import TEST, Blind, Prepared, prepare
from lnlbench.benchmark.diagnostics import Diagnostics
from lnlbench.benchmark.epochs import due
from lnlbench.benchmark.job import Epoch, Job
from lnlbench.benchmark.kept import NOTHING, Keep, Trained, files_of
from lnlbench.benchmark.keys import PROTOCOL, key_of
from lnlbench.benchmark.results import Curves, measure, result_of
from lnlbench.benchmark.settings import Setting
from lnlbench.benchmark.told import ESTIMATED, teller, varies
from lnlbench.benchmark.trainer import train
from lnlbench.datasets.images import Images
from lnlbench.leaderboard.result import Result
from lnlbench.methods.compose import Composition


@dataclass(frozen=True)
class Run:
    """What is to be run: one cell of a grid, one replicate."""

    setting: Setting
    method: Composition
    label: str  # the method as the user wrote it
    replicate: int
    fingerprint: str  # of the data set, and of labels that are not drawn
    track: str = "default"
    tuning: Mapping[str, Any] = field(default_factory=dict, compare=False)  # the search that chose the values
    study: str | None = None  # that a trial belongs to
    told: str = ESTIMATED  # how a method that must be told something is told it, one of `told.modes`

    @property
    def draw(self) -> object:
        """What names noise draw, split and training seed."""
        return self.replicate

    @property
    def mark(self) -> str:
        """What sets a run apart whose method is told what can be estimated; nothing where none is."""
        return self.told if varies(self.method.told) else ""

    @property
    def text(self) -> str:
        """The method with every value, and how it is told what it must know."""
        return f"{self.method} [{self.mark}]" if self.mark else str(self.method)

    @property
    def name(self) -> str:
        """The method as the user wrote it, and how it is told what it must know, if not by an estimate."""
        return self.label if self.mark in ("", ESTIMATED) else f"{self.label} [{self.mark}]"

    @property
    def key(self) -> str:
        """A hash of all that makes the result: protocol, data, setting, method with every value, replicate, track."""
        return key_of(
            PROTOCOL,
            self.fingerprint,
            self.setting.identity(),
            self.text,
            self.replicate,
            self.track,
            self.method.sources,
            self.marks,
        )

    @property
    def marks(self) -> tuple[Any, ...]:
        """What else tells its key from that of another run."""
        return ()

    def prepare(self, images: Images) -> Prepared | Blind:
        """The data that it is made from."""
        return prepare(self.setting, self.draw, images)

    def undressed(self) -> Run:
        """What is left where only the data matter: equal for runs of equal data."""
        setting = replace(self.setting, task="", lr=0.0, weight_decay=0.0)
        return Run(setting, Composition(), "", self.replicate, self.fingerprint)

    def maker(self) -> Maker:
        """What trains runs of this kind."""
        return _train

    @property
    def host(self) -> Run | None:
        """The run that this one is read off, where it is not trained itself."""
        if not self.method.is_reading:
            return None
        method = self.method.host
        names = [part.name for part in method.parts]
        written = [part for part in _parts(self.label) if part.partition("(")[0] in names]
        return replace(self, method=method, label=" + ".join(written) or "ce")


Made = tuple[Run, Result, dict[str, bytes]]
"""A run, its result, and files to keep beside it."""
Maker = Callable[..., Iterator[Made]]
"""Called as `maker(members, device=, precision=, execution=, checkpoints=, watch=)`; members are runs with data."""


def _parts(label: str) -> list[str]:
    """The terms of a sum as they are written; a plus inside a number separates nothing."""
    parts: list[ast.expr] = []
    node = ast.parse(label.strip(), mode="eval").body
    while isinstance(node, ast.BinOp):
        parts.append(node.right)
        node = node.left
    return [ast.get_source_segment(label.strip(), part) or "" for part in (node, *reversed(parts))]


@dataclass(frozen=True)
class Checkpoints:
    """Where unfinished runs are kept, and after every how many epochs."""

    folder: Path
    every: int

    def save(self, run: Run, epoch: Epoch, curves: Curves) -> None:
        """Keep a run, if it is due after this epoch."""
        if (epoch.epoch + 1) % self.every == 0:
            predictions = torch.from_numpy(np.stack(curves.predictions))
            kept = {"state": epoch.state(), "values": curves.values, "predictions": predictions}
            checkpoint.save(self._path(run), kept)

    def load(self, run: Run) -> tuple[dict[str, Any] | None, Curves]:
        """The state to go on from and the curves until then; nothing and no curves for a run that begins."""
        kept = checkpoint.load(self._path(run))
        if kept is None:
            return None, Curves()
        predictions = list(kept["predictions"].numpy())
        return kept["state"], Curves(kept["values"], predictions, len(predictions))

    def drop(self, run: Run) -> None:
        """Forget a run that is finished."""
        self._path(run).unlink(missing_ok=True)

    def _path(self, run: Run) -> Path:
        return self.folder / f"{run.key}.pt"


def train_run(
    run: Run,
    prepared: Prepared,
    *,
    device: str = "auto",
    precision: str = "auto",
    execution: str = "auto",
    checkpoints: Checkpoints | None = None,
    watch: Callable[[int, dict[str, float | None]], None] = lambda epoch, numbers: None,
) -> Result:
    """Train a run and make its result.

    Args:
        run: what to train; not a reading.
        prepared: its data.
        device: as in `fit`.
        precision: as in `fit`.
        execution: as in `train`.
        checkpoints: where and how often an unfinished run is kept; one that is there is gone on from.
        watch: called after each epoch with its index and its numbers.

    Raises:
        ExecutionError: the device cannot be had.
        ModelError: the network cannot be built.
    """
    ((_, result),) = train_runs(
        [(run, prepared)],
        device=device,
        precision=precision,
        execution=execution,
        checkpoints=checkpoints,
        watch=lambda _, epoch, numbers: watch(epoch, numbers),
    )
    return result


def train_runs(
    members: Sequence[tuple[Run, Prepared]],
    *,
    device: str = "auto",
    precision: str = "auto",
    execution: str = "auto",
    checkpoints: Checkpoints | None = None,
    watch: Callable[[Run, int, dict[str, float | None]], None] = lambda run, epoch, numbers: None,
    last: Callable[[Run, Prepared, dict[str, Any]], None] | None = None,
    diagnostics: bool = False,
) -> Iterator[tuple[Run, Result]]:
    """Train runs, together where they can be: each result as soon as it is there. Arguments as in `train_run`.

    `last` is called with each run, its data and its state after its last epoch, before its result is given. With
    `diagnostics` the numbers of `Diagnostics` are added after epochs 1, 2, 4, … and the last; they change no other.

    Raises:
        ExecutionError: the device cannot be had.
        ModelError: the network cannot be built.
    """
    how = executions.execution(device, precision)
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
    for job, now in train(jobs, device=device, precision=precision, execution=execution, states=states):
        run, prepared, curves, fact = known[id(job)]
        numbers = measure(now, prepared)
        if diagnostics and (now.last or due(now.epoch + 1, job.setting.epochs)):
            numbers |= full[id(job)].measure(now.state())
        curves.add(numbers, now.predictions[TEST].numpy())
        if checkpoints and not now.last:
            checkpoints.save(run, now, curves)
        watch(run, now.epoch, numbers)
        if now.last:
            if last is not None:
                last(run, prepared, now.state())
            start = full[id(job)].start if diagnostics else None
            yield run, result_of(run, prepared, curves, now, how, fact, start)
            if checkpoints:
                checkpoints.drop(run)


def _train(members: Sequence[tuple[Run, Prepared | Blind]], keep: Keep = NOTHING, **how: Any) -> Iterator[Made]:
    """Train runs that are scored; beside their results the files that are asked for."""
    whole = [(run, data) for run, data in members if isinstance(data, Prepared)]
    kept: dict[str, dict[str, bytes]] = {}

    def last(run: Run, prepared: Prepared, state: dict[str, Any]) -> None:
        about = {"key": run.key, "method": str(run.method), "replicate": run.replicate}
        kept[run.key] = files_of(keep, Trained.of(run.setting, about, prepared, state["networks"]), prepared)

    for run, result in train_runs(whole, last=last if keep.anything else None, **how):
        yield run, result, kept.pop(run.key, {})
