"""Where the SQL database is, that it can be used, and what its errors mean in one line."""

import math
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lnlbench.leaderboard.results import files
from lnlbench.leaderboard.results.errors import StoreAway, StoreError, one_line, without_password

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

WAIT = 20.0
"""Seconds to wait for a lock that someone else holds."""

CONTACT, CONTACT_VARIABLE = 10.0, "LNLBENCH_TIMEOUT"
"""Seconds within which a database or server answers whoever connects, and the variable that sets others."""

LONGEST_CONTACT = 3600

CREATION_WAIT = 180.0
"""Seconds to wait for another process that is creating the tables (MLflow's migrations take up to ten)."""

_ADVISORY_LOCK = 0x1A1BE9C4  # any number will do, as long as every process here uses the same one


def contact() -> float:
    """Return the seconds after which a database or server that lets itself be connected to and says nothing is away.

    Raises:
        StoreError: $LNLBENCH_TIMEOUT is no number of seconds.
    """
    text = os.environ.get(CONTACT_VARIABLE) or str(CONTACT)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 1 <= seconds <= LONGEST_CONTACT:
        raise StoreError(f"${CONTACT_VARIABLE} is a number of seconds from 1 to {LONGEST_CONTACT}, got {text[:99]!r}")
    return seconds


def is_server(uri: str) -> bool:
    """Say whether the URI names an MLflow server rather than a database."""
    return uri.startswith(("http://", "https://"))


def absolute(url: str) -> str:
    """Return a database URL that means the same in every working directory.

    Raises:
        StoreError: not a SQL database's URL.
    """
    if url.startswith("sqlite:///"):
        name = url.removeprefix("sqlite:///")
        if not name or name.startswith(":memory:") or "?" in name:
            raise StoreError(
                f"a store must be a database file, got {shown(url)!r}; for example sqlite:////data/mlflow.db"
            )
        try:
            return f"sqlite:///{Path(name).expanduser().absolute()}"
        except RuntimeError:  # ~ of a user that is not there
            raise StoreError(f"the folder of {name!r} does not exist: there is no such user") from None
    if url.startswith(("postgresql://", "postgresql+")):
        return url
    raise StoreError(f"a store is sqlite:///file, postgresql://… or an MLflow server's http(s)://…; got {shown(url)!r}")


def sqlite_file(url: str) -> Path | None:
    """Return the file of an absolute sqlite URL, None for any other database."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def shown(url: str) -> str:
    """Return the URL for messages: a file's path, or the address without user and password."""
    file = sqlite_file(url)
    return str(file) if file else without_password(url)


