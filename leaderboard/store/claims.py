"""Who runs which key: a table that decides it, free of races on SQLite and PostgreSQL."""

import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store import database
from lnlbench.leaderboard.store.processes import alive, me, this_host

if TYPE_CHECKING:
    from sqlalchemy import Table

LEASE = 120.0
"""Seconds that a claim stands without a heartbeat."""


def new_owner() -> str:
    """Return a name that no other worker has."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Grant:
    """A key that was won; of a dead owner, if `taken_over`, with the MLflow run that it had attached."""

    key: str
    owner: str
    abandoned: str | None
    taken_over: bool = False


class Heartbeat:
    """Whether the claim that is kept alive in the background was lost to someone else."""

    lost = False


class Claims:
    """Claims on keys, in a table of the SQL database.

    A claim is taken by inserting a row whose key is unique, and taken over by an update that names the row as it was
    read: of any number of processes exactly one succeeds. Times are the database's own.

    Args:
        url: `sqlite:///file` or `postgresql://…`.
        lease: seconds that a claim stands without a heartbeat.
        wait: seconds to wait for a locked database.

    Raises:
        StoreError: from every method, where the database cannot be used.
    """

    def __init__(self, url: str, lease: float = LEASE, wait: float = database.WAIT) -> None:
        self.url = database.absolute(url)
        self.lease = lease
        if file := database.sqlite_file(self.url):
            database.check_file(file)
        self._engine = database.engine(self.url, wait)
        self._create()

    def acquire(self, key: str, owner: str) -> Grant | None:
        """Claim a key: the grant if it is yours now, None if it is done or someone else's.

        Claims whose lease has expired are taken over, and at once those whose owner ran on this machine and is dead.
        """
        import sqlalchemy as sa

        table = self._table
        with database.explained(self.url):
            with self._engine.begin() as connection:
                row = connection.execute(sa.select(table).where(table.c.key == key)).mappings().one_or_none()
                now = database.clock(connection)
            mine = {"owner": owner, **me(), "heartbeat": now, "expires": now + self._milliseconds, "state": "running"}
            try:
                with self._engine.begin() as connection:
                    if row is None:
                        connection.execute(sa.insert(table).values(key=key, **mine))
                        return Grant(key, owner, None)
                    if row["state"] == "done" or not self._abandoned(dict(row), now):
                        return None
                    # The row must still be what was read: a heartbeat or another takeover changes it.
                    unchanged = [table.c[name] == row[name] for name in ("key", "owner", "heartbeat", "state")]
                    taken = connection.execute(sa.update(table).where(*unchanged).values(**mine)).rowcount
                    return Grant(key, owner, row["run_id"], taken_over=True) if taken else None
            except sa.exc.IntegrityError:  # someone else inserted the key since it was looked for
                return None

    def heartbeat(self, key: str, owner: str) -> bool:
        """Renew the lease; False if the claim is no longer yours."""
        import sqlalchemy as sa

        with database.explained(self.url), self._engine.begin() as connection:
            now = database.clock(connection)
            renewed = {"heartbeat": now, "expires": now + self._milliseconds}
            return bool(
                connection.execute(sa.update(self._table).where(*self._own(key, owner)).values(renewed)).rowcount
            )

    def attach(self, key: str, run_id: str, owner: str) -> bool:
        """Note which MLflow run works on the key; False if the claim is no longer yours."""
        return self._change(key, owner, run_id=run_id)

    def done(self, key: str, owner: str) -> bool:
        """Close the key for good; False if the claim is no longer yours."""
        return self._change(key, owner, state="done")

    def release(self, key: str, owner: str) -> bool:
        """Give the key back for anyone to claim; False if the claim is no longer yours."""
        import sqlalchemy as sa

        with database.explained(self.url), self._engine.begin() as connection:
            return bool(connection.execute(sa.delete(self._table).where(*self._own(key, owner))).rowcount)

    def reopen(self, key: str) -> bool:
        """Forget that a key is done, because what it stood for is gone; False if it was not done."""
        import sqlalchemy as sa

        table = self._table
        with database.explained(self.url), self._engine.begin() as connection:
            done = sa.delete(table).where(table.c.key == key, table.c.state == "done")
            return bool(connection.execute(done).rowcount)

    def run_id(self, key: str) -> str | None:
        """Return the MLflow run attached to a key that is done, else None."""
        import sqlalchemy as sa

        table = self._table
        with database.explained(self.url), self._engine.connect() as connection:
            query = sa.select(table.c.run_id).where(table.c.key == key, table.c.state == "done")
            run_id: str | None = connection.execute(query).scalar_one_or_none()
            return run_id

    def states(self, keys: Iterable[str]) -> dict[str, str]:
        """Return "running", "done" or "abandoned" (free to be taken over) for those keys that were ever claimed."""
        import sqlalchemy as sa

        table, wanted, states = self._table, list(keys), {}
        with database.explained(self.url), self._engine.connect() as connection:
            now = database.clock(connection)
            for start in range(0, len(wanted), 500):  # databases limit the number of values in one query
                query = sa.select(table).where(table.c.key.in_(wanted[start : start + 500]))
                for row in connection.execute(query).mappings():
                    free = row["state"] == "running" and self._abandoned(dict(row), now)
                    states[row["key"]] = "abandoned" if free else row["state"]
        return states

    @contextmanager
    def keep(self, key: str, owner: str) -> Iterator[Heartbeat]:
        """Renew the lease in the background, four times per lease, for as long as the block runs."""
        beat, stop = Heartbeat(), threading.Event()

        def renew() -> None:
            while not stop.wait(self.lease / 4):
                try:
                    beat.lost = not self.heartbeat(key, owner)
                except StoreError:  # a busy database: the lease leaves three more attempts
                    continue
                if beat.lost:
                    return

        thread = threading.Thread(target=renew, name=f"claim {key[:8]}", daemon=True)
        thread.start()
        try:
            yield beat
        finally:
            stop.set()
            thread.join()

    def close(self) -> None:
        """Close the connections; the object opens new ones when it is used again."""
        self._engine.dispose()

    @property
    def _milliseconds(self) -> int:
        return int(self.lease * 1000)

    @cached_property
    def _table(self) -> "Table":
        import sqlalchemy as sa

        texts = [sa.Column(name, sa.String(255), nullable=False) for name in ("owner", "host", "started", "state")]
        numbers = [sa.Column(name, sa.BigInteger, nullable=False) for name in ("pid", "heartbeat", "expires")]
        key = sa.Column("key", sa.String(255), primary_key=True)
        return sa.Table("lnlbench_claims", sa.MetaData(), key, *texts, *numbers, sa.Column("run_id", sa.String(64)))

    def _create(self) -> None:
        import sqlalchemy as sa

        with database.explained(self.url):
            if sa.inspect(self._engine).has_table(self._table.name):
                return
            with database.alone(self.url, self._engine):
                self._table.metadata.create_all(self._engine)

    def _own(self, key: str, owner: str) -> list[Any]:
        table = self._table
        return [table.c.key == key, table.c.owner == owner, table.c.state == "running"]

    def _change(self, key: str, owner: str, **values: str) -> bool:
        import sqlalchemy as sa

        with database.explained(self.url), self._engine.begin() as connection:
            change = sa.update(self._table).where(*self._own(key, owner)).values(**values)
            return bool(connection.execute(change).rowcount)

    @staticmethod
    def _abandoned(row: dict[str, Any], now: int) -> bool:
        if row["expires"] <= now:
            return True
        return row["host"] == this_host() and not alive(row["pid"], row["started"])
