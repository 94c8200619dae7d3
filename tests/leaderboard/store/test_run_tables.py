"""Rows written past MLflow are the rows that MLflow writes, and are written whole or not at all."""

import math

import pytest

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store.rows import Rows
from lnlbench.leaderboard.store.sql import reading
from lnlbench.leaderboard.store.store import Store

POINTS = [
    ("accuracy/test", 0.5, 0, 1000),
    ("accuracy/test", 0.75, 1, 1001),
    ("accuracy/test", 0.75, 1, 1001),  # twice the same
    ("loss/wrong_online", math.nan, 0, 1000),
    ("loss/wrong_online", math.inf, 1, 1001),
    ("score/final", -math.inf, 1, 1002),
    ("late", 0.9, 5, 1000),
]
LATER = [("accuracy/test", 0.25, 0, 2000), ("late", 0.1, 5, 999), ("late", 0.95, 5, 1000), ("new", 1.0, 0, 5)]
TABLES = {
    "metrics": "key, value, timestamp, step, is_nan",
    "latest_metrics": "key, value, timestamp, step, is_nan",
    "params": "key, value",
    "tags": "key, value",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request, url):
    """The URL of a fresh store in each kind of database."""
    return url if request.param == "sqlite" else request.getfixturevalue("postgres_url")


def begun(store, make, info_of, label):
    return store.begin(info_of(make(label=label))).run_id


def content(url, run_id):
    with reading(url) as ask:
        found = {}
        for table, columns in TABLES.items():
            rows = ask(f"SELECT {columns} FROM {table} WHERE run_uuid = :run", {"run": run_id})
            ours = [row for row in rows if not row[0].startswith(("mlflow.runName", "mlflow.user"))]
            found[table] = sorted([*row[:-1], bool(row[-1])] if len(row) == 5 else [*row] for row in ours)
        return found


@pytest.mark.slow
def test_the_rows_are_those_that_mlflow_writes(anywhere, make, info_of):
    first = Rows(points=POINTS, params={"lr": "0.1"}, tags={"a": "1", "lnlbench.state": "finished"})
    second = Rows(points=LATER, params={"q": "0.7"}, tags={"a": "2"})
    with Store(anywhere) as store:
        ours, theirs = (begun(store, make, info_of, "ce") for _ in range(2))
        for rows in (first, second):
            store._tables.write(ours, rows)
            store._tracking.write(theirs, rows)
        assert content(anywhere, ours) == content(anywhere, theirs)
        store._tables.write(ours, Rows(status="FINISHED"))
        store._tracking.write(theirs, Rows(status="FINISHED"))
        ended = [store._tracking.run(run_id).info for run_id in (ours, theirs)]
    assert [info.status for info in ended] == ["FINISHED"] * 2
    assert abs(ended[0].end_time - ended[1].end_time) < 60_000


def test_what_is_written_again_is_there_once(store, make, info_of):
    run_id = begun(store, make, info_of, "ce")
    for _ in range(2):
        store._tables.write(run_id, Rows(points=POINTS, params={"lr": "0.1"}))
    assert len(content(store.uri, run_id)["metrics"]) == len(set(POINTS)) == 6
    assert content(store.uri, run_id)["params"] == [["lr", "0.1"]]


def test_a_run_ends_with_its_claim_or_not_at_all(anywhere, make, info_of):
    with Store(anywhere) as store:
        run_id = begun(store, make, info_of, "ce")
        store.claims.acquire("k", "a")
        assert not store._tables.write(run_id, Rows(points=POINTS, status="FINISHED"), ("k", "b"))
        assert content(anywhere, run_id)["metrics"] == [] and store._tracking.status(run_id) == "RUNNING"
        assert store._tables.write(run_id, Rows(status="FINISHED"), ("k", "a"))
        assert store.claims.states(["k"]) == {"k": "done"} and store._tracking.status(run_id) == "FINISHED"


def test_a_run_that_was_deleted_meanwhile_leaves_its_claim_open(store, make, info_of):
    run_id = begun(store, make, info_of, "ce")
    store.claims.acquire("k", "a")
    store._tracking._client.delete_run(run_id)
    with pytest.raises(StoreError, match="was deleted while it was written"):
        store._tables.write(run_id, Rows(status="FINISHED"), ("k", "a"))
    assert store.claims.states(["k"]) == {"k": "running"}


def test_tables_of_another_layout_are_left_to_mlflow(store, make, info_of):
    import sqlalchemy

    assert store._tables is not None
    with store.claims.engine.begin() as connection:
        connection.execute(sqlalchemy.text("ALTER TABLE tags ADD COLUMN colour VARCHAR(9)"))
    with Store(store.uri) as opened:
        assert opened._tables is None
        with opened.begin(info_of(result := make(more={"loss_wrong_online": [1.0, 2.0, 3.0]}))) as recording:
            for epoch in range(3):
                recording.log({name: curve[epoch] for name, curve in result.curves.items()}, epoch)
            recording.finish(result)
        assert opened.results() == [result]
        points = [row for row in content(opened.uri, recording.run_id)["metrics"] if row[0] == "loss/wrong_online"]
        assert [row[1] for row in points] == [1.0, 2.0, 3.0]