def check_file(file: Path) -> None:
    """Make the folder of a sqlite file, and check that the file is usable.

    Raises:
        StoreError: the folder cannot be made, file or folder cannot be written, or the file is no sqlite database.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {file.parent} cannot be made: {error.strerror or one_line(error)}") from error
    for path in (file.parent, file):
        if path.exists() and not os.access(path, os.W_OK):
            raise StoreError(f"{path} cannot be written; set LNLBENCH_HOME to a folder that can")
    if not file.exists():
        return
    if not file.is_file():
        raise StoreError(f"{file} is not a file, so no database can be there")
    with explained(f"sqlite:///{file}"), closing(sqlite3.connect(file, timeout=WAIT)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def check(url: str) -> None:
    """Check that a database can be used, and make nothing.

    Args:
        url: absolute.

    Raises:
        StoreError: it cannot be written or reached, or is something else.
    """
    if (file := sqlite_file(url)) is None:
        connector = engine(url)
        try:
            with explained(url), connector.connect():
                return
        finally:
            connector.dispose()
    with explained(url):
        if file.exists():
            check_file(file)
        else:
            files.check_target(file)


def engine(url: str, wait: float = WAIT) -> "Engine":
    """Return an engine that gives up instead of hanging.

    Args:
        url: absolute.
        wait: seconds to wait for a locked file; a server must let itself be connected to within those of `contact`.

    Raises:
        StoreError: there is no such driver, or it is not installed.
    """
    import sqlalchemy

    timeout: dict[str, Any] = {"timeout": wait} if sqlite_file(url) else {"connect_timeout": math.ceil(contact())}
    try:
        return sqlalchemy.create_engine(url, connect_args=timeout, pool_pre_ping=sqlite_file(url) is None)
    except ModuleNotFoundError as error:
        raise StoreError(f"the driver of {shown(url)} is missing: pip install {error.name}") from error
    except sqlalchemy.exc.ArgumentError as error:
        raise StoreError(f"the address {shown(url)} cannot be used: {one_line(error)}") from error


@contextmanager
def alone(url: str, engine: "Engine") -> Iterator[None]:
    """Hold the right to create tables: one process at a time, on every machine that uses the database.

    Raises:
        StoreError: another process holds it for too long, or the database cannot be used.
    """
    if file := sqlite_file(url):
        from filelock import FileLock, Timeout

        try:
            Path(f"{file}.lock").touch()  # where no file can be made, waiting for the lock would not help
        except OSError as error:
            raise StoreError(f"the folder of {file} cannot be written: {error.strerror or one_line(error)}") from error
        try:
            with FileLock(f"{file}.lock", timeout=CREATION_WAIT):
                yield
        except Timeout as error:
            raise StoreError(
                f"another process holds {file}.lock for over {CREATION_WAIT:g} s; remove it if none runs"
            ) from error
        return
    import sqlalchemy

    with explained(url), engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:n)"), {"n": _ADVISORY_LOCK})
        connection.commit()  # the lock belongs to the session; an open transaction would only block others
        try:
            yield
        finally:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_unlock(:n)"), {"n": _ADVISORY_LOCK})


def clock(connection: "Connection") -> int:
    """Return the database's own time in milliseconds, the same for every machine that asks it."""
    import sqlalchemy

    text = (
        "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
        if connection.dialect.name == "sqlite"
        else "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
    )
    return int(connection.execute(sqlalchemy.text(text)).scalar_one())


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn whatever a database, MLflow or the file system raises inside into a StoreError of one line."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        if not _concerns_storage(error):
            raise
        text = one_line(error, limit=400)
        kind = StoreAway if any(sign in text.lower() for sign in _AWAY) else StoreError
        raise kind(_explanation(url, text)) from error


def _concerns_storage(error: Exception) -> bool:
    module = type(error).__module__.partition(".")[0]
    return isinstance(error, (OSError, sqlite3.Error)) or module in (
        "sqlalchemy",
        "mlflow",
        "requests",
        "psycopg",
        "psycopg2",
    )


_AWAY = (
    "database is locked",
    "connection refused",
    "connection reset",
    "connection timed out",
    "timeout expired",
    "timed out",
    "could not connect",
    "connection failed",
    "connection to server",
    "server closed the connection",
    "terminating connection",
    "connection is closed",
    "connection already closed",
    "consuming input failed",
    "database system is starting up",
    "database system is shutting down",
    "in recovery mode",
    "not currently accepting connections",
    "too many clients",
    "remote end closed",
    "max retries exceeded",
    "error code 502",
    "error code 503",
    "error code 504",
)
"""What errors say of a database or server that may be there again soon."""

_MEANINGS = {
    "database is locked": "is locked by another program; close it, or try again",
    "readonly database": "cannot be written",
    "unable to open database file": "cannot be opened; check that its folder exists and can be written",
    "file is not a database": "is not an SQLite database; move it away or restore a copy",
    "malformed": "is damaged; restore a copy",
    "database or disk is full": "is on a full disk",
    "disk i/o error": "cannot be read or written: the disk reports an error",
    "no such column": "has tables that this version does not know, of another version of MLflow",
}


def _explanation(url: str, text: str) -> str:
    if "timeout expired" in text.lower():
        return f"the store {shown(url)} does not answer within {contact():g} s (${CONTACT_VARIABLE} sets the limit)"
    for sign, meaning in _MEANINGS.items():
        if sign in text.lower():
            return f"the store {shown(url)} {meaning}"
    return f"the store {shown(url)} cannot be used: {text}"


def allow_readers(file: Path) -> None:
    """Let others read a sqlite file while it is written (write-ahead log); the file remembers it."""
    with closing(sqlite3.connect(file, timeout=WAIT)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
