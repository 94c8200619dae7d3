"""Who runs which key: a table that decides it, free of races on SQLite and PostgreSQL."""

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store import database
from lnlbench.leaderboard.store.claims_table import change, claims_table, close, held_by, was_closed
from lnlbench.leaderboard.store.patience import patiently, waits
from lnlbench.leaderboard.store.processes import alive, me, suspended, this_host

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


class Holder(NamedTuple):
    """How a key stands: "running", "done" or "abandoned" (free to be taken over), and by which MLflow run."""

    state: str
    run_id: str | None


class ClaimLost(RuntimeError):
    """Someone else has taken the key over: what is made here would be made twice."""


class Heartbeat:
    """Keeps a claim alive in the background, and knows whether it was lost to someone else.

    Args:
        renew: renews the lease; False if the claim is no longer ours.
        lease: seconds that a claim stands without it.
    """

    def __init__(self, renew: Callable[[], bool], lease: float) -> None:
        self.lost = False
        self._renew, self._lease = renew, lease
        self._renewed = time.monotonic()
        self._stop = threading.Event()

    def check(self) -> None:
        """Return if the claim still stands, so that going on makes sense.

        Raises:
            ClaimLost: it does not.
        """
        if not self.lost and time.monotonic() - self._renewed > self._lease / 2:  # this process was suspended
            self.beat()
        if self.lost:
            raise ClaimLost("another process has taken the key over, since nothing was heard of this one for too long")

    def beat(self) -> None:
        """Renew the lease; a busy database, or one that is away, leaves three more attempts."""
        with suppress(StoreError):
            self.lost = not self._renew()
            self._renewed = time.monotonic()

    def run(self) -> None:
        """Renew the lease four times per lease, until `stop` or until it is lost."""
        while not self._stop.wait(self._lease / 4) and not self.lost:
            self.beat()

    def stop(self) -> None:
        """End `run`."""
        self._stop.set()


