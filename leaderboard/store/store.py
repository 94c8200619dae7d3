"""The store: every run in MLflow, every key decided by the claims."""

import json
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.store import database as db
from lnlbench.leaderboard.store import index, naming
from lnlbench.leaderboard.store.address import StoreAddress
from lnlbench.leaderboard.store.cells import Cells
from lnlbench.leaderboard.store.claims import ClaimLost, Claims
from lnlbench.leaderboard.store.index import CELLS, KEY, PARENT, REPLICATE, RESULTS, SECONDS, STATE, Entry
from lnlbench.leaderboard.store.keyed import KeyedRuns
from lnlbench.leaderboard.store.leftovers import clear
from lnlbench.leaderboard.store.reader import StoreReader
from lnlbench.leaderboard.store.recording import Recording, RunInfo
from lnlbench.leaderboard.store.relocation import follow
from lnlbench.leaderboard.store.rows import Point, Rows
from lnlbench.leaderboard.store.run_files import of_result
from lnlbench.leaderboard.store.run_tables import RunTables
from lnlbench.leaderboard.store.shown_cells import ShownCells, shown_scores
from lnlbench.leaderboard.store.study_record import DESCRIPTION, EXPERIMENT, KIND, LENGTH, PASSED, STUDY, StudyRecord
from lnlbench.leaderboard.store.tracking import Tracking, create_tables, now

if TYPE_CHECKING:
    from lnlbench.leaderboard.store.tracking import Experiment

_DONE = {STATE: "finished"}


