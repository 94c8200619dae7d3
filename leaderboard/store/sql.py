"""Reads rows of a database without MLflow, and of a file without the right to write."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store import database as db

CHUNK = 500
"""Values in one query: databases limit their number."""


class Query(Protocol):
    """Gives the rows that a query finds, whose values are named `:so`."""

    def __call__(self, sql: str, values: Mapping[str, Any] = {}) -> list[tuple[Any, ...]]:
        """Return all rows.

        Raises:
            StoreError: the database cannot be read.
        """


@contextmanager
def reading(url: str) -> Iterator[Query]:
    """Open a database to read; a SQLite file is opened read-only, and nothing is written beside it either if need be.

    Raises:
        StoreError: there is no such database, or it cannot be read.
    """
    if (file := db.sqlite_file(url)) is not None:
        with db.explained(url), closing(_open(file)) as connection:

            def ask(sql: str, values: Mapping[str, Any] = {}) -> list[tuple[Any, ...]]:
                with db.explained(url):
                    return connection.execute(sql, values).fetchall()

            yield ask
        return
    import sqlalchemy

    engine = db.engine(url)
    try:
        with db.explained(url), engine.connect() as opened:

            def ask_server(sql: str, values: Mapping[str, Any] = {}) -> list[tuple[Any, ...]]:
                with db.explained(url):
                    return [tuple(row) for row in opened.execute(sqlalchemy.text(sql), dict(values))]

            yield ask_server
    finally:
        engine.dispose()


def among(name: str, values: Collection[Any]) -> tuple[str, dict[str, Any]]:
    """Return `(:name0, :name1)` for a list of values, to stand behind `IN`, and what the names stand for."""
    named = {f"{name}{i}": value for i, value in enumerate(values)}
    return f"({', '.join(f':{key}' for key in named)})", named


def _open(file: Path) -> sqlite3.Connection:
    """Open a SQLite file read-only.

    A write-ahead log needs files beside it, even to read. Where they cannot be made nobody writes, so that the file
    is all there is, unless the log holds something.

    Raises:
        StoreError: it is a folder or a device.
    """
    if file.exists() and not file.is_file():
        raise StoreError(f"{file} is not a file, so no database can be there")
    try:
        return _connected(file, "mode=ro")
    except sqlite3.OperationalError:
        log = file.with_name(f"{file.name}-wal")
        if not file.exists() or (log.exists() and log.stat().st_size):
            raise
        return _connected(file, "mode=ro&immutable=1")


def _connected(file: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{file.as_uri()}?{how}", uri=True, timeout=db.WAIT)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # opening alone reads nothing
    except sqlite3.Error:
        connection.close()
        raise
    return connection
