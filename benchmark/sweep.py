"""Many runs: what is missing, in what order, in how many processes; any number of sweeps may share one store."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from lnlbench.benchmark.data import Blind, Prepared, canonical, fingerprint
from lnlbench.benchmark.execution import execution
from lnlbench.benchmark.grouping import SLOTS, check_execution, enough, grouped, may_stack, recipe_key, stacks
from lnlbench.benchmark.models import check_model
from lnlbench.benchmark.runs import Checkpoints, Run, read_run
from lnlbench.benchmark.settings import Setting, SettingError, default_methods, default_replicates, find
from lnlbench.benchmark.told import ESTIMATED, modes
from lnlbench.datasets.images import Images, load
from lnlbench.leaderboard.claims import new_owner
from lnlbench.leaderboard.database import home
from lnlbench.leaderboard.errors import StoreError
from lnlbench.leaderboard.recording import RunInfo
from lnlbench.leaderboard.store import Store, exists
from lnlbench.methods.compose import Composition
from lnlbench.methods.parse import parse, split_methods
from lnlbench.methods.registry import load_file

PATIENCE = 0.5  # seconds between two looks at runs that others are working on
ATTEMPTS = 3  # how often workers that died are replaced


@dataclass(frozen=True)
class Options:
    """How runs are executed; nothing here changes what they are."""

    tracking_uri: str | None = None
    database: str | None = None
    device: str = "auto"
    precision: str = "auto"
    jobs: int = 1
    data_dir: Path | None = None
    plugins: tuple[Path, ...] = ()
    execution: str = "auto"
    checkpoint_every: int = 0  # epochs; 0 keeps none


@dataclass(frozen=True)
class Event:
    """What happened to a run: "epoch", "done", "stored" (by whomever), "failed"."""

    kind: str
    key: str
    epoch: int = 0
    numbers: dict[str, float | None] = field(default_factory=dict)
    reason: str = ""


@dataclass
class Report:
    """What a sweep did."""

    done: list[str] = field(default_factory=list)  # keys of runs made here
    stored: list[str] = field(default_factory=list)  # keys that were there, or that another sweep made meanwhile
    failed: dict[str, str] = field(default_factory=dict)  # key to reason
    seconds: float = 0.0


Watch = Callable[[Event], None]


def grid(
    targets: Iterable[str],
    methods: str,
    replicates: str,
    changes: Mapping[str, Any],
    options: Options,
    told: str = ESTIMATED,
) -> list[Run]:
    """The runs of a command line.

    Args:
        targets: suites, settings and patterns.
        methods: separated by commas; the suites' own where empty.
        replicates: as in "0,1,2" or "0-4"; the suites' own where empty.
        changes: fields of the settings to change; None changes nothing.
        options: where the data sets and plug-ins are.
        told: how methods are told what they must know, as in "estimated,true"; "all" is the mis-specification sweep.

    Raises:
        SettingError, MethodError, FactError, DataError, ModelError, ExecutionError: something of this does not exist
            or cannot be.
    """
    execution(options.device, options.precision)
    for path in options.plugins:
        load_file(path)
    changes = {name: value for name, value in changes.items() if value is not None}
    settings = [setting.override(**changes) for setting in find(targets)]
    texts = split_methods(methods or default_methods())
    return plan(settings, texts, numbers(replicates or default_replicates()), options.data_dir, modes(told))


def numbers(text: str) -> list[int]:
    """The replicates of "0,2" or "0-4", sorted.

    Raises:
        SettingError: anything else.
    """
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or int(last or first) < int(first):
            raise SettingError(f"replicates are written '0,1,2' or '0-4', but got {text!r}")
        found |= set(range(int(first), int(last or first) + 1))
    return sorted(found)


def forecast(runs: Sequence[Run], options: Options) -> list[dict[str, Any]]:
    """What a sweep would do, cell by cell, without making anything."""
    held = Store(options.tracking_uri, options.database).stored() if exists(options.tracking_uri) else {}
    cells: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        cells.setdefault((run.setting.name, run.name), []).append(run)
    rows = []
    for (setting, label), members in cells.items():
        stored = [run.replicate for run in members if run.key in held]
        missing = [run.replicate for run in members if run.key not in held]
        host = members[0].host
        how = f"read off {host.name}" if host else f"{members[0].setting.epochs} epochs"
        rows.append({"setting": setting, "method": label, "stored": stored, "missing": missing, "how": how})
    return rows


def plan(
    settings: Iterable[Setting],
    methods: Sequence[str],
    replicates: Iterable[int],
    data_dir: Path | None = None,
    told: Sequence[str] = (ESTIMATED,),
) -> list[Run]:
    """All runs of a grid, each once; the host of a reading comes before the reading.

    Raises:
        DataError: a data set or noise that cannot be had.
        MethodError: a text that is no method.
        ModelError: an unknown network.
    """
    runs: dict[str, Run] = {}
    replicates = list(replicates)
    for wanted in settings:
        check_model(wanted.model)
        images = _images(wanted.dataset, data_dir)
        setting = canonical(wanted, images)
        content = fingerprint(setting, images)
        parsed = [(" ".join(text.split()), parse(text, images.card.classes)) for text in methods]
        for replicate in replicates:
            cells = [(*known, mode) for known in parsed for mode in (told if known[1].told else told[:1])]
            grid = [Run(setting, method, label, replicate, content, told=mode) for label, method, mode in cells]
            hosts = [run.host for run in grid if run.host is not None]
            for run in sorted([*grid, *hosts], key=lambda run: run.host is not None):
                runs.setdefault(run.key, run)
    return list(runs.values())


def sweep(runs: Sequence[Run], options: Options, watch: Watch = lambda event: None) -> Report:
    """Make all runs that the store does not hold yet.

    A run that someone else is working on is waited for; one whose owner died is made again. Any run that fails is
    reported and does not stop the others.

    Raises:
        StoreError: the store cannot be used.
    """
    check_execution(options.execution)
    begin, report = time.monotonic(), Report()

    def note(event: Event) -> None:
        if event.kind == "done":
            report.done.append(event.key)
        elif event.kind == "stored":
            report.stored.append(event.key)
        elif event.kind == "failed":
            report.failed[event.key] = event.reason
        watch(event)

    store = Store(options.tracking_uri, options.database)  # makes the database, once, before any worker starts
    held = store.stored()
    for run in runs:
        if run.key in held:
            note(Event("stored", run.key))
    missing = [run for run in runs if run.key not in held]
    if options.jobs <= 1 or len(missing) <= 1:
        work(missing, options, store, note)
    else:
        store.close()
        _in_processes(missing, options, note)
    report.seconds = time.monotonic() - begin
    return report


def work(runs: Sequence[Run], options: Options, store: Store, watch: Watch) -> None:
    """Make runs, one or one stack after another, until none is left; what others make is waited for.

    Raises:
        StoreError: the store cannot be used.
    """
    owner, pending = new_owner(), list(runs)
    done, failed, alone = set(store.stored()), set[str](), set[str]()

    def settle(run: Run, reason: str) -> None:
        (failed if reason else done).add(run.key)
        watch(Event("failed" if reason else "done", run.key, reason=reason))

    while pending:
        states = store.claims.states([run.key for run in pending])
        left = []
        for group in _groups(pending, alone, options):
            mine = []
            for run in group:
                host = run.host
                if host is not None and host.key in failed:
                    watch(Event("failed", run.key, reason=f"{host.name}, which it is read off, failed"))
                    failed.add(run.key)
                elif host is not None and host.key not in done:
                    left.append(run)
                elif states.get(run.key) != "running" and store.claim(run.key, owner):
                    mine.append(run)
                elif states.get(run.key) == "done":
                    done.add(run.key)
                    watch(Event("stored", run.key))
                else:
                    left.append(run)
            if len(mine) > 1:
                unmade = _make_together(mine, options, store, owner, watch, settle)
                alone |= {run.key for run in unmade}
                left += unmade
            elif mine:
                settle(mine[0], _make(mine[0], options, store, owner, watch))
        if len(left) == len(pending):
            time.sleep(PATIENCE)
        pending = left


def _groups(pending: Sequence[Run], alone: set[str], options: Options) -> list[list[Run]]:
    """What to make at once: stacks, none larger than leaves work for all processes, and single runs."""
    how = execution(options.device, options.precision)

    def key(run: Run) -> Hashable:
        if run.key in alone or run.host is not None or not may_stack(options.execution, how, run.method):
            return run.key
        images = _images(run.setting.dataset, options.data_dir)
        channels, height, width = images.train_images.shape[1:]
        kind = (run.setting, run.method, images.card.classes, (channels, height, width))
        return recipe_key(run.setting, run.method) if stacks(options.execution, how, *kind) else run.key

    groups = grouped(pending, key, max(1, min(SLOTS, -(-len(pending) // max(1, options.jobs)))))
    kept = [[group] if enough(options.execution, how, len(group)) else [[run] for run in group] for group in groups]
    return [group for part in kept for group in part]


def _make_together(
    runs: Sequence[Run],
    options: Options,
    store: Store,
    owner: str,
    watch: Watch,
    settle: Callable[[Run, str], None],
) -> list[Run]:
    """Make claimed runs of one stack; those that something kept from being finished, for another try one by one."""
    parts = {run.undressed() for run in runs}
    left = {run.key: run for run in runs}
    try:
        with ExitStack() as opened:
            prepared = {part: part.prepare(_images(part.setting.dataset, options.data_dir)) for part in parts}
            members = [(run, prepared[run.undressed()]) for run in runs]
            recordings = {run.key: opened.enter_context(store.begin(_info(run, data), owner)) for run, data in members}

            def note(run: Run, epoch: int, numbers: dict[str, float | None]) -> None:
                recordings[run.key].log(numbers, epoch)
                watch(Event("epoch", run.key, epoch, numbers))

            for run, result, artifacts in runs[0].maker()(members, watch=note, **_how(options)):
                recordings[run.key].finish(result, artifacts)
                del left[run.key]
                settle(run, "")
    except StoreError:
        raise
    except Exception:  # of one of them, perhaps: by itself, each says what is wrong with it
        for key in left:
            store.claims.release(key, owner)
        return list(left.values())
    return []


def _make(run: Run, options: Options, store: Store, owner: str, watch: Watch) -> str:
    """Make one claimed run; the reason if it failed, else nothing."""
    try:
        prepared = _prepared(run.undressed(), options.data_dir)
        with store.begin(_info(run, prepared), owner) as recording:

            def note(run: Run, epoch: int, numbers: dict[str, float | None]) -> None:
                recording.log(numbers, epoch)
                watch(Event("epoch", run.key, epoch, numbers))

            if run.host is None:
                for _, result, artifacts in run.maker()([(run, prepared)], watch=note, **_how(options)):
                    recording.finish(result, artifacts)
            else:
                result = read_run(run, store.result(run.host.key))
                for epoch in range(result.trained):
                    note(run, epoch, {name: row[epoch] for name, row in result.curves.items()})
                recording.finish(result)
    except StoreError:
        raise  # the next run would fare no better
    except Exception as error:
        store.claims.release(run.key, owner)  # where it failed before there was a recording to do so
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return ""


def _how(options: Options) -> dict[str, Any]:
    """The options that training takes."""
    every = options.checkpoint_every
    checkpoints = Checkpoints(home() / "checkpoints", every) if every else None
    names = ("device", "precision", "execution")
    return {name: getattr(options, name) for name in names} | {"checkpoints": checkpoints}


def _in_processes(runs: Sequence[Run], options: Options, note: Watch) -> None:
    """Work in processes of their own; one that dies leaves its run to the others, or to its replacement."""
    context = multiprocessing.get_context("spawn")
    left = {run.key: run for run in runs}
    for _ in range(ATTEMPTS):
        count = min(options.jobs, len(left))
        threads = max(1, (os.cpu_count() or 1) // options.jobs)
        # Methods as texts: the classes of plug-ins exist in a new process only after it has loaded their files.
        texts = [(replace(run, method=Composition()), str(run.method)) for run in left.values()]
        failed: dict[str, Event] = {}
        workers, readers = [], []
        try:
            for _ in range(count):
                # A pipe each: of a queue that all share, one that is killed may take the lock with it for ever.
                reader, writer = context.Pipe(duplex=False)
                worker = context.Process(target=_worker, args=(texts, options, threads, writer), daemon=True)
                worker.start()
                writer.close()  # so that the worker's own end is the last one, and its death the end of the pipe
                workers.append(worker)
                readers.append(reader)
            for event in _received(readers):
                if event.kind == "broken":
                    raise StoreError(event.reason)
                if event.kind == "failed":  # another worker may succeed with it
                    failed[event.key] = event
                elif event.kind == "epoch":
                    note(event)
                elif event.key in left:
                    del left[event.key]
                    note(event)
        finally:
            for worker in workers:
                worker.terminate()
                worker.join()
            for reader in readers:
                reader.close()
        for key in failed.keys() & left.keys():
            note(failed[key])
            del left[key]
        if not left:
            return
    for key in left:
        note(Event("failed", key, reason=f"{ATTEMPTS} times the processes that worked on it died"))


def _received(readers: Sequence[Connection]) -> Iterator[Event]:
    """The events of all workers, until the last one has ended."""
    left = list(readers)
    while left:
        ready = wait(left)
        for reader in [one for one in left if one in ready]:
            try:
                yield reader.recv()
            except (EOFError, OSError):  # ended, or killed in the middle of a message
                left.remove(reader)


def _worker(texts: Sequence[tuple[Run, str]], options: Options, threads: int, events: Connection) -> None:
    import torch

    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the run is marked as killed, its claim given back
    torch.set_num_threads(threads)
    for path in options.plugins:
        load_file(path)
    runs = [replace(run, method=parse(text)) for run, text in texts]
    store = Store(options.tracking_uri, options.database)
    try:
        work(runs, options, store, events.send)
    except StoreError as error:
        events.send(Event("broken", "", reason=str(error)))
    except KeyboardInterrupt:
        pass  # the parent got it too, and reports


def _end_with_parent() -> None:
    """A worker whose parent was killed must not go on unseen; its claim expires with it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _info(run: Run, prepared: Prepared | Blind) -> RunInfo:
    setting = run.setting
    return RunInfo(
        key=run.key,
        dataset=setting.dataset,
        setting=setting.name,
        noise=setting.noise,
        method=run.text,
        label=run.name,
        replicate=run.replicate,
        length=setting.length,
        track=run.track,
        study=run.study,
        host=None if run.host is None else run.host.key,
        params={**setting.identity(), **_hyper_parameters(run.method)},
        manifest=prepared.manifest,
    )


def _hyper_parameters(method: Composition) -> dict[str, Any]:
    """Every value by part and name, `gce.q`: columns to sort and filter by."""
    return {f"{part.name}.{f.name}": getattr(part, f.name) for part in method.parts for f in fields(part)}


@lru_cache(maxsize=4)
def _images(dataset: str, data_dir: Path | None) -> Images:
    return load(dataset, data_dir)


@lru_cache(maxsize=1)
def _prepared(run: Run, data_dir: Path | None) -> Prepared | Blind:
    return run.prepare(_images(run.setting.dataset, data_dir))
