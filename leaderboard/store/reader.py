"""Reads results out of a store's database without MLflow, which takes seconds to import and to open."""

from collections.abc import Collection
from pathlib import Path

from lnlbench.leaderboard.results import files
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.store import database as db
from lnlbench.leaderboard.store import naming
from lnlbench.leaderboard.store.address import StoreAddress
from lnlbench.leaderboard.store.artifacts import local
from lnlbench.leaderboard.store.records import Finished, collect
from lnlbench.leaderboard.store.run_files import RECORD
from lnlbench.leaderboard.store.store import Store


def read_results(address: StoreAddress, settings: Collection[str] | None = None) -> list[Result]:
    """Return what `Store.results` returns, in a fraction of the time where the store is a database at hand.

    Raises:
        StoreError: the store cannot be used.

    Warns:
        StoreWarning: a finished run has no readable record.
    """
    if address.artifacts is not None:
        try:
            return _of_database(address.uri, address.artifacts, settings)
        except StoreError:  # another layout of MLflow's tables, or a broken store: the store itself says what to do
            pass
    with Store(address) as store:
        return store.results(settings=settings)


_RUNS = """
SELECT r.run_uuid, r.artifact_uri, t.key, t.value
FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id JOIN tags t ON t.run_uuid = r.run_uuid
WHERE r.status = 'FINISHED' AND r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active' AND e.name LIKE :name
AND t.key IN ('lnlbench.key', 'lnlbench.kind', 'lnlbench.setting', 'lnlbench.state')
ORDER BY r.start_time, r.run_uuid
"""


def _of_database(url: str, folder: Path, settings: Collection[str] | None) -> list[Result]:
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
    roots = {run.run_id: local(run.artifacts, folder) for run in runs}
    if None in roots.values():
        raise StoreError("some artifacts can be reached by MLflow alone")
    return collect(runs, settings, lambda run: files.read((roots[run.run_id] or folder) / RECORD))
