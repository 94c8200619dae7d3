"""The table of claims on keys, and what its rows are asked on a connection that is open."""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table


@cache
def claims_table() -> "Table":
    """Return the table: a row for each key that was ever claimed."""
    import sqlalchemy as sa

    texts = [sa.Column(name, sa.String(255), nullable=False) for name in ("owner", "host", "started", "state")]
    numbers = [sa.Column(name, sa.BigInteger, nullable=False) for name in ("pid", "heartbeat", "expires")]
    key = sa.Column("key", sa.String(255), primary_key=True)
    return sa.Table("lnlbench_claims", sa.MetaData(), key, *texts, *numbers, sa.Column("run_id", sa.String(64)))


def held_by(key: str, owner: str) -> list[Any]:
    """Return the conditions on the row of a key that an owner holds."""
    table = claims_table()
    return [table.c.key == key, table.c.owner == owner, table.c.state == "running"]


def change(connection: "Connection", key: str, owner: str, **values: object) -> bool:
    """Write into the row of a key; False, and nothing written, if the owner does not hold it."""
    import sqlalchemy as sa

    found = connection.execute(sa.update(claims_table()).where(*held_by(key, owner)).values(**values))
    return bool(found.rowcount)


def close(connection: "Connection", key: str, owner: str) -> bool:
    """Close a key for good; False if the owner does not hold it."""
    return change(connection, key, owner, state="done")


def was_closed(connection: "Connection", key: str, owner: str) -> bool:
    """Say whether this owner has closed the key: the answer to its first attempt may have been lost."""
    import sqlalchemy as sa

    table = claims_table()
    query = sa.select(table.c.owner).where(table.c.key == key, table.c.state == "done")
    return connection.execute(query).scalar_one_or_none() == owner
