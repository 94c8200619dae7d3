"""The store: every run in MLflow, every key decided by the claims."""

import hashlib
import json
import warnings
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from lnlbench.leaderboard.results.errors import StoreError, StoreWarning
from lnlbench.leaderboard.results.result import Result, from_json
from lnlbench.leaderboard.results.rules import scores_of
from lnlbench.leaderboard.store import database as db
from lnlbench.leaderboard.store import naming
from lnlbench.leaderboard.store.address import StoreAddress, store_address
from lnlbench.leaderboard.store.cells import Cells
from lnlbench.leaderboard.store.claims import Claims
from lnlbench.leaderboard.store.keyed import KEY, PRECISION, KeyedRuns
from lnlbench.leaderboard.store.recording import Point, Recording, RunInfo
from lnlbench.leaderboard.store.records import Finished, collect
from lnlbench.leaderboard.store.run_files import RECORD, of_result
from lnlbench.leaderboard.store.server import check_server
from lnlbench.leaderboard.store.study_record import DESCRIPTION, EXPERIMENT, StudyRecord
from lnlbench.leaderboard.store.tracking import Tracking, create_tables

if TYPE_CHECKING:
    from lnlbench.leaderboard.store.tracking import Experiment, Run

SHORTEST = 6  # letters of a key that may stand for it
_SECONDS = "cost/seconds"
_FINISHED = "attributes.status = 'FINISHED'"


