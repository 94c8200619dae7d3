"""The index of a database, read by SQL from MLflow's tables: no MLflow, and nothing of a run but what is asked for."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from lnlbench.leaderboard.store import database as db
from lnlbench.leaderboard.store.index import ALL, RESULTS, Entry
from lnlbench.leaderboard.store.sql import CHUNK, Query, among, reading

_TABLES = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'runs'",
    "SELECT table_name FROM information_schema.tables WHERE table_name = 'runs'",
)
"""Whether a SQLite file, or another database, has MLflow's tables."""


class SqlIndex:
    """Finds runs in a database.

    Args:
        url: of the database.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def entries(
        self,
        tags: Sequence[str] = (),
        *,
        where: Mapping[str, Collection[str]] = RESULTS,
        numbers: Sequence[str] | None = (),
        place: str = ALL,
        runs: Collection[str] | None = None,
        status: str = "FINISHED",
    ) -> list[Entry]:
        """Return runs of a status that are not in the trash, oldest first; arguments as of `Index.entries`."""
        # A query holds few values: what long lists leave out is left out here.
        if (runs is not None and not runs) or not all(where.values()):
            return []
        short = {tag: wanted for tag, wanted in where.items() if len(wanted) <= CHUNK}
        long = {tag: set(wanted) for tag, wanted in where.items() if len(wanted) > CHUNK}
        few = runs if runs is not None and len(runs) <= CHUNK else None
        with reading(self.url) as ask:
            if not ask(_TABLES[db.sqlite_file(self.url) is None]):
                return []  # nothing was ever written
            entries = {entry.run_id: entry for entry in _chosen(ask, short, place, few, status)}
            if runs is not None and few is None:
                wanted = set(runs)
                entries = {run_id: entry for run_id, entry in entries.items() if run_id in wanted}
            for run_id, key, value in _belonging(ask, "tags", "value", [*tags, *long], entries):
                entries[run_id].tags[key] = value
            for run_id, key, value, is_nan in _belonging(ask, "latest_metrics", "value, is_nan", numbers, entries):
                entries[run_id].numbers[key] = math.nan if is_nan else value
        return [e for e in entries.values() if all(e.tags.get(tag) in values for tag, values in long.items())]


def _chosen(
    ask: Query, where: Mapping[str, Collection[str]], place: str, runs: Collection[str] | None, status: str
) -> list[Entry]:
    values: dict[str, Any] = {"place": place, "status": status}
    conditions, joins = [f"e.name {'LIKE' if '%' in place else '='} :place"], []
    for i, (tag, wanted) in enumerate(where.items()):
        names, named = among(f"v{i}_", wanted)
        joins.append(f"JOIN tags w{i} ON w{i}.run_uuid = r.run_uuid AND w{i}.key = :k{i} AND w{i}.value IN {names}")
        values |= {f"k{i}": tag, **named}
    if runs is not None:
        names, named = among("r", runs)
        conditions.append(f"r.run_uuid IN {names}")
        values |= named
    rows = ask(
        "SELECT r.run_uuid, r.experiment_id, r.artifact_uri, r.start_time "
        f"FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id {' '.join(joins)} "
        "WHERE r.status = :status AND r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active' "
        f"AND {' AND '.join(conditions)} ORDER BY r.start_time, r.run_uuid",
        values,
    )
    return [Entry(run_id, str(experiment), artifacts, started) for run_id, experiment, artifacts, started in rows]


def _belonging(
    ask: Query, table: str, columns: str, keys: Sequence[str] | None, runs: Collection[str]
) -> list[tuple[Any, ...]]:
    """Return rows of runs under some keys, or all: of few runs by their ids, of many by leaving out those of others."""
    if not runs or (keys is not None and not keys):
        return []
    names, named = among("k", keys or ())
    select = f"SELECT run_uuid, key, {columns} FROM {table} WHERE {'1 = 1' if keys is None else f'key IN {names}'}"
    if len(runs) > 4 * CHUNK:
        return [row for row in ask(select, named) if row[0] in runs]
    rows, ids = [], list(runs)
    for start in range(0, len(ids), CHUNK):
        chosen, given = among("r", ids[start : start + CHUNK])
        rows += ask(f"{select} AND run_uuid IN {chosen}", named | given)
    return rows
