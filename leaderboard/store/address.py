"""Where a store is: resolved once, from what is given, from the environment, or by default."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lnlbench.leaderboard.home import home
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store import database as db

URI_VARIABLE = "MLFLOW_TRACKING_URI"
DATABASE_VARIABLE = "LNLBENCH_DATABASE"
HOME_VARIABLE = "LNLBENCH_HOME"


@dataclass(frozen=True, kw_only=True)
class StoreAddress:
    """Where the runs are, where the claims on them are, and who said so; it means the same in every process.

    Attributes:
        uri: `sqlite:////file`, `postgresql://…` or an MLflow server's `http(s)://…`.
        database: of the claims; a server's runs have theirs elsewhere, all others lie in one database.
        origin: what named the store: "given", "$MLFLOW_TRACKING_URI", "$LNLBENCH_HOME" or "the default".
    """

    uri: str
    database: str
    origin: str = "given"

    @property
    def is_server(self) -> bool:
        """Whether it is an MLflow server rather than a database."""
        return db.is_server(self.uri)

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database, None for any other store."""
        return db.sqlite_file(self.uri)

    @property
    def artifacts(self) -> Path | None:
        """The folder of the runs' files: beside the database, at home for a database elsewhere, None on a server."""
        if self.is_server:
            return None
        return (self.file.parent if self.file else home()) / "artifacts"

    @property
    def short(self) -> str:
        """A name for files that belong to one store: no password is part of it, and a home that moves keeps it."""
        file = self.file
        within = file is not None and file.is_relative_to(home())
        place = str(file.relative_to(home())) if file and within else db.shown(self.uri)
        return hashlib.sha256(place.encode()).hexdigest()[:12]

    @property
    def exists(self) -> bool:
        """Whether there is a store; only a file is looked for, all else counts as one."""
        return self.file is None or self.file.exists()

    def check(self) -> None:
        """Check that its databases can be used, and make nothing; whether a server answers is asked when it is read.

        Raises:
            StoreError: one of them cannot be used.
        """
        for url in {self.uri, self.database} if not self.is_server else {self.database}:
            db.check(url)

    @contextmanager
    def named(self) -> Iterator[None]:
        """Say in the errors inside which variable named the store: whoever gave no address wonders."""
        try:
            yield
        except StoreError as error:
            raise type(error)(f"{error}{_from(self.origin)}") from error  # what is away, stays so

    def __str__(self) -> str:
        return db.shown(self.uri) + (f" ({self.origin})" if self.origin != "given" else "")


def store_address(uri: str | StoreAddress | None = None, database: str | None = None) -> StoreAddress:
    """Resolve where the store is: the one function for the command line and for Python.

    Args:
        uri: of the store; else that of $MLFLOW_TRACKING_URI, else `mlflow.db` in $LNLBENCH_HOME, else in ~/.lnlbench.
            An address is returned as it is.
        database: of the claims; else the store's own, or for a server that of $LNLBENCH_DATABASE, else `claims.db` in
            the folder of local stores.

    Raises:
        StoreError: an address that cannot be one, with where it came from.
    """
    if isinstance(uri, StoreAddress):
        return uri
    uri, origin = _first((uri or "", "given"), (os.environ.get(URI_VARIABLE, ""), f"${URI_VARIABLE}"))
    if not uri:
        uri = f"sqlite:///{home() / 'mlflow.db'}"
        origin = f"${HOME_VARIABLE}" if os.environ.get(HOME_VARIABLE) else "the default"
    uri = _checked(uri, origin)
    shared = os.environ.get(DATABASE_VARIABLE, "") if db.is_server(uri) else ""
    claims, claims_origin = _first((database or "", "given"), (shared, f"${DATABASE_VARIABLE}"))
    if claims:
        claims = _checked(claims, claims_origin)
        if db.is_server(claims):
            raise StoreError(f"claims need a database, not a server: {db.shown(claims)}{_from(claims_origin)}")
    else:
        claims = f"sqlite:///{home() / 'claims.db'}" if db.is_server(uri) else uri
    return StoreAddress(uri=uri, database=claims, origin=origin)


def usable_database(url: str) -> str:
    """Return the absolute address of a database that can be used; nothing is made there.

    Raises:
        StoreError: it is none, or cannot be used.
    """
    url = _checked(url, "given")
    if db.is_server(url):
        raise StoreError(f"this needs a database, not a server: {db.shown(url)}")
    db.check(url)
    return url


def _first(*choices: tuple[str, str]) -> tuple[str, str]:
    return next((choice for choice in choices if choice[0]), ("", ""))


def _checked(url: str, origin: str) -> str:
    """Return an address that means the same in every folder, if it can be one."""
    try:
        if not url.isprintable():
            raise StoreError(f"an address has printable characters alone, got {url!r}")
        if db.is_server(url) and not urlsplit(url).hostname:
            raise StoreError(f"the address {db.shown(url)} names no host")
        url = url.rstrip("/") if db.is_server(url) else db.absolute(url)
        if db.sqlite_file(url) is None:
            _ = urlsplit(url).port
    except StoreError as error:
        raise StoreError(f"{error}{_from(origin)}") from None
    except ValueError as error:  # a port that is no number, or brackets that do not close
        raise StoreError(f"the address {db.shown(url)} does not parse: {error}{_from(origin)}") from None
    return url


def _from(origin: str) -> str:
    return f" (from {origin})" if origin.startswith("$") else ""
