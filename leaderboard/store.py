"""The store: every run in MLflow, every key decided by the claims; the only file that imports mlflow."""

import hashlib
import json
import os
import time
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lnlbench.leaderboard import database as db
from lnlbench.leaderboard import files, naming
from lnlbench.leaderboard.claims import Claims, new_owner
from lnlbench.leaderboard.errors import StoreError, StoreWarning
from lnlbench.leaderboard.reader import RECORD, Finished, collect, local
from lnlbench.leaderboard.recording import Point, Recording, RunInfo
from lnlbench.leaderboard.result import Result, from_json
from lnlbench.leaderboard.rules import RULES, scores_of
from lnlbench.leaderboard.server import check_server
from lnlbench.leaderboard.server import serve as serve
from lnlbench.leaderboard.statistics import interval
from lnlbench.leaderboard.study import DESCRIPTION, EXPERIMENT, StudyRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

_BATCH = 1000  # MLflow's limit for the metrics of one call
_PAGE = 1000
SHORTEST = 6  # letters of a key that may stand for it
_SECONDS = "cost/seconds"
_PATIENCE = 60.0  # seconds to wait for another process that creates the same cell


class Store:
    """Runs, cells and results in MLflow 3; safe for many processes at once.

    Args:
        tracking_uri: `sqlite:///file`, `postgresql://…` or an MLflow server's `http(s)://…`; by default
            `mlflow.db` in $LNLBENCH_HOME (or ~/.lnlbench). Artifacts of a database lie beside it.
        database: where the claims are; by default the same database, and for a server `claims.db` at home.
        wait: seconds to wait for a locked database.

    Raises:
        StoreError: from every method: unreachable, read-only, locked, damaged or not a store; one line.
    """

    def __init__(self, tracking_uri: str | None = None, database: str | None = None, *, wait: float = db.WAIT) -> None:
        self._cells: dict[str, str] = {}
        self._experiments: dict[str, str] = {}
        self._artifact_roots: dict[str, str] = {}
        self.uri = tracking_uri or f"sqlite:///{db.home() / 'mlflow.db'}"
        self.artifacts: Path | None = None
        if db.is_server(self.uri):
            self.uri = self.uri.rstrip("/")
            check_server(self.uri)
            self.claims = Claims(database or f"sqlite:///{db.home() / 'claims.db'}", wait=wait)
            return
        self.uri = db.absolute(self.uri)
        file = db.sqlite_file(self.uri)
        self.artifacts = (file.parent if file else db.home()) / "artifacts"
        _create_tables(self.uri, self.artifacts, wait)
        self.claims = Claims(database or self.uri, wait=wait)

    def stored(self, dataset: str | None = None) -> dict[str, str]:
        """Return the MLflow run of every key whose run is finished."""
        return {run.data.tags["lnlbench.key"]: run.info.run_id for run in self._finished(dataset)}

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
        return collect(finished, settings, lambda run: self._artifact(runs[run.run_id], RECORD))

    def links(self, ui: str) -> dict[str, str]:
        """Return the address of every finished run's page in MLflow's UI, by key.

        Raises:
            StoreError: the address is not http(s)://….
        """
        if not db.is_server(ui):
            raise StoreError(f"the address of MLflow's UI must begin with http:// or https://, got {ui!r}")
        home = ui.partition("#")[0].rstrip("/")
        return {
            run.data.tags["lnlbench.key"]: f"{home}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
            for run in self._finished(None)
        }

    def result(self, key: str) -> Result:
        """Return the result of a finished run.

        Raises:
            StoreError: no finished run has that key, or its record cannot be read.
        """
        with self._explained():
            query = f"attributes.status = 'FINISHED' and tags.`lnlbench.key` = '{key}'"
            experiments = self._client.search_experiments(filter_string=f"name LIKE '{naming.experiment_name('')}%'")
            found = list(self._search([experiment.experiment_id for experiment in experiments], query))
        if not found:
            raise StoreError(f"no finished run has the key {key!r}")
        return from_json(self._artifact(found[-1], "record.json"))

    def find(self, text: str) -> tuple[str, Result]:
        """Return a finished run by its MLflow id, the beginning of its key, or as "method setting replicate".

        Returns:
            its MLflow id and its result.

        Raises:
            StoreError: there is no such run, there are several, or its record cannot be read.
        """
        words = text.split()
        found = {
            run.data.tags["lnlbench.key"]: run
            for run in self._finished(None)
            if text == run.info.run_id
            or (len(text) >= SHORTEST and run.data.tags["lnlbench.key"].startswith(text))
            or (len(words) >= 3 and _is_called(run.data.tags, words))
        }
        if len(found) != 1:
            names = [" ".join(_names(run.data.tags)) + f" {key[:12]}" for key, run in found.items()]
            hint = "; ".join(names[:4]) or f"give an MLflow run id, {SHORTEST} letters of a key, or 'ce digits/clean 0'"
            raise StoreError(f"{'several runs are' if found else 'no finished run is'} called {text!r}: {hint}")
        (run,) = found.values()
        return run.info.run_id, from_json(self._artifact(run, "record.json"))

    def claim(self, key: str, owner: str) -> bool:
        """Claim a key to run it; runs that a dead owner left behind are marked KILLED.

        A key that is done, but whose run was deleted since, is free again.
        """
        grant = self.claims.acquire(key, owner)
        if grant is None and (run_id := self.claims.run_id(key)) and not self._is_active(run_id):
            self.claims.reopen(key)
            grant = self.claims.acquire(key, owner)
        if grant is None:
            return False
        if grant.abandoned and self._is_finished(grant.abandoned):  # its owner died between the last two writes
            self.claims.done(key, owner)
            return False
        if grant.taken_over:
            self._kill_all(key, grant.abandoned)
        return True

    def cell(self, info: RunInfo) -> str:
        """Return the parent run of a setting and a method, created if there is none; never two."""
        name = info.cell
        if name not in self._cells:
            self._cells[name] = self._unique("cell:" + hashlib.sha256(name.encode()).hexdigest(), info)
        return self._cells[name]

    def begin(self, info: RunInfo, owner: str | None = None) -> Recording:
        """Start a run below its cell; with an owner, the claim on its key is kept alive meanwhile."""
        parent = self.cell(info)
        kind = "trial" if info.study else "run" if info.host is None else "reading"
        tags = _tags(info, kind) | {
            "lnlbench.key": info.key,
            "lnlbench.replicate": str(info.replicate),
            "lnlbench.state": "running",
            "mlflow.parentRunId": parent,
        }
        optional = {"lnlbench.host": info.host, "lnlbench.sweep": info.sweep}
        tags |= {name: value for name, value in optional.items() if value is not None}
        with self._explained():
            run = self._client.create_run(
                self._experiment(info.dataset),
                start_time=_now(),
                tags=tags,
                run_name=(naming.trial_name if info.study else naming.run_name)(info.label, info.replicate),
            )
        run_id: str = run.info.run_id
        self._artifact_roots[run_id] = run.info.artifact_uri
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
        from mlflow.entities import Metric, RunTag

        noted = {} if note is None else {"mlflow.note.content": note}
        tags = [RunTag(name, value) for name, value in (noted | dict(more or {})).items()]
        with self._explained():
            run = self._client.get_run(run_id)
            self._artifact_roots[run_id] = run.info.artifact_uri
            self._write_files(run_id, artifacts or {})
            found = [Metric(name, value, _now(), 0) for name, value in metrics.items()]
            self._client.log_batch(run_id, metrics=found, tags=tags)

    def numbers(self, run_id: str) -> dict[str, float]:
        """Return the last value of every metric of a run."""
        with self._explained():
            return dict(self._client.get_run(run_id).data.metrics)

    def file(self, run_id: str, name: str) -> bytes:
        """Return a file of a run.

        Raises:
            StoreError: the run has no such file.
        """
        with self._explained():
            run = self._client.get_run(run_id)
        return self._artifact(run, name)

    def remove_file(self, run_id: str, name: str) -> None:
        """Delete a file of a run, if it is there."""
        with self._explained():
            uri = self._client.get_run(run_id).info.artifact_uri
            root = local(uri, self.artifacts)
            if root is not None:
                (root / name).unlink(missing_ok=True)
                return
            from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

            repository = get_artifact_repository(uri, tracking_uri=self.uri)
            if any(found.path == name for found in repository.list_artifacts()):
                repository.delete_artifacts(name)

    def kill(self, run_id: str) -> None:
        """Mark a run as KILLED, unless it ended by itself or is gone."""
        with self._explained():
            run = self._run(run_id)
            if run is None or run.info.status not in ("RUNNING", "SCHEDULED"):
                return
            self._client.set_tag(run_id, "lnlbench.state", "killed")
            self._client.set_terminated(run_id, status="KILLED", end_time=_now())

    def record_study(self, record: StudyRecord) -> str:
        """Store a finished study with its files, in an experiment of its own; return its MLflow run."""
        from mlflow.entities import Metric, Param

        tags = {"lnlbench.kind": "study", "lnlbench.study": record.name, "lnlbench.length": record.configuration}
        tags |= {
            "lnlbench.passed": str(record.passed).lower(),
            "mlflow.runName": f"{record.name} {record.configuration}",
        }
        with self._explained():
            name = f"{record.name} {record.configuration}"
            run = self._client.create_run(self._studies, start_time=_now(), tags=tags, run_name=name)
            run_id: str = run.info.run_id
            self._artifact_roots[run_id] = run.info.artifact_uri
            self._write_files(run_id, record.files)
            metrics = [Metric(key, value, _now(), 0) for key, value in record.metrics.items()]
            params = [Param(key, str(value)[:6000]) for key, value in record.params.items()]
            self._client.log_batch(run_id, metrics=metrics, params=params)
        self.write_points(run_id, list(record.points))
        with self._explained():
            self._client.set_terminated(run_id, status="FINISHED", end_time=_now())
        return run_id

    def studies(self, names: Collection[str]) -> list[dict[str, bytes]]:
        """Return some files of the last finished run of each study and configuration."""
        with self._explained():
            query = "attributes.status = 'FINISHED' and tags.`lnlbench.kind` = 'study'"
            found = list(self._search([self._studies], query))
        last = {(run.data.tags["lnlbench.study"], run.data.tags["lnlbench.length"]): run for run in found}
        return [{name: self._artifact(run, name) for name in names} for run in last.values()]

    # What the showcase calls.

    def experiments(self) -> list["Experiment"]:
        """Return the experiments of ours that are not in the trash."""
        with self._explained():
            query = f"name LIKE '{naming.experiment_name('')}%'"
            return list(self._client.search_experiments(filter_string=query))

    def tag_experiment(self, experiment: "Experiment", tags: Mapping[str, str]) -> None:
        """Write those tags of an experiment that it does not have yet."""
        with self._explained():
            for name, value in tags.items():
                if experiment.tags.get(name) != value:
                    self._client.set_experiment_tag(experiment.experiment_id, name, value)

    def cells(self, experiment: "Experiment") -> list[tuple["Run", list["Run"]]]:
        """Return the cells of an experiment, each with its finished runs, oldest first."""
        with self._explained():
            place = [experiment.experiment_id]
            parents = list(self._search(place, "tags.`lnlbench.kind` = 'cell'"))
            members: dict[str, list[Run]] = {parent.info.run_id: [] for parent in parents}
            for run in self._search(place, "attributes.status = 'FINISHED' and tags.`lnlbench.state` = 'finished'"):
                members.get(run.data.tags.get("mlflow.parentRunId", ""), []).append(run)
        return [(parent, members[parent.info.run_id]) for parent in parents]

    def read(self, run: "Run") -> Result:
        """Return the result of a run.

        Raises:
            StoreError: it has no record that can be read.
        """
        return from_json(self._artifact(run, "record.json"))

    def close(self) -> None:
        """Close the connections of the claims."""
        self.claims.close()

    # What a recording calls.

    def write_points(self, run_id: str, points: list[Point]) -> None:
        """Store metrics in batches, with the time and epoch at which each was noted."""
        from mlflow.entities import Metric

        metrics = [Metric(key, value, stamp, epoch) for key, value, epoch, stamp in points]
        with self._explained():
            for start in range(0, len(metrics), _BATCH):
                self._client.log_batch(run_id, metrics=metrics[start : start + _BATCH])

    def close_run(self, recording: Recording, result: Result, artifacts: Mapping[str, bytes | str]) -> None:
        """Store record, files and scores; mark the run as finished, then its claim; update its cell."""
        from mlflow.entities import Metric, RunTag

        run_id, last = recording.run_id, max(0, result.trained - 1)
        contents = files.of_result(result, recording.info.manifest) | dict(artifacts)
        scores = {name: round(score, 4) for name, score in scores_of(result).items()}
        with self._explained():
            self._write_files(run_id, contents)
            metrics = [Metric(f"score/{name}", value, _now(), last) for name, value in scores.items()]
            tags = [RunTag("lnlbench.state", "finished"), RunTag("lnlbench.diverged", str(result.diverged).lower())]
            if result.host is None and "total_seconds" in result.cost:  # what a forecast is made of
                metrics.append(Metric(_SECONDS, float(result.cost["total_seconds"]), _now(), last))
                tags.append(RunTag("lnlbench.hardware", str(result.environment.get("hardware", "unknown"))))
            self._client.log_batch(run_id, metrics=metrics, tags=tags)
            self._client.set_terminated(run_id, status="FINISHED", end_time=_now())
        if recording.owner is not None:
            self.claims.done(recording.info.key, recording.owner)
        try:
            self._summarise(recording.parent, recording.info)
        except StoreError as error:  # the run is stored; the next replicate brings its cell up to date
            warnings.warn(f"the summary of {result.label!r} is out of date: {error}", StoreWarning, stacklevel=3)

    def break_run(self, recording: Recording, status: str, reason: str) -> None:
        """Mark a run as FAILED or KILLED with its reason, and give its claim back."""
        from mlflow.entities import RunTag

        with self._explained():
            tags = [RunTag("lnlbench.state", status.lower()), RunTag("lnlbench.error", reason[:500])]
            self._client.log_batch(recording.run_id, tags=tags)
            self._client.set_terminated(recording.run_id, status=status, end_time=_now())
        if recording.owner is not None:
            self.claims.release(recording.info.key, recording.owner)

    # MLflow.

    @cached_property
    def _client(self) -> "MlflowClient":
        return _mlflow().MlflowClient(tracking_uri=self.uri)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with db.explained(self.uri):
            yield

    def _experiment(self, dataset: str) -> str:
        return self._named(naming.experiment_name(dataset), naming.experiment_description(dataset), dataset)

    @property
    def _studies(self) -> str:
        return self._named(EXPERIMENT, DESCRIPTION, "")

    def _named(self, name: str, description: str, dataset: str) -> str:
        if name in self._experiments:
            return self._experiments[name]
        location = self.artifacts.joinpath(name).as_uri() if self.artifacts else None
        tags = {"mlflow.note.content": description, "lnlbench.dataset": dataset}
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            try:
                self._experiments[name] = self._client.create_experiment(name, location, tags)
                return self._experiments[name]
            except Exception:  # another process made it since; anything else fails again below
                experiment = self._client.get_experiment_by_name(name)
                if experiment is None:
                    raise
        if experiment.lifecycle_stage != "active":
            raise StoreError(f"the experiment {name!r} is in MLflow's trash; restore it there, or empty the trash")
        self._experiments[name] = experiment.experiment_id
        return self._experiments[name]

    def _search(self, experiments: list[str], query: str) -> Iterator["Run"]:
        token, more = None, bool(experiments)
        while more:
            page = self._client.search_runs(
                experiments, query, max_results=_PAGE, order_by=["attributes.start_time ASC"], page_token=token
            )
            yield from page
            token, more = page.token, bool(page.token)

    def _finished(self, dataset: str | None) -> list["Run"]:
        with self._explained():
            prefix = naming.experiment_name(dataset or "")
            experiments = [
                experiment.experiment_id
                for experiment in self._client.search_experiments(filter_string=f"name LIKE '{prefix}%'")
                if dataset is None or experiment.name == prefix
            ]
            query = "attributes.status = 'FINISHED' and tags.`lnlbench.state` = 'finished'"
            runs = list(self._search(experiments, query))
        return [run for run in runs if "lnlbench.key" in run.data.tags]

    def _run(self, run_id: str) -> "Run | None":
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def _kill_all(self, key: str, known: str | None) -> None:
        """Mark what a dead owner left behind, also the run that it had begun but not yet attached."""
        with self._explained():
            experiments = self._client.search_experiments(filter_string=f"name LIKE '{naming.experiment_name('')}%'")
            query = f"attributes.status = 'RUNNING' and tags.`lnlbench.key` = '{key}'"
            left = {run.info.run_id for run in self._search([e.experiment_id for e in experiments], query)}
        for run_id in left | ({known} if known else set()):
            self.kill(run_id)

    def _is_active(self, run_id: str) -> bool:
        with self._explained():
            run = self._run(run_id)
            return run is not None and run.info.lifecycle_stage == "active"

    def _is_finished(self, run_id: str) -> bool:
        with self._explained():
            run = self._run(run_id)
            return run is not None and run.info.lifecycle_stage == "active" and run.info.status == "FINISHED"

    def _unique(self, key: str, info: RunInfo) -> str:
        """Find or create the parent run; the claims see to it that only one process creates."""
        owner, deadline = new_owner(), time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if run_id := self.claims.run_id(key):
                if self._is_active(run_id):
                    return run_id
                self.claims.reopen(key)
            if grant := self.claims.acquire(key, owner):
                # A dead owner may have created it; and a rebuilt claims table knows nothing of those there are.
                run_id = grant.abandoned if grant.abandoned and self._is_active(grant.abandoned) else None
                run_id = run_id or self._find_cell(key, info) or self._create_cell(key, info)
                self.claims.attach(key, run_id, owner)
                self.claims.done(key, owner)
                return run_id
            time.sleep(0.05)
        raise StoreError(f"another process is creating the cell of {info.label!r} in {info.setting!r} for too long")

    def _find_cell(self, key: str, info: RunInfo) -> str | None:
        with self._explained():
            runs = self._search([self._experiment(info.dataset)], f"tags.`lnlbench.cell` = '{key}'")
            return next((run.info.run_id for run in runs), None)

    def _create_cell(self, key: str, info: RunInfo) -> str:
        if info.study is not None:  # of the first trial, only what all of them share
            info = replace(info, method=info.label)
        tags = _tags(info, "study" if info.study else "cell") | {"lnlbench.cell": key}
        name = (naming.study_name if info.study else naming.cell_name)(info.label, info.noise)
        with self._explained():
            run = self._client.create_run(self._experiment(info.dataset), start_time=_now(), tags=tags, run_name=name)
            self._client.log_batch(run.info.run_id, params=_params(info, {}))
            if info.cell_files is not None:
                self._artifact_roots[run.info.run_id] = run.info.artifact_uri
                self._write_files(run.info.run_id, info.cell_files())
            self._client.set_terminated(run.info.run_id, end_time=_now())
            return str(run.info.run_id)

    def _write_start(self, run_id: str, info: RunInfo) -> None:
        from mlflow.entities import Dataset, DatasetInput

        with self._explained():
            self._client.log_batch(run_id, params=_params(info, {"replicate": info.replicate, **info.params}))
            if info.manifest:
                source = {"source_type": "lnlbench", "source": json.dumps({"noise": info.noise})}
                dataset = Dataset(name=info.dataset, digest=_digest(info.manifest), **source)
                self._client.log_inputs(run_id, [DatasetInput(dataset)])

    def _write_files(self, run_id: str, contents: Mapping[str, bytes | str]) -> None:
        root = local(self._artifact_roots[run_id], self.artifacts)
        if root is not None:
            files.write_all(root, contents)
            return
        with files.temporary(contents) as folder:
            self._client.log_artifacts(run_id, str(folder))

    def _artifact(self, run: "Run", name: str) -> bytes:
        root = local(run.info.artifact_uri, self.artifacts)
        if root is not None:
            return files.read(root / name)
        with self._explained(), files.temporary({}) as folder:
            return files.read(Path(self._client.download_artifacts(run.info.run_id, name, str(folder))))

    def _summarise(self, parent: str, info: RunInfo) -> None:
        """Write mean, interval and n of the cell; the step is n, so that a late writer never hides a newer value."""
        from mlflow.entities import Metric

        if info.study is not None:  # summarised when it is closed
            return

        with self._explained():
            query = f"tags.`mlflow.parentRunId` = '{parent}' and attributes.status = 'FINISHED'"
            found = self._search([self._experiment(info.dataset)], query)
            # By replicate: of a replicate that was run again, by another version say, the last one counts.
            children = list({run.data.tags.get("lnlbench.replicate"): run for run in found}.values())
            metrics, n = [Metric("n", len(children), _now(), len(children))], len(children)
            for name in RULES:
                scores = [run.data.metrics[f"score/{name}"] for run in children if f"score/{name}" in run.data.metrics]
                if not scores:
                    continue
                cell = interval(scores)
                metrics.append(Metric(f"score/{name}", round(cell.mean, 4), _now(), n))
                if cell.half is not None:
                    metrics.append(Metric(f"interval/{name}", round(cell.half, 4), _now(), n))
            self._client.log_batch(parent, metrics=metrics)