class Store:
    """Runs, cells and results in MLflow 3; safe for many processes at once.

    Use it as a context manager, or call `close`: the claims hold connections.

    Args:
        address: as `store_address` gives it, or what that takes; artifacts of a database lie beside it.
        wait: seconds to wait for a locked database.

    Raises:
        StoreError: from every method: unreachable, read-only, locked, damaged or not a store; one line.
    """

    def __init__(self, address: StoreAddress | str | None = None, *, wait: float = db.WAIT) -> None:
        self.address = store_address(address)
        self.uri, self.artifacts = self.address.uri, self.address.artifacts
        with self.address.named():
            if self.artifacts is None:
                check_server(self.uri)
            else:
                create_tables(self.uri, self.artifacts, wait)
            self._tracking = Tracking(self.uri, self.artifacts)
            self.claims = Claims(self.address.database, wait=wait)
        self._parents = Cells(self._tracking, self.claims, self._experiment, KeyedRuns([], self.read).precision)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def stored(self, dataset: str | None = None) -> KeyedRuns:
        """Return the MLflow run of every key whose run is finished."""
        return KeyedRuns(self._finished(dataset), self.read)

    def timings(self) -> dict[tuple[str, str, str], float]:
        """Return the mean seconds of device time of a run, by task, method (its whole text) and hardware."""
        found: dict[tuple[str, str, str], list[float]] = {}
        for run in self._finished(None):
            tags = run.data.tags
            if _SECONDS in run.data.metrics and "lnlbench.hardware" in tags:
                what = tags["lnlbench.setting"].partition("/")[0], tags["lnlbench.method"], tags["lnlbench.hardware"]
                found.setdefault(what, []).append(run.data.metrics[_SECONDS])
        return {what: sum(seconds) / len(seconds) for what, seconds in found.items()}

    def results(self, dataset: str | None = None, settings: Collection[str] | None = None) -> list[Result]:
        """Return the results of all finished runs, oldest first; what cannot be read is left out with a warning.

        Trials of tunings are no results. With `settings`, those of these settings alone, and of multiples of their
        length.

        Warns:
            StoreWarning: a finished run has no readable record.
        """
        runs = {run.info.run_id: run for run in self._finished(dataset)}
        finished = [Finished(name, run.info.artifact_uri, run.data.tags) for name, run in runs.items()]
        return collect(finished, settings, lambda run: self._tracking.read_file(runs[run.run_id], RECORD))

    def links(self, ui: str) -> dict[str, str]:
        """Return the address of every finished run's page in MLflow's UI, by key.

        Raises:
            StoreError: the address is not http(s)://….
        """
        if not db.is_server(ui):
            raise StoreError(f"the address of MLflow's UI must begin with http:// or https://, got {ui!r}")
        home = ui.partition("#")[0].rstrip("/")
        kind = "?workflowType=machine_learning"  # else MLflow may open its menu of language models
        runs = self.stored()
        pages = {key: runs.run(key).info for key in runs}
        return {
            key: f"{home}/#/experiments/{page.experiment_id}/runs/{page.run_id}{kind}" for key, page in pages.items()
        }

    def result(self, key: str) -> Result:
        """Return the result of a finished run.

        Raises:
            StoreError: no finished run has that key, or its record cannot be read.
        """
        tagged = self._tracking.search(self._places(), f"{_FINISHED} and tags.`{KEY}` = '{key}'")
        for runs in (KeyedRuns(tagged, self.read), self._before):
            if key in runs:
                return self.read(runs.run(key))
        raise StoreError(f"no finished run has the key {key!r}")

    def find(self, text: str) -> tuple[str, Result]:
        """Return a finished run by its MLflow id, the beginning of its key, or as "method setting replicate".

        Returns:
            its MLflow id and its result.

        Raises:
            StoreError: there is no such run, there are several, or its record cannot be read.
        """
        words, finished = text.split(), self._finished(None)
        runs = KeyedRuns(finished, self.read)
        found = {
            runs.key(run): run
            for run in finished
            if text == run.info.run_id or (len(words) >= 3 and _is_called(run.data.tags, words))
        }
        found |= runs.matching(text) if len(text) >= SHORTEST else {}
        if len(found) != 1:
            names = [" ".join(_names(run.data.tags)) + f" {key[:12]}" for key, run in found.items()]
            hint = "; ".join(names[:4]) or f"give an MLflow run id, {SHORTEST} letters of a key, or 'ce digits/clean 0'"
            raise StoreError(f"{'several runs are' if found else 'no finished run is'} called {text!r}: {hint}")
        (run,) = found.values()
        return run.info.run_id, self.read(run)

    def claim(self, key: str, owner: str) -> bool:
        """Claim a key to run it; runs that a dead owner left behind are marked KILLED.

        A key that is done, but whose run was deleted since, or was computed in another precision, is free again.
        """
        grant = self.claims.acquire(key, owner)
        if grant is None and (run_id := self.claims.run_id(key)) and not self._stands_for(run_id, key):
            self.claims.reopen(key)
            grant = self.claims.acquire(key, owner)
        if grant is None:
            return False
        ended = grant.abandoned and self._tracking.is_finished(grant.abandoned)
        if grant.abandoned and ended and self._stands_for(grant.abandoned, key):  # died between the last two writes
            self.claims.done(key, owner)
            return False
        if grant.taken_over:
            self._kill_all(key, grant.abandoned)
        return True

    def cell(self, info: RunInfo) -> str:
        """Return the parent run of a setting and a method, created if there is none; never two."""
        return self._parents.of(info)

    def begin(self, info: RunInfo, owner: str | None = None) -> Recording:
        """Start a run below its cell; with an owner, the claim on its key is kept alive meanwhile."""
        parent = self.cell(info)
        kind = "trial" if info.study else "run" if info.host is None else "reading"
        tags = info.tags(kind) | {
            KEY: info.key,
            "lnlbench.replicate": str(info.replicate),
            "lnlbench.state": "running",
            "mlflow.parentRunId": parent,
        }
        optional = {"lnlbench.host": info.host, "lnlbench.sweep": info.sweep}
        tags |= {name: value for name, value in optional.items() if value is not None}
        name = (naming.trial_name if info.study else naming.run_name)(info.label, info.replicate)
        run_id = self._tracking.create(self._experiment(info.dataset), name, tags)
        try:
            if owner is not None and not self.claims.attach(info.key, run_id, owner):
                raise StoreError(f"the claim on {info.key} is not held by {owner}; claim it before the run begins")
            self._write_start(run_id, info)
        except BaseException:
            with suppress(StoreError):
                self.kill(run_id)
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

    def numbers(self, run_id: str) -> dict[str, float]:
        """Return the last value of every metric of a run."""
        return dict(self._run(run_id).data.metrics)

    def file(self, run_id: str, name: str) -> bytes:
        """Return a file of a run.

        Raises:
            StoreError: the run has no such file.
        """
        return self._tracking.read_file(self._run(run_id), name)

    def remove_file(self, run_id: str, name: str) -> None:
        """Delete a file of a run, if it is there."""
        self._tracking.remove_file(run_id, name)

    def kill(self, run_id: str) -> None:
        """Mark a run as KILLED, unless it ended by itself or is gone."""
        self._tracking.kill(run_id, {"lnlbench.state": "killed"})

    def record_study(self, record: StudyRecord) -> str:
        """Store a finished study with its files, in an experiment of its own; return its MLflow run."""
        name = f"{record.name} {record.configuration}"
        tags = {"lnlbench.kind": "study", "lnlbench.study": record.name, "lnlbench.length": record.configuration}
        tags |= {"lnlbench.passed": str(record.passed).lower()}
        run_id = self._tracking.create(self._studies, name, tags)
        self._tracking.write_files(run_id, record.files)
        self._tracking.log(run_id, numbers=record.metrics, params=record.params)
        self._tracking.log_points(run_id, list(record.points))
        self._tracking.end(run_id, "FINISHED")
        return run_id

    def studies(self, names: Collection[str]) -> list[dict[str, bytes]]:
        """Return some files of the last finished run of each study and configuration."""
        found = self._tracking.search([self._studies], f"{_FINISHED} and tags.`lnlbench.kind` = 'study'")
        last = {(run.data.tags["lnlbench.study"], run.data.tags["lnlbench.length"]): run for run in found}
        return [{name: self._tracking.read_file(run, name) for name in names} for run in last.values()]

    # What the showcase calls.

    def experiments(self) -> list["Experiment"]:
        """Return the experiments of ours that are not in the trash."""
        return self._tracking.experiments(naming.experiment_name(""))

    def tag_experiment(self, experiment: "Experiment", tags: Mapping[str, str]) -> None:
        """Write those tags of an experiment that it does not have yet."""
        self._tracking.tag_experiment(experiment, tags)

    def cells(self, experiment: "Experiment") -> list[tuple["Run", list["Run"]]]:
        """Return the cells of an experiment, each with its finished runs, oldest first."""
        place = [experiment.experiment_id]
        parents = self._tracking.search(place, "tags.`lnlbench.kind` = 'cell'")
        members: dict[str, list[Run]] = {parent.info.run_id: [] for parent in parents}
        for run in self._tracking.search(place, f"{_FINISHED} and tags.`lnlbench.state` = 'finished'"):
            members.get(run.data.tags.get("mlflow.parentRunId", ""), []).append(run)
        return [(parent, members[parent.info.run_id]) for parent in parents]

    def read(self, run: "Run") -> Result:
        """Return the result of a run.

        Raises:
            StoreError: it has no record that can be read.
        """
        return from_json(self._tracking.read_file(run, RECORD))

    def close(self) -> None:
        """Close the connections of the claims."""
        self.claims.close()

    # What a recording calls.

    def write_points(self, run_id: str, points: list[Point]) -> None:
        """Store metrics in batches, with the time and epoch at which each was noted."""
        self._tracking.log_points(run_id, points)

    def close_run(self, recording: Recording, result: Result, artifacts: Mapping[str, bytes | str]) -> None:
        """Store record, files and scores; mark the run as finished, then its claim; update its cell."""
        run_id, last = recording.run_id, max(0, result.trained - 1)
        self._tracking.write_files(run_id, of_result(result, recording.info.manifest) | dict(artifacts))
        scores = {f"score/{name}": round(score, 4) for name, score in scores_of(result).items()}
        tags = {"lnlbench.state": "finished", "lnlbench.diverged": str(result.diverged).lower()}
        if result.host is None and "total_seconds" in result.cost:  # what a forecast is made of
            scores[_SECONDS] = float(result.cost["total_seconds"])
            tags["lnlbench.hardware"] = str(result.environment.get("hardware", "unknown"))
        self._tracking.log(run_id, numbers=scores, step=last, tags=tags)
        self._tracking.end(run_id, "FINISHED")
        if recording.owner is not None:
            self.claims.done(recording.info.key, recording.owner)
        try:
            self._parents.summarise(recording.parent, recording.info)
        except StoreError as error:  # the run is stored; the next replicate brings its cell up to date
            warnings.warn(f"the summary of {result.label!r} is out of date: {error}", StoreWarning, stacklevel=3)

    def break_run(self, recording: Recording, status: str, reason: str) -> None:
        """Mark a run as FAILED or KILLED with its reason, and give its claim back."""
        tags = {"lnlbench.state": status.lower(), "lnlbench.error": reason[:500]}
        self._tracking.log(recording.run_id, tags=tags)
        self._tracking.end(recording.run_id, status)
        if recording.owner is not None:
            self.claims.release(recording.info.key, recording.owner)

    # Within.

    def _experiment(self, dataset: str) -> str:
        tags = {"mlflow.note.content": naming.experiment_description(dataset), "lnlbench.dataset": dataset}
        return self._tracking.experiment(naming.experiment_name(dataset), tags)

    @property
    def _studies(self) -> str:
        return self._tracking.experiment(EXPERIMENT, {"mlflow.note.content": DESCRIPTION, "lnlbench.dataset": ""})

    def _places(self, dataset: str | None = None) -> list[str]:
        prefix = naming.experiment_name(dataset or "")
        found = self._tracking.experiments(prefix)
        return [one.experiment_id for one in found if dataset is None or one.name == prefix]

    def _finished(self, dataset: str | None) -> list["Run"]:
        runs = self._tracking.search(self._places(dataset), f"{_FINISHED} and tags.`lnlbench.state` = 'finished'")
        return [run for run in runs if KEY in run.data.tags]

    @cached_property
    def _before(self) -> KeyedRuns:
        """The finished runs from before keys knew the precision; no new ones come."""
        return KeyedRuns([run for run in self._finished(None) if PRECISION not in run.data.tags], self.read)

    def _stands_for(self, run_id: str, key: str) -> bool:
        """Whether a run is there, not in the trash, and of this key."""
        run = self._tracking.run(run_id)
        if run is None or run.info.lifecycle_stage != "active":
            return False
        return KEY not in run.data.tags or KeyedRuns([], self.read).key(run) == key

    def _run(self, run_id: str) -> "Run":
        run = self._tracking.run(run_id)
        if run is None:
            raise StoreError(f"the store has no run {run_id!r}")
        return run

    def _kill_all(self, key: str, known: str | None) -> None:
        """Mark what a dead owner left behind, also the run that it had begun but not yet attached."""
        query = f"attributes.status = 'RUNNING' and tags.`{KEY}` = '{key}'"
        left = {run.info.run_id for run in self._tracking.search(self._places(), query)}
        for run_id in left | ({known} if known else set()):
            self.kill(run_id)

    def _write_start(self, run_id: str, info: RunInfo) -> None:
        self._tracking.log(run_id, params={"replicate": info.replicate, **info.params} | info.shared)
        if info.manifest:
            self._tracking.log_input(run_id, info.dataset, _digest(info.manifest), json.dumps({"noise": info.noise}))


