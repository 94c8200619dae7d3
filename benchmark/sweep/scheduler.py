"""Many runs: what is missing, in what order, on what executor; any number of sweeps may share one store."""

from __future__ import annotations

import itertools
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from lnlbench.benchmark.engine.device import ExecutionError, check_device, default_jobs
from lnlbench.benchmark.engine.stacking import check_execution
from lnlbench.benchmark.protocol.unknown_names import unknown
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.sweep.executors.base import PATIENCE, Executor, Message
from lnlbench.benchmark.sweep.executors.inline import Inline
from lnlbench.benchmark.sweep.executors.local import Local
from lnlbench.benchmark.sweep.failures import RunsFailed
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.worker import Event, Watch, Work, checkpoints_of, groups, kept_epochs
from lnlbench.leaderboard.results.errors import StoreError, StoreWarning
from lnlbench.leaderboard.store.index import Entry
from lnlbench.leaderboard.store.patience import OUTAGE, patiently
from lnlbench.leaderboard.store.reader import StoreReader, name_of
from lnlbench.leaderboard.store.store import Store

ATTEMPTS = 3  # times that a run may take its process with it


@dataclass
class Report:
    """What a sweep did."""

    done: list[str] = field(default_factory=list)  # keys of runs made here
    stored: list[str] = field(default_factory=list)  # keys that were there, or that another sweep made meanwhile
    failed: dict[str, str] = field(default_factory=dict)  # key to reason
    seconds: float = 0.0
    resumed: dict[str, int] = field(default_factory=dict)  # of runs made: key to the epochs that a checkpoint had

    def with_later(self, other: Report) -> Report:
        """Return what this sweep and a later one did together; their seconds add up."""
        return Report(
            done=self.done + other.done,
            stored=self.stored + other.stored,
            failed=self.failed | other.failed,
            seconds=self.seconds + other.seconds,
            resumed=self.resumed | other.resumed,
        )

    def check(self) -> None:
        """Raise what is to be raised where every run must be there.

        Raises:
            RunsFailed: runs failed.
        """
        if self.failed:
            raise RunsFailed(self.failed, len(self.done) + len(self.stored) + len(self.failed))


def sweep(runs: Sequence[Run], options: Options, watch: Watch = lambda event: None, patience: float = 0.0) -> Report:
    """Make all runs that the store does not hold yet.

    A run that someone else is working on is waited for; one whose owner died is made again. Any run that fails is
    reported and does not stop the others. A store that is away is waited for once the sweep has begun.

    Args:
        runs: to be made.
        options: how.
        watch: called with what happens.
        patience: seconds to wait for a store that is away at the beginning, for whoever has been in contact with it.

    Raises:
        StoreError: the store cannot be used.
    """
    check_execution(options.execution, check_device(options.device))
    check_executor(options.executor)
    begin, report = time.monotonic(), Report()

    def note(event: Event) -> None:
        if event.kind == "done":
            report.done.append(event.key)
        elif event.kind == "stored":
            report.stored.append(event.key)
        elif event.kind == "failed":
            report.failed[event.key] = event.reason
        watch(event)

    held, lost, untidy = patiently(lambda: held_of(runs, options), patience)
    for run in runs:
        if run.key in held:
            note(Event("stored", run.key))
    missing = [run for run in runs if run.key not in held]
    kept = kept_epochs(missing, options)
    if untidy and not missing:
        with Store(options.store) as store:
            store.tidy()
    if missing:
        # It makes the database, once, before any worker starts.
        with patiently(lambda: Store(options.store, patience=OUTAGE), patience) as store:
            store.tidy()
            for entry in lost:
                store.discard(entry)
            with closing(executor_for(options, len(missing))) as executor:
                Queue(missing, options, store, note).drain(executor)
            sum_up(store, report.done)
    checkpoints_of(options).clear(set(report.stored))
    report.resumed = {key: epochs for key, epochs in kept.items() if key in report.done}
    report.seconds = time.monotonic() - begin
    return report


def held_of(runs: Sequence[Run], options: Options) -> tuple[set[str], list[Entry], bool]:
    """Return which of some runs are stored.

    Returns:
        their keys; the stored runs that are to be made again, which are not among them; and whether any run of the
        store is marked as running.

    Raises:
        StoreError: the store cannot be used.

    Warns:
        StoreWarning: the record of a stored run is missing or not whole, and it is not to be made again.
    """
    if not options.store.exists:
        return set(), [], False
    with StoreReader(options.store) as reader:
        stored = reader.stored()
        held = {run.key for run in runs if run.key in stored}
        damaged = reader.damaged(held, thorough=options.repair)
        untidy = reader.is_running()
    if options.repair:
        return held - damaged.keys(), list(damaged.values()), untidy
    if damaged:
        names = "; ".join(sorted(name_of(entry) for entry in damaged.values())[:3])
        more = f" and {len(damaged) - 3} more" if len(damaged) > 3 else ""
        what = f"{len(damaged)} of {len(held)} stored runs have no whole record: {names}{more}"
        warnings.warn(f"{what}; --repair makes them again", StoreWarning, stacklevel=3)
    return held, [], untidy


