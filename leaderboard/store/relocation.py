"""A database file that was moved or copied: the addresses in it follow, so that MLflow's UI finds the files too."""

from pathlib import Path
from typing import TYPE_CHECKING

from lnlbench.leaderboard.store import database as db
from lnlbench.leaderboard.store.artifacts import path_of, within

if TYPE_CHECKING:
    from sqlalchemy import Engine


def follow(url: str, engine: "Engine", artifacts: Path) -> None:
    """Rewrite the addresses of our experiments and of their runs that name another folder than the database's own.

    A run whose files were left behind keeps its address, so that they can still be read. A folder that is this one
    under another name is no other folder.

    Args:
        url: of the database file.
        engine: of it.
        artifacts: the folder of artifacts beside it.

    Raises:
        StoreError: the database cannot be written.
    """
    import sqlalchemy as sa

    places = sa.text("SELECT experiment_id, artifact_location FROM experiments WHERE name LIKE 'lnl%'")
    runs = sa.text("SELECT run_uuid, artifact_uri FROM runs WHERE experiment_id = :id")
    with db.explained(url), engine.begin() as connection:
        for number, location in connection.execute(places).fetchall():
            named = path_of(location)
            if named is None or _same(named, own := artifacts / within(named)):
                continue
            place = sa.text("UPDATE experiments SET artifact_location = :own WHERE experiment_id = :id")
            connection.execute(place, {"own": own.as_uri(), "id": number})
            moved = []
            for run_id, uri in connection.execute(runs, {"id": number}).fetchall():
                before = path_of(uri)
                if before is not None and ((now := artifacts / within(before)).exists() or not before.exists()):
                    moved.append({"own": now.as_uri(), "run": run_id})
            if moved:
                connection.execute(sa.text("UPDATE runs SET artifact_uri = :own WHERE run_uuid = :run"), moved)


def _same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:  # one of them is not there
        return False
