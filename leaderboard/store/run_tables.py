"""Writes what belongs to a run into MLflow's tables, all of it or nothing, in one transaction.

MLflow's own interface takes five calls for what a finished run leaves, some forty statements and ten transactions.
Here they are rows of four tables, the same ones (`tests/leaderboard/store/test_run_tables.py` compares them), and the
end of the run and of the claim on its key are one step.
"""

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store import database as db
from lnlbench.leaderboard.store.claims_table import close, was_closed
from lnlbench.leaderboard.store.patience import waits
from lnlbench.leaderboard.store.rows import Rows

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

LARGEST = 1.7976931348623157e308
"""What MLflow writes for infinity."""

_LAYOUT = {
    "metrics": {"key", "value", "timestamp", "step", "is_nan", "run_uuid"},
    "latest_metrics": {"key", "value", "timestamp", "step", "is_nan", "run_uuid"},
    "params": {"key", "value", "run_uuid"},
    "tags": {"key", "value", "run_uuid"},
}
_METRICS = (
    "INSERT INTO {table} (key, value, timestamp, step, is_nan, run_uuid) "
    "VALUES (:key, :value, :timestamp, :step, :is_nan, :run)"
)
_NEWER = (
    " ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, "
    "step = excluded.step, is_nan = excluded.is_nan WHERE excluded.step > latest_metrics.step "
    "OR (excluded.step = latest_metrics.step AND excluded.timestamp > latest_metrics.timestamp) "
    "OR (excluded.step = latest_metrics.step AND excluded.timestamp = latest_metrics.timestamp "
    "AND excluded.value > latest_metrics.value)"
)
_PARAMS = "INSERT INTO params (key, value, run_uuid) VALUES (:key, :value, :run) ON CONFLICT DO NOTHING"
_TAGS = (
    "INSERT INTO tags (key, value, run_uuid) VALUES (:key, :value, :run) "
    "ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value"
)


class RunTables:
    """MLflow's tables of one database.

    Args:
        url: of the database.
        engine: of the claims on keys, whose table lies in the same database.
        patience: seconds to wait for a database that is away.

    Raises:
        StoreError: from every method, where the database cannot be written.
    """

    def __init__(self, url: str, engine: "Engine", patience: float = 0.0) -> None:
        self._url, self._engine, self.patience = url, engine, patience

    @property
    def known(self) -> bool:
        """Whether the tables have the columns that are written here; else MLflow itself must write."""
        import sqlalchemy as sa

        with db.explained(self._url):
            inspector = sa.inspect(self._engine)
            layout = {name: {column["name"] for column in inspector.get_columns(name)} for name in _LAYOUT}
        return layout == _LAYOUT

    @waits
    def write(self, run_id: str, rows: Rows, claim: tuple[str, str] | None = None) -> bool:
        """Add rows to a run; with a claim (key and owner) close it, or do nothing and return False if it was lost."""
        with db.explained(self._url), self._engine.begin() as connection:
            if claim is not None and not close(connection, *claim):
                return was_closed(connection, *claim)
            _add(connection, run_id, rows)
        return True

    @waits
    def points(self, runs: Sequence[str], keys: Sequence[str]) -> dict[str, int]:
        """Return how many points of these charts each of some runs has."""
        import sqlalchemy as sa

        counted = sa.text(
            "SELECT run_uuid, count(*) FROM metrics WHERE run_uuid IN :runs AND key IN :keys GROUP BY run_uuid"
        ).bindparams(sa.bindparam("runs", expanding=True), sa.bindparam("keys", expanding=True))
        with db.explained(self._url), self._engine.connect() as connection:
            rows = connection.execute(counted, {"runs": list(runs), "keys": list(keys)})
            return {str(run_id): int(count) for run_id, count in rows}


def _add(connection: "Connection", run_id: str, rows: Rows) -> None:
    import sqlalchemy as sa

    def insert(statement: str, values: list[dict[str, Any]]) -> None:
        if values:
            connection.execute(sa.text(statement), values)

    points = [_point(run_id, *point) for point in rows.points]
    insert(_METRICS.format(table="metrics") + " ON CONFLICT DO NOTHING", points)
    last: dict[str, dict[str, Any]] = {}
    for point in sorted(points, key=lambda point: (point["step"], point["timestamp"], point["value"])):
        last[point["key"]] = point
    insert(_METRICS.format(table="latest_metrics") + _NEWER, [last[key] for key in sorted(last)])
    insert(_PARAMS, [{"run": run_id, "key": key, "value": value} for key, value in rows.params.items()])
    insert(_TAGS, [{"run": run_id, "key": key, "value": value} for key, value in rows.tags.items()])
    if rows.status is not None:
        ended = "UPDATE runs SET status = :status, end_time = :end WHERE run_uuid = :run AND lifecycle_stage = 'active'"
        found = connection.execute(
            sa.text(ended), {"status": rows.status, "end": int(time.time() * 1000), "run": run_id}
        )
        if not found.rowcount:
            raise StoreError(f"the run {run_id} was deleted while it was written")


def _point(run_id: str, key: str, value: float, step: int, timestamp: int) -> dict[str, Any]:
    finite = 0.0 if math.isnan(value) else max(-LARGEST, min(LARGEST, value))
    row = {"run": run_id, "key": key, "value": finite, "step": step, "timestamp": timestamp}
    return row | {"is_nan": math.isnan(value)}