def existing(address: StoreAddress) -> Store:
    """Open a store that is there: to look for a run must not make one, which takes seconds.

    Raises:
        StoreError: there is none, or it cannot be used.
    """
    if not address.exists:
        raise StoreError(f"nothing is stored yet in {address}; `lnlbench run digits` is a first run")
    return Store(address)


def _names(tags: Mapping[str, str]) -> tuple[str, str, str]:
    return tags["lnlbench.label"], tags["lnlbench.setting"], tags.get("lnlbench.replicate", "")


def _is_called(tags: Mapping[str, str], words: Sequence[str]) -> bool:
    """Whether a run is called so: its method as it was written or in full, its setting, its replicate (1 or s1)."""
    method, (setting, replicate) = "".join(words[:-2]), words[-2:]
    label, *place = _names(tags)
    spelled = ("".join(name.split()) for name in (label, tags.get("lnlbench.method", "")))
    return place == [setting, replicate.removeprefix("s")] and method in spelled


def _digest(manifest: Mapping[str, Any]) -> str:
    """Return what names the noisy labels: their hash, cut to MLflow's 36 characters."""
    text = json.dumps(dict(manifest), sort_keys=True, default=str)
    return str(manifest.get("labels_sha256") or hashlib.sha256(text.encode()).hexdigest())[:36]
