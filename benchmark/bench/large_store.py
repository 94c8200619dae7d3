"""Makes stores of any size for measurements: some real runs, and copies of them under other names.

A copy has all rows and files that its original has, whatever the layout of the tables, so that stores of different
versions are compared as each of them writes them.
"""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

METHODS, REPLICATES = 25, 5
"""Of each setting; as many settings as the number of runs asks for."""

Row = dict[str, Any]

_PARENT = "mlflow.parentRunId"
_OF_RUN = {"runs": "run_uuid", "inputs": "destination_id"}
_LEFT_OUT = ("sqlite_", "trace", "span", "logged_model", "alembic")


@dataclass
class _Original:
    """A run and all that hangs on it: its rows by table, and its folder of files."""

    rows: dict[str, list[Row]]
    claim: Row
    folder: Path
    record: Row = field(default_factory=dict)

    @property
    def tags(self) -> dict[str, str]:
        return {row["key"]: row["value"] for row in self.rows["tags"]}


def enlarge(database: Path, runs: int) -> None:
    """Copy the finished runs of a store until it has so many; cells are copied with them.

    Args:
        database: of a store with at least one finished run, whose files lie beside it.
        runs: how many it is to have.

    Raises:
        ValueError: the store has no finished run.
    """
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.row_factory = sqlite3.Row
        originals = list(_finished(connection))
        if not originals:
            raise ValueError(f"{database} has no finished run to copy")
        parents = {name: _read(connection, name) for name in {one.tags[_PARENT] for one in originals}}
        cells: dict[tuple[str, str], str] = {}
        for number in range(len(originals), runs):
            place, replicate = divmod(number, REPLICATES)
            setting, method = divmod(place, METHODS)
            names = {"label": f"m{method}", "noise": f"symmetric-0.{setting:04}", "replicate": str(replicate)}
            original = originals[number % len(originals)]
            at = (names["label"], names["noise"])
            if at not in cells:
                cells[at] = _copy(connection, parents[original.tags[_PARENT]], names, None, number)
            _copy(connection, original, names, cells[at], number)


def _finished(connection: sqlite3.Connection) -> Iterator[_Original]:
    found = connection.execute(
        "SELECT run_uuid FROM tags WHERE key = 'lnlbench.state' AND value = 'finished' ORDER BY run_uuid"
    )
    for (run_id,) in found.fetchall():
        original = _read(connection, run_id)
        original.record = json.loads((original.folder / "record.json").read_text())
        if "wrong" in "".join(original.record["curves"]):  # with label noise: all curves are there
            yield original


def _read(connection: sqlite3.Connection, run_id: str) -> _Original:
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows: dict[str, list[Row]] = {}
    for table in tables:
        if table.startswith(_LEFT_OUT):
            continue
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        column = _OF_RUN.get(table, "run_uuid")
        if column in columns:
            found = connection.execute(f"SELECT * FROM {table} WHERE {column} = ?", (run_id,))
            rows[table] = [dict(row) for row in found]
    claim = connection.execute("SELECT * FROM lnlbench_claims WHERE run_id = ?", (run_id,)).fetchone()
    folder = Path(urlparse(rows["runs"][0]["artifact_uri"]).path)
    return _Original(rows, dict(claim), folder)


def _copy(
    connection: sqlite3.Connection, original: _Original, names: dict[str, str], parent: str | None, number: int
) -> str:
    """Insert a run like another one, of another method, noise and replicate; return its id."""
    run_id = uuid.uuid4().hex
    key = f"{number:032x}" if parent else f"cell:{uuid.uuid4().hex}"
    task = original.tags["lnlbench.setting"].partition("/")[0]
    setting, method = f"{task}/{names['noise']}", f"{names['label']}(q=0.7)"
    tags = {"key": key, "cell": key, "setting": setting, "method": method, "label": names["label"]}
    tags |= {"replicate": names["replicate"]}
    changed = {f"lnlbench.{name}": value for name, value in tags.items()} | {_PARENT: parent}
    params = {"noise": names["noise"], "setting": setting, "method": names["label"], "method_text": method}
    folder = original.folder.parents[1] / run_id / "artifacts"
    for table, rows in original.rows.items():
        for old in rows:
            row = old | {_OF_RUN.get(table, "run_uuid"): run_id}
            if table == "runs":
                row |= {"artifact_uri": folder.as_uri(), "start_time": row["start_time"] + number}
            elif table == "inputs":
                row |= {"input_uuid": uuid.uuid4().hex}
            elif table in ("tags", "params"):
                row |= {"value": (changed if table == "tags" else params).get(row["key"], row["value"])}
            _insert(connection, table, row)
    _insert(connection, "lnlbench_claims", original.claim | {"key": key, "run_id": run_id})
    _files(original, folder, original.record and original.record | _identity(original, tags | names, method, setting))
    return run_id


def _identity(original: _Original, names: dict[str, str], method: str, setting: str) -> Row:
    of_setting = original.record["identity"]["setting"] | {"noise": names["noise"]}
    return {
        "key": names["key"],
        "label": names["label"],
        "method": method,
        "noise": names["noise"],
        "setting": setting,
        "replicate": int(names["replicate"]),
        "identity": original.record["identity"] | {"setting": of_setting},
    }


def _files(original: _Original, folder: Path, record: Row) -> None:
    """Give a copy its record, and links to all other files of its original."""
    for path in original.folder.rglob("*") if original.folder.exists() else ():
        target = folder / path.relative_to(original.folder)
        if path.is_dir():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if record and path.name == "record.json":
            target.write_text(json.dumps(record, separators=(",", ":")))
        else:
            os.link(path, target)


def _insert(connection: sqlite3.Connection, table: str, row: Row) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))
