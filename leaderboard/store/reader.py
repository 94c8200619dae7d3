"""Reads results out of a store's database without MLflow, which takes seconds to import and to open."""

import warnings
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from lnlbench.leaderboard.results import files
from lnlbench.leaderboard.results.errors import StoreError, StoreWarning, one_line
from lnlbench.leaderboard.results.references import base
from lnlbench.leaderboard.results.result import Result, from_json
from lnlbench.leaderboard.store import database as db
from lnlbench.leaderboard.store import naming

RECORD = "record.json"
TRIAL = "trial"
"""Kind of a run of a tuning, which is no result."""


@dataclass(frozen=True)
class Finished:
    """Where the record of a finished run is, and what its tags say."""

    run_id: str
    artifacts: str  # URI
    tags: dict[str, str]


def read_results(uri: str | None, database: str | None, settings: Collection[str] | None = None) -> list[Result]:
    """Return what `Store.results` returns, in a fraction of the time where the store is a database at hand.

    Raises:
        StoreError: the store cannot be used.

    Warns:
        StoreWarning: a finished run has no readable record.
    """
    from lnlbench.leaderboard.store.store import Store

    url = uri or f"sqlite:///{db.home() / 'mlflow.db'}"
    if not db.is_server(url):
        try:
            return _of_database(db.absolute(url), settings)
        except StoreError:  # another layout of MLflow's tables, or a broken store: the store itself says what to do
            pass
    store = Store(uri, database)
    try:
        return store.results(settings=settings)
    finally:
        store.close()


def local(uri: str, artifacts: Path | None) -> Path | None:
    """Return the folder that an artifact URI names, None where only MLflow can reach it.

    Args:
        uri: of a run's artifacts.
        artifacts: the store's own folder of artifacts, None behind a server.
    """
    served = "mlflow-artifacts:/"  # written through `serve`, whose artifacts are this store's
    if artifacts is not None and uri.startswith(served):
        return artifacts / uri.removeprefix(served)
    if uri.startswith("file:"):
        return Path(url2pathname(urlparse(uri).path))
    return None if ":/" in uri else Path(uri)


def collect(
    runs: Iterable[Finished], settings: Collection[str] | None, read: Callable[[Finished], bytes]
) -> list[Result]:
    """Return the results of finished runs, in their order; what cannot be read is left out with a warning.

    Args:
        runs: oldest first; of two with one key the later one counts.
        settings: whose results to keep, with those of multiples of their length; all by default.
        read: gives a run's record.

    Warns:
        StoreWarning: a run has no readable record.
    """
    found: dict[str, Result] = {}
    for run in runs:
        if run.tags.get("lnlbench.kind") == TRIAL:
            continue
        if settings is not None and base(run.tags.get("lnlbench.setting", "")) not in settings:
            continue
        try:
            result = from_json(read(run))
            if result.key != run.tags["lnlbench.key"]:
                raise StoreError("its record is of another run")
        except StoreError as error:
            warnings.warn(f"run {run.run_id} is left out: {one_line(error)}", StoreWarning, stacklevel=3)
            continue
        found.pop(result.key, None)
        found[result.key] = result
    return list(found.values())


_RUNS = """
SELECT r.run_uuid, r.artifact_uri, t.key, t.value
FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id JOIN tags t ON t.run_uuid = r.run_uuid
WHERE r.status = 'FINISHED' AND r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active' AND e.name LIKE :name
AND t.key IN ('lnlbench.key', 'lnlbench.kind', 'lnlbench.setting', 'lnlbench.state')
ORDER BY r.start_time, r.run_uuid
"""


def _of_database(url: str, settings: Collection[str] | None) -> list[Result]:
    import sqlalchemy

    engine = db.engine(url)
    found: dict[str, Finished] = {}
    try:
        with db.explained(url), engine.connect() as connection:
            name = naming.experiment_name("") + "%"
            for run_id, artifacts, key, value in connection.execute(sqlalchemy.text(_RUNS), {"name": name}):
                found.setdefault(run_id, Finished(run_id, artifacts, {})).tags[key] = value
    finally:
        engine.dispose()
    runs = [r for r in found.values() if r.tags.get("lnlbench.state") == "finished" and "lnlbench.key" in r.tags]
    file = db.sqlite_file(url)
    folder = (file.parent if file else db.home()) / "artifacts"
    roots = {run.run_id: local(run.artifacts, folder) for run in runs}
    if None in roots.values():
        raise StoreError("some artifacts can be reached by MLflow alone")
    return collect(runs, settings, lambda run: files.read((roots[run.run_id] or folder) / RECORD))