def sum_up(store: Store, keys: Sequence[str]) -> None:
    """Bring the cells of runs up to date, or warn: the runs are stored, and `lnlbench ui` makes up for it.

    Warns:
        StoreWarning: the store cannot be read or written.
    """
    try:
        store.summarise(keys)
    except StoreError as error:
        warnings.warn(f"means of the runs made are out of date: {error}", StoreWarning, stacklevel=2)


def check_executor(name: str) -> None:
    """Refuse an unknown executor.

    Raises:
        ExecutionError: naming those there are.
    """
    if name not in EXECUTORS:
        raise ExecutionError(unknown("executor", name, EXECUTORS))


def executor_for(options: Options, most: int) -> Executor:
    """Return what the options ask for, with no more places than there is work for.

    Raises:
        ExecutionError: no such executor, or it is not available.
    """
    check_executor(options.executor)
    return EXECUTORS[options.executor](options, most)


def _local(options: Options, most: int) -> Executor:
    """Return processes of this machine, so that a run which ends its process ends nothing else.

    Where one run at a time is asked for, or one run alone is missing, they are made in this process, which begins
    seconds sooner; but not those of plug-ins, if the options guard against them.
    """
    slots = min(options.jobs or default_jobs(options.device), most)
    return Inline() if slots == 1 and not (options.guarded and options.plugins) else Local(slots)


def _ray(options: Options, most: int) -> Executor:
    from lnlbench.benchmark.sweep.executors.ray import Ray

    shared = not any(url.startswith("sqlite:") for url in (options.store.uri, options.store.database))
    return Ray(min(options.jobs, most), options.ray_address, options.gpus, shared)


EXECUTORS: dict[str, Callable[[Options, int], Executor]] = {"local": _local, "ray": _ray}
"""What makes an executor, by its name: called with the options and the most places that there is work for."""


class Queue:
    """Missing runs on their way: waiting, in the hands of a worker, or settled.

    Args:
        runs: each once, with the hosts of readings unless those are stored.
        options: how they are made.
        store: says who else is working on what.
        note: gets the events; one of "done", "stored" and "failed" is the last of each run.
    """

    def __init__(self, runs: Sequence[Run], options: Options, store: Store, note: Watch) -> None:
        self._waiting = {run.key: run for run in runs}
        self._hosts = {run.key for run in runs if run.host is None}
        self._options, self._store, self._note = options, store, note
        self._groups: deque[list[Run]] = deque()
        self._flying: dict[int, dict[str, Run]] = {}  # by ticket: handed out and not settled
        self._done, self._failed, self._alone = set[str](), set[str](), set[str]()
        self._deaths: Counter[str] = Counter()
        self._tickets = itertools.count()
        self._rest: dict[str, float] = {}  # until when not to ask again whether others are done with it

    def drain(self, executor: Executor) -> None:
        """Have everything made, and come back when all of it is settled.

        Raises:
            StoreError: the store cannot be used.
        """
        while self._waiting or self._groups or self._flying:
            if not self._groups:
                self._regroup(executor.slots)
            while self._groups and len(self._flying) < executor.slots:
                group, ticket = self._groups.popleft(), next(self._tickets)
                self._flying[ticket] = {run.key: run for run in group}
                executor.submit(ticket, Work(tuple(group), self._options))
            if self._flying:
                executor.step(self._receive)
            elif self._waiting:
                time.sleep(PATIENCE)

    def _regroup(self, slots: int) -> None:
        """Put into groups what can be made now."""
        ready, now = [], time.monotonic()
        for run in list(self._waiting.values()):
            host = run.host
            if host is not None and host.key in self._failed:
                self._settle(run, Event("failed", run.key, reason=f"{host.name}, which it is read off, failed"))
            elif (host is None or host.key not in self._hosts or host.key in self._done) and (
                self._rest.get(run.key, now) <= now
            ):
                ready.append(run)
        states = self._store.claims.states([run.key for run in ready]) if ready else {}
        self._rest |= {key: now + PATIENCE for key, state in states.items() if state == "running"}
        free = [run for run in ready if states.get(run.key) != "running"]
        self._groups.extend(groups(free, self._alone, self._options, slots))
        for run in free:
            del self._waiting[run.key]

    def _receive(self, message: Message) -> None:
        flying = self._flying[message.ticket]
        if message.kind == "broken":
            raise StoreError(message.body)
        if message.kind == "said":
            event: Event = message.body
            if event.kind == "epoch":
                self._note(event)
            elif event.kind in ("busy", "apart"):
                self._again(flying.pop(event.key), apart=event.kind == "apart")
            else:
                self._settle(flying.pop(event.key), event)
        else:
            del self._flying[message.ticket]
            for run in flying.values():  # none, unless the process died
                self._deaths[run.key] += 1
                if self._deaths[run.key] < ATTEMPTS:
                    self._again(run, apart=True)
                else:
                    reason = f"{ATTEMPTS} times the process that worked on it died, at last with {message.body}"
                    self._settle(run, Event("failed", run.key, reason=reason))

    def _again(self, run: Run, apart: bool) -> None:
        self._waiting[run.key] = run
        if apart:
            self._alone.add(run.key)
        else:
            self._rest[run.key] = time.monotonic() + PATIENCE

    def _settle(self, run: Run, event: Event) -> None:
        self._waiting.pop(run.key, None)
        (self._failed if event.kind == "failed" else self._done).add(run.key)
        self._note(event)
