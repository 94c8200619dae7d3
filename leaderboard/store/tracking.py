"""MLflow, and nothing of ours: experiments, runs, metrics, tags and files; the only file that imports mlflow."""

import os
import re
import time
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lnlbench.leaderboard.results import files
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store import database as db
from lnlbench.leaderboard.store.artifacts import Artifacts
from lnlbench.leaderboard.store.patience import waits
from lnlbench.leaderboard.store.rows import LONGEST, Rows

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment as Experiment
    from mlflow.entities import Run as Run

_BATCH, _FEW = 800, 100  # of metrics, of params and of tags in a call; MLflow takes 1000 in all
_PAGE = 1000
_ATTEMPTS = 3
_MODEL_OF = "lnlbench.model_of"  # tag of a logged model: the run it stands for


class Tracking:
    """What the store asks of MLflow, with errors in one line.

    Args:
        uri: `sqlite:///file`, another database, or an MLflow server; absolute.
        artifacts: the folder of the files of a database's runs, None behind a server.
        patience: seconds to wait for a store that is away.

    Raises:
        StoreError: from every method.
    """

    def __init__(self, uri: str, artifacts: Path | None, patience: float = 0.0) -> None:
        self.uri, self.artifacts, self.patience = uri, artifacts, patience
        self._files = Artifacts(artifacts, db.sqlite_file(uri) is not None)
        self._experiments: dict[str, str] = {}
        self._roots: dict[str, str] = {}  # of the files of runs

    # Experiments.

    @waits
    def experiment(self, name: str, tags: Mapping[str, str]) -> str:
        """Return the id of the experiment of that name, created with tags if there is none."""
        if name not in self._experiments:
            with self._explained():
                self._experiments[name] = self._find_experiment(name) or self._create_experiment(name, tags)
        return self._experiments[name]

    @waits
    def experiments(self, place: str) -> list["Experiment"]:
        """Return the experiments of a name, or of a beginning and `%`, that are not in the trash."""
        with self._explained():
            query = f"name {'LIKE' if '%' in place else '='} '{place}'"
            return list(self._client.search_experiments(filter_string=query))

    @waits
    def tag_experiment(self, experiment: "Experiment", tags: Mapping[str, str]) -> None:
        """Write those tags of an experiment that it does not have yet."""
        with self._explained():
            for name, value in tags.items():
                if experiment.tags.get(name) != value:
                    self._client.set_experiment_tag(experiment.experiment_id, name, value)

    # Runs.

    @waits
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

    @waits
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

    def status(self, run_id: str) -> str | None:
        """Return how a run stands, such as FINISHED; None if there is no such run, or in the trash."""
        run = self.run(run_id)
        return str(run.info.status) if run is not None and run.info.lifecycle_stage == "active" else None

    @waits
    def create(self, experiment: str, name: str, tags: Mapping[str, str]) -> str:
        """Start a run; return its id."""
        with self._explained():
            run = self._client.create_run(experiment, start_time=now(), tags=dict(tags), run_name=name)
        run_id: str = run.info.run_id
        self._roots[run_id] = run.info.artifact_uri
        return run_id

    def kill(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Mark a run as KILLED, unless it ended by itself or is gone."""
        run = self.run(run_id)
        if run is not None and run.info.status in ("RUNNING", "SCHEDULED"):
            self.write(run_id, Rows(tags=tags, status="KILLED"))
            self.clean(run_id)

    def clean(self, run_id: str) -> None:
        """Delete the files that are of use to a finished run alone: drafts and weights."""
        folder = self._files.to_write(self._root(run_id))
        drafts, weights = ".*", "*.pt"  # see `files.replacing`
        for left in (*folder.glob(drafts), *folder.glob(weights)) if folder is not None else ():
            left.unlink(missing_ok=True)

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
        """Add numbers at a step, parameters (as text, cut where MLflow would refuse them) and tags; as `write`."""
        points = [(name, value, step, now()) for name, value in (numbers or {}).items()]
        texts = {name: str(value)[:LONGEST] for name, value in (params or {}).items()}
        self.write(run_id, Rows(points=points, params=texts, tags=tags or {}))

    @waits
    def write(self, run_id: str, rows: Rows) -> None:
        """Add rows to a run, in as few calls as MLflow's limits allow, and end it if they say so."""
        from mlflow.entities import Metric, Param, RunTag

        metrics = [Metric(key, value, stamp, epoch) for key, value, epoch, stamp in rows.points]
        params = [Param(name, value) for name, value in rows.params.items()]
        tags = [RunTag(name, value) for name, value in rows.tags.items()]
        with self._explained():
            while metrics or params or tags:
                batch = {"metrics": metrics[:_BATCH], "params": params[:_FEW], "tags": tags[:_FEW]}
                self._client.log_batch(run_id, **batch)
                metrics, params, tags = metrics[_BATCH:], params[_FEW:], tags[_FEW:]
            if rows.status is not None:
                self._client.set_terminated(run_id, status=rows.status, end_time=now())

    @waits
    def log_input(self, run_id: str, name: str, digest: str, source: str) -> None:
        """Say what data a run was made from; of the digest MLflow takes the first 36 letters."""
        from mlflow.entities import Dataset, DatasetInput

        dataset = Dataset(name=name, digest=digest[:36], source_type="lnlbench", source=source)
        with self._explained():
            for attempt in range(_ATTEMPTS):
                try:
                    self._client.log_inputs(run_id, [DatasetInput(dataset)])
                    return
                except Exception:  # of two processes that name new data at once MLflow fails one; then it is there
                    if attempt == _ATTEMPTS - 1:
                        raise

    @waits
    def model(self, experiment: str, run_id: str, name: str, params: Mapping[str, str]) -> str:
        """Return the logged model of a run, created if there is none: what MLflow ranks by data set, without weights.

        Args:
            experiment: id of the run's experiment.
            run_id: of the run.
            name: of a new model; what MLflow takes in no name becomes an underscore.
            params: of a new model.
        """
        with self._explained():
            query = f"tags.`{_MODEL_OF}` = '{run_id}'"
            if found := self._client.search_logged_models([experiment], query, max_results=1):
                return str(found[0].model_id)
            called = re.sub(r"[/:.%\"']", "_", name)
            facts: dict[str, Any] = {"tags": {_MODEL_OF: run_id}, "params": dict(params), "model_type": "lnlbench"}
            made = self._client.create_logged_model(experiment, called, run_id, **facts)
            return str(self._client.finalize_logged_model(made.model_id, "READY").model_id)

    @waits
    def measure(
        self, run_id: str, model: str, data: tuple[str, str], numbers: Mapping[str, float], step: int = 0
    ) -> None:
        """Add numbers of a model on a data set (name and digest) to it and to the run that made it."""
        from mlflow.entities import Metric

        name, digest = data
        linked = {"model_id": model, "dataset_name": name, "dataset_digest": digest, "run_id": run_id}
        metrics = [Metric(key, value, now(), step, **linked) for key, value in numbers.items()]
        with self._explained():
            self._client.log_batch(run_id, metrics=metrics)

    @waits
    def write_files(self, run_id: str, contents: Mapping[str, bytes | str]) -> None:
        """Write files of a run, each whole or not at all where the artifacts are in a folder."""
        root = self._files.to_write(self._root(run_id))
        if root is not None:
            files.write_all(root, contents)
            return
        with self._explained(), files.temporary(contents) as folder:
            self._client.log_artifacts(run_id, str(folder))

    @waits
    def read_file(self, run_id: str, name: str) -> bytes:
        """Return a file of a run."""
        root = self._files.to_read(self._root(run_id))
        if root is not None:
            return files.read(root / name)
        with self._explained(), files.temporary({}) as folder:
            return files.read(Path(self._client.download_artifacts(run_id, name, str(folder))))

    @waits
    def remove_files(self, run_id: str, names: Collection[str], address: str | None = None) -> None:
        """Delete files of a run, as far as they are there.

        Args:
            run_id: of the run.
            names: of the files.
            address: of its artifacts; MLflow is asked for it where it is not given.
        """
        uri = self._root(run_id) if address is None else address
        root = self._files.to_write(uri)
        if root is not None:
            for name in names:
                (root / name).unlink(missing_ok=True)
            return
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        with self._explained():
            repository = get_artifact_repository(uri, tracking_uri=self.uri)
            for found in repository.list_artifacts():
                if found.path in names:
                    repository.delete_artifacts(found.path)

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


def preload() -> None:
    """Import what recording needs, seconds of work, without a word and without a thread of Python's."""
    _mlflow()
    with _quiet():
        import mlflow.store.tracking.sqlalchemy_store  # noqa: F401


def create_tables(url: str, artifacts: Path, wait: float) -> None:
    """Create MLflow's tables, once for all processes, and never leave a half-made database file.

    Raises:
        StoreError: the database cannot be used, or belongs to another version of MLflow.
    """
    preload()
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
            for draft in file.parent.glob(f".{file.name}.*") if file else ():  # of a process that was killed
                draft.unlink(missing_ok=True)
            SqlAlchemyStore(url, artifacts.as_uri())  # creates what is missing, checks the version
    except StoreError as error:
        if version := _FOUND.search(str(error)):
            raise StoreError(_of_another_version(url, version[1])) from error
        raise
    finally:
        engine.dispose()


_FOUND = re.compile(r"out-of-date database schema \(found version (\w*)")


def _of_another_version(url: str, found: str) -> str:
    """Return what to do about a database of another version of MLflow, older or newer than the one that is here."""
    mlflow = _mlflow()
    known = Path(mlflow.__file__).parent / "store" / "db_migrations" / "versions"
    place = url if db.sqlite_file(url) else db.shown(url)
    if any(known.glob(f"{found}_*.py")):
        how = f"an older version of MLflow than {mlflow.__version__}; back it up, then run: mlflow db upgrade {place}"
    else:
        how = f"a newer version of MLflow than {mlflow.__version__}; update it: pip install -U mlflow"
    return f"the store {place} was written by {how}"


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
