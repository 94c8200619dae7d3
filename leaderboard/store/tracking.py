"""MLflow, and nothing of ours: experiments, runs, metrics, tags and files; the only file that imports mlflow."""

import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lnlbench.leaderboard.results import files
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store import database as db
from lnlbench.leaderboard.store.artifacts import local
from lnlbench.leaderboard.store.recording import Point

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment as Experiment
    from mlflow.entities import Run as Run

_BATCH = 1000  # MLflow's limit for the metrics of one call
_PAGE = 1000
_LONGEST = 6000  # letters of a parameter
_ATTEMPTS = 3


class Tracking:
    """What the store asks of MLflow, with errors in one line.

    Args:
        uri: `sqlite:///file`, another database, or an MLflow server; absolute.
        artifacts: the folder of the files of a database's runs, None behind a server.

    Raises:
        StoreError: from every method.
    """

    def __init__(self, uri: str, artifacts: Path | None) -> None:
        self.uri, self.artifacts = uri, artifacts
        self._experiments: dict[str, str] = {}
        self._roots: dict[str, str] = {}  # of the files of runs

    # Experiments.

    def experiment(self, name: str, tags: Mapping[str, str]) -> str:
        """Return the id of the experiment of that name, created with tags if there is none."""
        if name not in self._experiments:
            with self._explained():
                self._experiments[name] = self._find_experiment(name) or self._create_experiment(name, tags)
        return self._experiments[name]

    def experiments(self, prefix: str) -> list["Experiment"]:
        """Return the experiments whose names begin so and that are not in the trash."""
        with self._explained():
            return list(self._client.search_experiments(filter_string=f"name LIKE '{prefix}%'"))

    def tag_experiment(self, experiment: "Experiment", tags: Mapping[str, str]) -> None:
        """Write those tags of an experiment that it does not have yet."""
        with self._explained():
            for name, value in tags.items():
                if experiment.tags.get(name) != value:
                    self._client.set_experiment_tag(experiment.experiment_id, name, value)

    # Runs.

    def search(self, experiments: Sequence[str], query: str) -> list["Run"]:
        """Return the runs that a filter of MLflow finds in experiments, oldest first."""
        found: list[Run] = []
        token, more = None, bool(experiments)
        with self._explained():
            while more:
                page = self._client.search_runs(
                    list(experiments),
                    query,
                    max_results=_PAGE,
                    order_by=["attributes.start_time ASC"],
                    page_token=token,
                )
                found += page
                token, more = page.token, bool(page.token)
        return found

    def run(self, run_id: str) -> "Run | None":
        """Return a run, None if there is none with that id."""
        from mlflow.exceptions import MlflowException

        with self._explained():
            try:
                return self._client.get_run(run_id)
            except MlflowException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return None
                raise

    def is_active(self, run_id: str) -> bool:
        """Whether there is such a run, and not in the trash."""
        run = self.run(run_id)
        return run is not None and run.info.lifecycle_stage == "active"

    def is_finished(self, run_id: str) -> bool:
        """Whether a run ended well and is not in the trash."""
        run = self.run(run_id)
        return run is not None and run.info.lifecycle_stage == "active" and run.info.status == "FINISHED"

    def create(self, experiment: str, name: str, tags: Mapping[str, str]) -> str:
        """Start a run; return its id."""
        with self._explained():
            run = self._client.create_run(experiment, start_time=now(), tags=dict(tags), run_name=name)
        run_id: str = run.info.run_id
        self._roots[run_id] = run.info.artifact_uri
        return run_id

    def end(self, run_id: str, status: str) -> None:
        """End a run as FINISHED, FAILED or KILLED."""
        with self._explained():
            self._client.set_terminated(run_id, status=status, end_time=now())

    def kill(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Mark a run as KILLED, unless it ended by itself or is gone."""
        run = self.run(run_id)
        if run is not None and run.info.status in ("RUNNING", "SCHEDULED"):
            self.log(run_id, tags=tags)
            self.end(run_id, "KILLED")

    # What belongs to a run.

    def log(
        self,
        run_id: str,
        *,
        numbers: Mapping[str, float] | None = None,
        step: int = 0,
        params: Mapping[str, object] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Add numbers at a step, parameters (as text, cut where MLflow would refuse them) and tags, in one call."""
        from mlflow.entities import Metric, Param, RunTag

        found = {
            "metrics": [Metric(name, value, now(), step) for name, value in (numbers or {}).items()],
            "params": [Param(name, str(value)[:_LONGEST]) for name, value in (params or {}).items()],
            "tags": [RunTag(name, value) for name, value in (tags or {}).items()],
        }
        with self._explained():
            self._client.log_batch(run_id, **found)

    def log_points(self, run_id: str, points: Sequence[Point]) -> None:
        """Add points of curves in batches, with the time and epoch at which each was noted."""
        from mlflow.entities import Metric

        metrics = [Metric(key, value, stamp, epoch) for key, value, epoch, stamp in points]
        with self._explained():
            for start in range(0, len(metrics), _BATCH):
                self._client.log_batch(run_id, metrics=metrics[start : start + _BATCH])

    def log_input(self, run_id: str, name: str, digest: str, source: str) -> None:
        """Say what data a run was made from; a digest has 36 letters at most."""
        from mlflow.entities import Dataset, DatasetInput

        dataset = Dataset(name=name, digest=digest, source_type="lnlbench", source=source)
        with self._explained():
            for attempt in range(_ATTEMPTS):
                try:
                    self._client.log_inputs(run_id, [DatasetInput(dataset)])
                    return
                except Exception:  # of two processes that name new data at once MLflow fails one; then it is there
                    if attempt == _ATTEMPTS - 1:
                        raise

    def write_files(self, run_id: str, contents: Mapping[str, bytes | str]) -> None:
        """Write files of a run, each whole or not at all where the artifacts are in a folder."""
        root = local(self._root(run_id), self.artifacts)
        if root is not None:
            files.write_all(root, contents)
            return
        with self._explained(), files.temporary(contents) as folder:
            self._client.log_artifacts(run_id, str(folder))

    def read_file(self, run: "Run", name: str) -> bytes:
        """Return a file of a run."""
        root = local(run.info.artifact_uri, self.artifacts)
        if root is not None:
            return files.read(root / name)
        with self._explained(), files.temporary({}) as folder:
            return files.read(Path(self._client.download_artifacts(run.info.run_id, name, str(folder))))

    def remove_file(self, run_id: str, name: str) -> None:
        """Delete a file of a run, if it is there."""
        uri = self._root(run_id)
        root = local(uri, self.artifacts)
        if root is not None:
            (root / name).unlink(missing_ok=True)
            return
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        with self._explained():
            repository = get_artifact_repository(uri, tracking_uri=self.uri)
            if any(found.path == name for found in repository.list_artifacts()):
                repository.delete_artifacts(name)

    # MLflow.

    @cached_property
    def _client(self) -> "MlflowClient":
        return _mlflow().MlflowClient(tracking_uri=self.uri)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with db.explained(self.uri):
            yield

    def _find_experiment(self, name: str) -> str | None:
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            return None
        if experiment.lifecycle_stage != "active":
            raise StoreError(f"the experiment {name!r} is in MLflow's trash; restore it there, or empty the trash")
        return str(experiment.experiment_id)

    def _create_experiment(self, name: str, tags: Mapping[str, str]) -> str:
        location = self.artifacts.joinpath(name).as_uri() if self.artifacts else None
        try:
            return str(self._client.create_experiment(name, location, dict(tags)))
        except Exception:
            made = self._find_experiment(name)  # by another process, meanwhile
            if made is None:
                raise
            return made

    def _root(self, run_id: str) -> str:
        if run_id not in self._roots:
            with self._explained():
                self._roots[run_id] = self._client.get_run(run_id).info.artifact_uri
        return self._roots[run_id]


def now() -> int:
    """Milliseconds since 1970, as MLflow counts."""
    return int(time.time() * 1000)


def create_tables(url: str, artifacts: Path, wait: float) -> None:
    """Create MLflow's tables, once for all processes, and never leave a half-made database file.

    Raises:
        StoreError: the database cannot be used, or belongs to another version of MLflow.
    """
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