class Store(StoreReader):
    """Runs, cells and results in MLflow 3, to be written too; safe for many processes at once.

    Use it as a context manager, or call `close`: the claims hold connections.

    Args:
        address: as `store_address` gives it, or what that takes; artifacts of a database lie beside it.
        wait: seconds to wait for a locked database.
        patience: seconds to wait, once it is open, for a store that is away.

    Raises:
        StoreError: from every method: unreachable, read-only, locked, damaged or not a store; one line.
    """

    def __init__(
        self, address: StoreAddress | str | None = None, *, wait: float = db.WAIT, patience: float = 0.0
    ) -> None:
        super().__init__(address)
        self.patience = patience
        elsewhere = self.address.database != self.uri
        if elsewhere:
            db.check(self.address.database)  # at first, so that no store is made for nothing
        with self.address.named():
            if self.artifacts is not None:
                create_tables(self.uri, self.artifacts, wait)
        with nullcontext() if elsewhere else self.address.named():
            self.claims = Claims(self.address.database, wait=wait, patience=patience)
        with self.address.named():
            if self.artifacts is not None and self.address.file is not None:
                self._follow(self.artifacts)
        self._tracking = Tracking(self.uri, self.artifacts, patience)
        self._parents = Cells(self._tracking, self.claims, self._experiment)

    def _follow(self, artifacts: Path) -> None:
        """Let the addresses in the database follow a move; the claims may lie in another database."""
        if self.address.database == self.uri:
            follow(self.uri, self.claims.engine, artifacts)
            return
        engine = db.engine(self.uri)
        try:
            follow(self.uri, engine, artifacts)
        finally:
            engine.dispose()

    @property
    def everything(self) -> bool:
        """Whether all curves are written at once: others look at a server while runs are made."""
        return self._tables is None

    def close(self) -> None:
        """Close the connections of the claims."""
        self.claims.close()

    def claim(self, key: str, owner: str) -> bool:
        """Claim a key to run it; runs that a dead owner left behind are marked KILLED.

        A key that is done, but whose run was deleted since, or was computed in another precision, is free again.
        """
        grant = self.claims.acquire(key, owner)
        if grant is None and (run_id := self.claims.run_id(key)) and not self._stands(run_id, key):
            self.claims.reopen(key)
            grant = self.claims.acquire(key, owner)
        if grant is None:
            return False
        if grant.abandoned and self._stands(grant.abandoned, key, closed=False):
            self.claims.done(key, owner)  # its owner died between the last two writes
            return False
        if grant.taken_over:
            self._kill_all(key)
            if grant.abandoned:
                self.kill(grant.abandoned)
        return True

    def tidy(self) -> int:
        """Clear what killed processes left behind, see `leftovers`; return how many runs were marked as killed."""
        return clear(self._index, self._tracking, self.claims, self._finish_whole)

    def discard(self, entry: Entry) -> None:
        """Let a finished run count no more, because its record is lost: its key is free to be made again."""
        self._tracking.write(entry.run_id, Rows(tags={STATE: "lost"}, status="FAILED"))
        key = entry.tags[KEY]
        if self.claims.run_id(key) == entry.run_id:
            self.claims.reopen(key)

    def cell(self, info: RunInfo) -> str:
        """Return the parent run of a setting and a method, created if there is none; never two."""
        return self._parents.of(info)

    def begin(self, info: RunInfo, owner: str | None = None) -> Recording:
        """Start a run below its cell; with an owner, the claim on its key is kept alive meanwhile.

        Whatever ends it before it returns, Ctrl-C too, leaves no run that seems to run, and gives the claim back.

        Raises:
            ClaimLost: the owner does not hold the claim, any more or at all.
            StoreError: the store cannot be written.
        """
        since = now()
        try:
            return self._begin(info, owner)
        except BaseException:
            with suppress(StoreError):
                self.give_back(info.key, owner, since)
            raise

    def give_back(self, key: str, owner: str | None, since: int = 0) -> None:
        """Mark what an owner has begun of a key as killed, and let the key be claimed again.

        The run is looked for: an interrupt may come after it was made and before its id was known.

        Args:
            key: of a run that this owner does not finish.
            owner: who claimed it; nothing happens where that is someone else now.
            since: when it began at the earliest, milliseconds since 1970.
        """
        if owner is None or self.claims.heartbeat(key, owner):
            self._kill_all(key, since=since)
        if owner is not None:
            self.claims.release(key, owner)

    def _begin(self, info: RunInfo, owner: str | None) -> Recording:
        parent = self.cell(info)
        kind = "trial" if info.study else "run" if info.host is None else "reading"
        tags = info.tags(kind) | {
            KEY: info.key,
            REPLICATE: str(info.replicate),
            STATE: "running",
            PARENT: parent,
        }
        optional = {index.HOST: info.host, "lnlbench.sweep": info.sweep}
        tags |= {name: value for name, value in optional.items() if value is not None}
        name = (naming.trial_name if info.study else naming.run_name)(info.label, info.replicate)
        run_id = self._tracking.create(self._experiment(info.dataset), name, tags)
        try:
            if owner is not None and not self.claims.attach(info.key, run_id, owner):
                raise ClaimLost(f"the claim on {info.key} is not held by {owner}: another process has taken it over")
            if info.labels:
                source = json.dumps({"noise": info.noise})
                self._tracking.log_input(run_id, info.dataset, info.labels, source)
        except BaseException:
            with suppress(StoreError):
                self.kill(run_id)  # by its id, also where the key is someone else's now
            raise
        keeper = self.claims.keep(info.key, owner) if owner is not None else nullcontext()
        return Recording(self, run_id, parent, info, owner, keeper)

    def annotate(
        self,
        run_id: str,
        metrics: Mapping[str, float],
        artifacts: Mapping[str, bytes | str] | None = None,
        note: str | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Add numbers, files, a Markdown description and then tags to a run that is there, a study say."""
        noted = {} if note is None else {"mlflow.note.content": note}
        self._tracking.write_files(run_id, artifacts or {})
        self._tracking.log(run_id, numbers=metrics, tags=noted | dict(more or {}))

    def remove_files(self, entry: Entry, names: Collection[str]) -> None:
        """Delete files of a run, as far as they are there."""
        self._tracking.remove_files(entry.run_id, names, entry.artifacts)

    def kill(self, run_id: str) -> None:
        """Mark a run as KILLED, unless it ended by itself or is gone."""
        self._tracking.kill(run_id, {STATE: "killed"})

    def record_study(self, record: StudyRecord) -> str:
        """Store a finished study with its files, in an experiment of its own; return its MLflow run."""
        name = f"{record.name} {record.configuration}"
        tags = {index.KIND: KIND, STUDY: record.name, LENGTH: record.configuration, PASSED: str(record.passed).lower()}
        run_id = self._tracking.create(self._studies, name, tags)
        self._tracking.write_files(run_id, record.files)
        self._tracking.log(run_id, numbers=record.metrics, params=record.params)
        self._tracking.write(run_id, Rows(points=record.points, status="FINISHED"))
        return run_id

    def summarise(self, keys: Iterable[str]) -> None:
        """Bring the cells of some runs up to date: mean, interval and n of each."""
        runs = self._index.entries([PARENT], where={**RESULTS, KEY: list(keys)})
        parents = {entry.tags[PARENT] for entry in runs if PARENT in entry.tags}
        if parents:
            cells = self._index.entries(where=CELLS, numbers=None, runs=parents)
            self.shown.sum_up(cells, self.shown.members(index.ALL, cells))

    # What the showcase calls.

    @cached_property
    def shown(self) -> ShownCells:
        """What MLflow shows of cells and of the runs in them, to be brought up to date."""
        return ShownCells(self._tracking, self._index, self.claims, self._tables, self.read)

    def experiments(self) -> list["Experiment"]:
        """Return the experiments of ours that are not in the trash."""
        return self._tracking.experiments(index.ALL)

    def tag_experiment(self, experiment: "Experiment", tags: Mapping[str, str]) -> None:
        """Write those tags of an experiment that it does not have yet."""
        self._tracking.tag_experiment(experiment, tags)

    # What a recording calls.

    def write(self, run_id: str, rows: Rows) -> None:
        """Add to a run."""
        if self._tables is not None:
            self._tables.write(run_id, rows)
        else:
            self._tracking.write(run_id, rows)

    def close_run(self, recording: Recording, result: Result, artifacts: Mapping[str, bytes | str], rows: Rows) -> None:
        """Store record, files and scores, and mark the run and its claim as finished, in one step where that is one.

        Raises:
            ClaimLost: the key is someone else's now; the run is marked as killed.
            StoreError: the store cannot be written.
        """
        run_id, info = recording.run_id, recording.info
        hosts = self.hosts_of([result])
        self._tracking.write_files(run_id, of_result(result, hosts) | dict(artifacts))
        rows = replace(rows, points=[*rows.points, *_scores(result, hosts)], tags=_facts(result))
        claim = None if recording.owner is None else (info.key, recording.owner)
        if not self._finish(run_id, rows, claim):
            self._tracking.remove_files(run_id, artifacts)  # whoever has killed this run has not seen them
            raise ClaimLost(f"the key {info.key} was taken over by another process before its run was finished")

    def break_run(self, recording: Recording, status: str, reason: str, rows: Rows) -> None:
        """Mark a run as FAILED or KILLED with its reason, and give its claim back; not where it was just finished."""
        if self._tracking.status(recording.run_id) == "FINISHED":  # Ctrl-C came after the last write
            return
        tags = {STATE: status.lower(), "lnlbench.error": reason[:500]}
        self.write(recording.run_id, replace(rows, tags=tags, status=status))
        self._tracking.clean(recording.run_id)  # Ctrl-C may have come after its files were written
        if recording.owner is not None:
            self.claims.release(recording.info.key, recording.owner)

    # Within.

    @cached_property
    def _tables(self) -> RunTables | None:
        """The tables of a database, None where MLflow itself must write."""
        if self.artifacts is None or self.address.database != self.uri:
            return None
        tables = RunTables(self.uri, self.claims.engine, self.patience)
        return tables if tables.known else None

    def _finish(self, run_id: str, rows: Rows, claim: tuple[str, str] | None) -> bool:
        """Write the last rows of a run and end it; False, and nothing written, if the claim was lost."""
        if self._tables is not None:
            ended = replace(rows, tags={**rows.tags, **_DONE}, status="FINISHED")
            return self._tables.write(run_id, ended, claim)
        self._tracking.write(run_id, rows)
        if claim is not None and not self.claims.done(*claim):
            return False
        self._tracking.write(run_id, Rows(tags=_DONE, status="FINISHED"))  # `claim` makes up for it after a kill
        return True

    def _stands(self, run_id: str, key: str, *, closed: bool = True) -> bool:
        """Say whether a run is there, finished and of this key.

        Args:
            run_id: of the run.
            key: it should be of.
            closed: whether the claim on the key says so; then a run with a whole record was finished but for its mark,
                which is set now.
        """
        run = self._tracking.run(run_id)
        if run is None or run.info.lifecycle_stage != "active":
            return False
        entry = Entry(run_id, run.info.experiment_id, run.info.artifact_uri, run.info.start_time, dict(run.data.tags))
        unmarked = closed and run.info.status == "RUNNING"
        if run.info.status != "FINISHED" and not (unmarked and self._finish_whole(entry)):
            return False
        return KEY not in entry.tags or KeyedRuns([], self.read).key(entry) == key

    def _finish_whole(self, entry: Entry) -> bool:
        """Mark a run as finished whose key is closed, if its record is whole."""
        try:
            self.read(entry)
        except StoreError:
            return False
        self._tracking.write(entry.run_id, Rows(tags=_DONE, status="FINISHED"))
        return True

    def _experiment(self, dataset: str) -> str:
        tags = {"mlflow.note.content": naming.experiment_description(dataset), "lnlbench.dataset": dataset}
        return self._tracking.experiment(naming.experiment_name(dataset), tags)

    @property
    def _studies(self) -> str:
        return self._tracking.experiment(EXPERIMENT, {"mlflow.note.content": DESCRIPTION, "lnlbench.dataset": ""})

    def _kill_all(self, key: str, since: int = 0) -> None:
        """Mark the runs of a key that seem to run, also one that was begun and not yet attached to its claim."""
        places = [experiment.experiment_id for experiment in self.experiments()]
        query = f"attributes.status = 'RUNNING' and tags.`{KEY}` = '{key}'"
        for run in self._tracking.search(places, query):
            if run.info.start_time >= since:
                self.kill(run.info.run_id)


def _scores(result: Result, hosts: Mapping[str, Result]) -> list[Point]:
    """Return what a run's row shows under every rule, and the seconds that a forecast is made of."""
    numbers = shown_scores(result, hosts)
    if result.host is None and "total_seconds" in result.cost:
        numbers[SECONDS] = float(result.cost["total_seconds"])
    last, now = max(0, result.trained - 1), int(time.time() * 1000)
    return [(name, value, last, now) for name, value in numbers.items()]


def _facts(result: Result) -> dict[str, str]:
    facts = {"lnlbench.diverged": str(result.diverged).lower()}
    if result.host is None and "total_seconds" in result.cost:
        facts[index.HARDWARE] = str(result.environment.get("hardware", "unknown"))
    return facts
