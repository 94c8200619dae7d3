"""The making of runs, in whatever process: claim, train or read off, store."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from lnlbench.benchmark.engine.device import choose_compute
from lnlbench.benchmark.engine.stacking import SLOTS, enough, grouped, may_stack, recipe_key, stacks
from lnlbench.benchmark.protocol.splits import Blind, Prepared, images_of
from lnlbench.benchmark.runs.artifacts import Keep
from lnlbench.benchmark.runs.noise_examples import flipped
from lnlbench.benchmark.runs.reading import read_run
from lnlbench.benchmark.runs.rescoring import scorer
from lnlbench.benchmark.runs.run import Run, with_data
from lnlbench.benchmark.runs.training import Checkpoints, maker_of
from lnlbench.benchmark.sweep.executors.base import Send
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.plugins import choose_methods, line_in
from lnlbench.leaderboard.home import home
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store.address import StoreAddress
from lnlbench.leaderboard.store.claims import ClaimLost, new_owner
from lnlbench.leaderboard.store.patience import OUTAGE, patiently
from lnlbench.leaderboard.store.recording import RunInfo
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods._compose import Composition
from lnlbench.methods._parse import parse


@dataclass(frozen=True)
class Event:
    """What happened to a run.

    "epoch"; "done"; "stored", by whomever; "failed"; and what concerns the sweep alone: "busy", someone else is working
    on it; "apart", its stack failed and it wants another try by itself.
    """

    kind: str
    key: str
    epoch: int = 0
    numbers: dict[str, float | None] = field(default_factory=dict)
    reason: str = ""


Watch = Callable[[Event], None]


@dataclass(frozen=True)
class Work:
    """Runs to be made at once, in a form that reaches any process: a task of an executor.

    Methods travel to another process as texts: there the classes of plug-ins exist only once their files are loaded.
    """

    runs: tuple[Run, ...]
    options: Options
    texts: tuple[str, ...] = ()  # of the methods, where the work came from another process

    def __call__(self, send: Send) -> None:
        """Make them, and tell the events.

        Raises:
            StoreError: the store cannot be used.
        """
        runs = self.runs
        if self.texts:
            choose_methods(plugins=self.options.plugins)
            runs = tuple(replace(run, method=parse(text)) for run, text in zip(runs, self.texts, strict=True))
        work(runs, self.options, _store(self.options.store), send)

    def __reduce__(self) -> tuple[Any, ...]:
        bare = tuple(replace(run, method=Composition()) for run in self.runs)
        return Work, (bare, self.options, self.texts or tuple(str(run.method) for run in self.runs))


def work(runs: Sequence[Run], options: Options, store: Store, watch: Watch) -> None:
    """Make those of the runs that nobody has made and nobody is making, at once where they are several.

    For each of them the last event is "done", "stored", "failed", "busy" or "apart". The host of a reading must be
    stored already.

    Raises:
        StoreError: the store cannot be used.
    """
    owner = new_owner()
    try:
        _work(runs, options, store, owner, watch)
    except KeyboardInterrupt:  # between a claim and the recording that gives it back
        with suppress(StoreError):
            for run in runs:
                store.give_back(run.key, owner)
        raise


def _work(runs: Sequence[Run], options: Options, store: Store, owner: str, watch: Watch) -> None:
    mine = []
    for run in runs:
        if store.claim(run.key, owner):
            mine.append(run)
        else:
            made = store.claims.states([run.key]).get(run.key) == "done"
            watch(Event("stored" if made else "busy", run.key))
    if len(mine) > 1:
        for run in _make_together(mine, options, store, owner, watch):
            watch(Event("apart", run.key))
    elif mine:
        try:
            reason = _make(mine[0], options, store, owner, watch)
            watch(Event("failed" if reason else "done", mine[0].key, reason=reason))
        except ClaimLost:
            watch(Event("busy", mine[0].key))


def groups(pending: Sequence[Run], alone: set[str], options: Options, workers: int) -> list[list[Run]]:
    """Return what to make at once: stacks, none larger than leaves work for all workers, and single runs."""
    computes = {name: choose_compute(options.device, name) for name in {run.precision for run in pending}}

    def key(run: Run) -> Hashable:
        how = computes[run.precision]
        if run.key in alone or run.host is not None or not may_stack(options.execution, how, run.method):
            return run.key
        images = images_of(run.setting.dataset, options.data_dir, run.blind)
        channels, height, width = images.train_images.shape[1:]
        kind = (run.setting, run.method, images.card.classes, (channels, height, width))
        together = stacks(options.execution, how, *kind)
        return (run.precision, recipe_key(run.setting, run.method)) if together else run.key

    found = grouped(pending, key, max(1, min(SLOTS, -(-len(pending) // max(1, workers)))))
    kept = [
        [group] if enough(options.execution, computes[group[0].precision], len(group)) else [[run] for run in group]
        for group in found
    ]
    return [group for part in kept for group in part]


def _make_together(
    runs: Sequence[Run],
    options: Options,
    store: Store,
    owner: str,
    watch: Watch,
) -> list[Run]:
    """Make claimed runs of one stack; those that something kept from being finished, for another try one by one."""
    left = {run.key: run for run in runs}
    try:
        with ExitStack() as opened:
            members = with_data(runs, partial(images_of, data_dir=options.data_dir))
            recordings = {run.key: opened.enter_context(store.begin(_info(run, data), owner)) for run, data in members}

            def note(run: Run, epoch: int, numbers: dict[str, float | None]) -> None:
                recordings[run.key].log(numbers, epoch)
                watch(Event("epoch", run.key, epoch, numbers))

            for run, result, artifacts in maker_of(runs[0])(members, watch=note, **_how(options)):
                recordings[run.key].finish(result, artifacts)
                del left[run.key]
                watch(Event("done", run.key))
    except StoreError:
        raise
    except (Exception, SystemExit):  # of one of them, perhaps: by itself, each says what is wrong with it
        for key in left:
            store.claims.release(key, owner)
        return list(left.values())
    return []


def _make(run: Run, options: Options, store: Store, owner: str, watch: Watch) -> str:
    """Make one claimed run; the reason if it failed, else nothing."""
    try:
        prepared = _prepared(run, options.data_dir)
        with store.begin(_info(run, prepared), owner) as recording:

            def note(run: Run, epoch: int, numbers: dict[str, float | None]) -> None:
                recording.log(numbers, epoch)
                watch(Event("epoch", run.key, epoch, numbers))

            if run.host is None:
                for _, result, artifacts in maker_of(run)([(run, prepared)], watch=note, **_how(options)):
                    recording.finish(result, artifacts)
            else:
                result = read_run(run, store.result(run.host.key))
                for epoch in range(result.trained):
                    note(run, epoch, {name: row[epoch] for name, row in result.curves.items()})
                recording.finish(result)
    except (StoreError, ClaimLost):
        raise  # the next run would fare no better, or this one is made elsewhere
    except (Exception, SystemExit) as error:  # a method that calls `sys.exit(0)` has not succeeded
        store.claims.release(run.key, owner)  # where it failed before there was a recording to do so
        place = line_in(options.plugins, error)
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}" + (f" ({place})" if place else "")
    return ""


def checkpoints_of(options: Options) -> Checkpoints:
    """Return the checkpoints of the unfinished runs of a store."""
    return Checkpoints(home() / "checkpoints", options.checkpoint_every, options.store.short)


def kept_epochs(runs: Iterable[Run], options: Options) -> dict[str, int]:
    """Return after how many epochs unfinished runs are resumed, by key; nothing of runs that begin anew."""
    if not options.checkpoint_every:
        return {}
    kept = checkpoints_of(options)
    return {run.key: epochs for run in runs if (epochs := kept.epochs(run))}


def _how(options: Options) -> dict[str, Any]:
    """Return the options that training takes."""
    checkpoints = checkpoints_of(options) if options.checkpoint_every else None
    names = ("device", "execution")
    keep = Keep(options.save_model, options.keep_samples)
    files: dict[str, Any] = {"keep": keep} if keep.anything else {}  # trials keep what they need by themselves
    files |= {"diagnostics": True} if options.diagnostics == "full" else {}
    return {name: getattr(options, name) for name in names} | {"checkpoints": checkpoints} | files


def _info(run: Run, prepared: Prepared | Blind) -> RunInfo:
    return RunInfo(
        **run.names,
        study=run.study,
        precision=run.precision,
        params=run.setting.identity() | run.method.values,
        labels=prepared.manifest["labels_sha256"],
        cell_files=partial(flipped, prepared, run.setting.dataset) if isinstance(prepared, Prepared) else None,
        rescore=scorer(prepared.truth.test) if isinstance(prepared, Prepared) else None,
    )


_latest: dict[Hashable, Prepared | Blind] = {}
"""The data of the run before in this process, which the next one often shares; let go before other data are made."""


def _prepared(run: Run, data_dir: Path | None) -> Prepared | Blind:
    name = (data_dir, run.data_key)
    if name not in _latest:
        _latest.clear()
        _latest[name] = run.prepare(images_of(run.setting.dataset, data_dir, run.blind))
    return _latest[name]


@lru_cache(maxsize=1)
def _store(address: StoreAddress) -> Store:
    """Return the store of this process, which is opened once and for all tasks."""
    return patiently(lambda: Store(address, patience=OUTAGE), OUTAGE)