def exists(tracking_uri: str | None) -> bool:
    """Return whether there is a store at the URI; only a database file is looked for, a server counts as one."""
    uri = tracking_uri or f"sqlite:///{db.home() / 'mlflow.db'}"
    file = None if db.is_server(uri) else db.sqlite_file(db.absolute(uri))
    return file is None or file.exists()


def _mlflow() -> Any:
    """Import MLflow without its telemetry, links, progress bars and log lines."""
    quiet = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_LOGGING_LEVEL": "CRITICAL",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)
    with _quiet():
        import mlflow

    return mlflow


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the warnings of MLflow and its database tools about each other from the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _create_tables(url: str, artifacts: Path, wait: float) -> None:
    """Create MLflow's tables, once for all processes, and never leave a half-made database file."""
    _mlflow()
    with _quiet():
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    file = db.sqlite_file(url)
    if file:
        db.check_file(file)
    engine = db.engine(url, wait)
    try:
        with _quiet(), db.explained(url), db.alone(url, engine):
            if file and not (file.exists() and file.stat().st_size):
                with files.replacing(file) as unfinished:
                    SqlAlchemyStore(f"sqlite:///{unfinished}", artifacts.as_uri()).engine.dispose()
                db.allow_readers(file)
            SqlAlchemyStore(url, artifacts.as_uri())  # creates what is missing, checks the version
    finally:
        engine.dispose()


def _tags(info: RunInfo, kind: str) -> dict[str, str]:
    names = ("setting", "method", "label", "track", "length")
    return {"lnlbench.kind": kind} | {f"lnlbench.{name}": str(getattr(info, name)) for name in names}


def _params(info: RunInfo, more: Mapping[str, object]) -> list[Any]:
    from mlflow.entities import Param

    names = {"method": info.label, "method_text": info.method, "setting": info.setting, "noise": info.noise}
    return [Param(name, str(value)[:6000]) for name, value in ({**more} | names | {"track": info.track}).items()]


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


def _now() -> int:
    return int(time.time() * 1000)