class Claims:
    """Claims on keys, in a table of the SQL database.

    A claim is taken by inserting a row whose key is unique, and taken over by an update that names the row as it was
    read: of any number of processes exactly one succeeds. Times are the database's own.

    Args:
        url: `sqlite:///file` or `postgresql://…`.
        lease: seconds that a claim stands without a heartbeat.
        wait: seconds to wait for a locked database.
        patience: seconds to wait for one that is away.

    Raises:
        StoreError: from every method, where the database cannot be used.
    """

    def __init__(self, url: str, lease: float = LEASE, wait: float = database.WAIT, patience: float = 0.0) -> None:
        self.url = database.absolute(url)
        self.lease, self.patience = lease, patience
        if file := database.sqlite_file(self.url):
            database.check_file(file)
        self.engine = database.engine(self.url, wait)
        self._watched: dict[str, tuple[int, float]] = {}  # the last heartbeat of a key, and since when we see it
        self._create()

    def acquire(self, key: str, owner: str) -> Grant | None:
        """Claim a key: the grant if it is yours now, None if it is done or someone else's.

        Claims whose lease has expired are taken over, and at once those whose owner ran on this machine and is dead.
        An owner on this machine that lives is believed before the clock.
        """
        asked = itertools.count()
        return patiently(lambda: self._acquire(key, owner, again=bool(next(asked))), self.patience)

    def _acquire(self, key: str, owner: str, *, again: bool) -> Grant | None:
        """Claim a key; `again` after an attempt whose answer was lost, so that the claim may be ours already."""
        import sqlalchemy as sa

        table = claims_table()
        with database.explained(self.url):
            with self.engine.begin() as connection:
                row = connection.execute(sa.select(table).where(table.c.key == key)).mappings().one_or_none()
                now = database.clock(connection)
            mine = {"owner": owner, **me(), "heartbeat": now, "expires": now + self._milliseconds, "state": "running"}
            try:
                with self.engine.begin() as connection:
                    if row is None:
                        connection.execute(sa.insert(table).values(key=key, **mine))
                        return Grant(key, owner, None)
                    if again and row["owner"] == owner and row["state"] == "running":
                        return Grant(key, owner, row["run_id"])
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
        with database.explained(self.url), self.engine.begin() as connection:
            now = database.clock(connection)
            return change(connection, key, owner, heartbeat=now, expires=now + self._milliseconds)

    @waits
    def attach(self, key: str, run_id: str, owner: str) -> bool:
        """Note which MLflow run works on the key; False if the claim is no longer yours."""
        with database.explained(self.url), self.engine.begin() as connection:
            return change(connection, key, owner, run_id=run_id)

    @waits
    def done(self, key: str, owner: str) -> bool:
        """Close the key for good; False if the claim is no longer yours."""
        with database.explained(self.url), self.engine.begin() as connection:
            return close(connection, key, owner) or was_closed(connection, key, owner)

    @waits
    def release(self, key: str, owner: str) -> bool:
        """Give the key back for anyone to claim; False if the claim is no longer yours."""
        import sqlalchemy as sa

        with database.explained(self.url), self.engine.begin() as connection:
            return bool(connection.execute(sa.delete(claims_table()).where(*held_by(key, owner))).rowcount)

    @waits
    def reopen(self, key: str) -> bool:
        """Forget that a key is done, because what it stood for is gone; False if it was not done."""
        import sqlalchemy as sa

        table = claims_table()
        with database.explained(self.url), self.engine.begin() as connection:
            done = sa.delete(table).where(table.c.key == key, table.c.state == "done")
            return bool(connection.execute(done).rowcount)

    @waits
    def run_id(self, key: str) -> str | None:
        """Return the MLflow run attached to a key that is done, else None."""
        import sqlalchemy as sa

        table = claims_table()
        with database.explained(self.url), self.engine.connect() as connection:
            query = sa.select(table.c.run_id).where(table.c.key == key, table.c.state == "done")
            run_id: str | None = connection.execute(query).scalar_one_or_none()
            return run_id

    def states(self, keys: Iterable[str]) -> dict[str, str]:
        """Return "running", "done" or "abandoned" (free to be taken over) for those keys that were ever claimed."""
        return {key: holder.state for key, holder in self.holders(keys).items()}

    @waits
    def holders(self, keys: Iterable[str]) -> dict[str, "Holder"]:
        """Return who holds those keys that were ever claimed."""
        import sqlalchemy as sa

        table, wanted, holders = claims_table(), list(keys), {}
        with database.explained(self.url), self.engine.connect() as connection:
            now = database.clock(connection)
            for start in range(0, len(wanted), 500):  # databases limit the number of values in one query
                query = sa.select(table).where(table.c.key.in_(wanted[start : start + 500]))
                for row in connection.execute(query).mappings():
                    free = row["state"] == "running" and self._abandoned(dict(row), now)
                    holders[row["key"]] = Holder("abandoned" if free else row["state"], row["run_id"])
        return holders

    @waits
    def forget_abandoned(self) -> None:
        """Delete the claims of dead owners, unless someone takes them over meanwhile."""
        import sqlalchemy as sa

        table = claims_table()
        with database.explained(self.url), self.engine.begin() as connection:
            now = database.clock(connection)
            rows = connection.execute(sa.select(table).where(table.c.state == "running")).mappings().fetchall()
            for row in rows:
                if self._abandoned(dict(row), now):
                    unchanged = [table.c[name] == row[name] for name in ("key", "owner", "heartbeat", "state")]
                    connection.execute(sa.delete(table).where(*unchanged))

    @contextmanager
    def keep(self, key: str, owner: str) -> Iterator[Heartbeat]:
        """Renew the lease in the background, four times per lease, for as long as the block runs."""
        beat = Heartbeat(lambda: self.heartbeat(key, owner), self.lease)
        thread = threading.Thread(target=beat.run, name=f"claim {key[:8]}", daemon=True)
        thread.start()
        try:
            yield beat
        finally:
            beat.stop()
            thread.join()

    def close(self) -> None:
        """Close the connections; the object opens new ones when it is used again."""
        self.engine.dispose()

    @property
    def _milliseconds(self) -> int:
        return int(self.lease * 1000)

    def _create(self) -> None:
        import sqlalchemy as sa

        table = claims_table()
        with database.explained(self.url):
            if sa.inspect(self.engine).has_table(table.name):
                return
            with database.alone(self.url, self.engine):
                table.metadata.create_all(self.engine)

    def _abandoned(self, row: dict[str, Any], now: int) -> bool:
        """Say whether a claim may be taken over.

        Elsewhere the lease decides, by the clock or, which may have been set back, by how long we saw no heartbeat. On
        this machine the process does, before the clock, which may have been set forward: a dead one holds nothing, a
        suspended one keeps what it has, and of a running one the lease must end while we watch.
        """
        here = row["host"] == this_host()
        if here and not alive(row["pid"], row["started"]):
            return True
        last, since = self._watched.get(row["key"], (None, 0.0))
        if last != row["heartbeat"] or (here and suspended(row["pid"])):
            since = time.monotonic()
        self._watched[row["key"]] = row["heartbeat"], since
        expired, unheard = row["expires"] <= now, time.monotonic() - since > self.lease
        return bool(expired and unheard if here else expired or unheard)
