"""What kills leave behind is cleared by whoever comes next; what lives is left alone."""

import sqlite3
from contextlib import closing

import pytest

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store.index import CELL, KEY
from lnlbench.leaderboard.store.rows import Rows
from lnlbench.leaderboard.store.store import Store

BEGIN = """
import json, os, sys
from lnlbench.leaderboard.store.recording import RunInfo
from lnlbench.leaderboard.store.store import Store
info = RunInfo(**json.loads(sys.argv[2]))
with Store(sys.argv[1]) as store:
    assert store.claim(info.key, "dead")
    print(store.begin(info, "dead").run_id, flush=True)
    os.kill(os.getpid(), 9)
"""


def status(store, run_id):
    return store._tracking.status(run_id)


def aged(store, seconds=200):
    """Let all runs of a store have begun longer ago than a lease takes."""
    with closing(sqlite3.connect(store.address.file)) as connection, connection:
        connection.execute("UPDATE runs SET start_time = start_time - ?", [1000 * seconds])


@pytest.mark.slow
def test_the_run_and_the_claim_of_a_killed_process(store, url, make, info_of, start):
    import json

    info = info_of(result := make())
    process = start(BEGIN, url, json.dumps(vars(info) | {"params": {}}))
    run_id = process.stdout.readline().strip()
    process.wait()
    draft = next((store.artifacts / "lnl").rglob("digits"), store.artifacts / "lnl/digits") / run_id / "artifacts"
    draft.mkdir(parents=True, exist_ok=True)
    (draft / ".record.json.0123abcd").write_text("{")
    assert store.tidy() == 1
    assert status(store, run_id) == "KILLED" and not list(draft.iterdir())
    assert store.claims.states([result.key]) == {}
    assert store.tidy() == 0


def test_what_lives_is_left_alone(store, make, info_of):
    mine, other = make(), make(label="gce")
    assert store.claim(mine.key, "me") and store.claim(other.key, "other")
    run_id = store.begin(info_of(mine), "me").run_id
    begun = store._tracking.create(store._experiment("digits"), "gce s0", {KEY: other.key})  # not attached yet
    aged(store)
    assert store.tidy() == 0
    assert status(store, run_id) == status(store, begun) == "RUNNING"
    assert store.claims.states([mine.key, other.key]) == {mine.key: "running", other.key: "running"}


def test_a_second_run_of_one_claim_is_a_leftover(store, make, info_of):
    """Of a call whose answer was lost, so that it was made again."""
    result = make()
    assert store.claim(result.key, "me")
    lost = store._tracking.create(store._experiment("digits"), "ce s0", {KEY: result.key})
    run_id = store.begin(info_of(result), "me").run_id
    assert store.tidy() == 0, "it may have begun just now"
    aged(store)
    assert store.tidy() == 1
    assert (status(store, lost), status(store, run_id)) == ("KILLED", "RUNNING")


def test_cells_that_seem_to_run_for_ever(store, make, info_of):
    whole = store.cell(info_of(make()))
    with closing(sqlite3.connect(store.address.file)) as connection, connection:
        connection.execute("UPDATE runs SET status = 'RUNNING' WHERE run_uuid = ?", [whole])
    half = store._tracking.create(store._experiment("digits"), "gce clean", {CELL: "cell:abc"})
    aged(store)
    assert store.tidy() == 1
    assert (status(store, whole), status(store, half)) == ("FINISHED", "KILLED")


def test_a_half_made_cell_is_not_taken_for_one(store, make, info_of):
    info = info_of(make(), cell_files=lambda: {"examples.png": b"png"})
    whole = store.cell(info)
    key = store._tracking.run(whole).data.tags[CELL]
    store.claims.reopen(key)
    store._tracking.write(whole, Rows(status="KILLED"))
    with Store(store.uri) as fresh:
        again = fresh.cell(info)
        assert again != whole and status(fresh, again) == "FINISHED"
        assert fresh.file(again, "examples.png") == b"png"


def test_a_run_that_was_closed_but_not_marked(store, make, info_of, monkeypatch):
    """Behind a server the end of a claim and that of its run are two steps, and a kill may come between them."""
    result = make()
    monkeypatch.setattr(type(store), "_tables", None)
    assert store.claim(result.key, "me")
    recording = store.begin(info_of(result), "me")
    write = store._tracking.write

    def killed_at_the_end(run_id, rows):
        if rows.status == "FINISHED":
            raise KeyboardInterrupt
        write(run_id, rows)

    with monkeypatch.context() as patch:
        patch.setattr(store._tracking, "write", killed_at_the_end)
        with pytest.raises(KeyboardInterrupt):
            recording.finish(result)
    assert status(store, recording.run_id) == "RUNNING" and store.claims.states([result.key]) == {result.key: "done"}
    assert not store.claim(result.key, "later"), "it is finished"
    assert status(store, recording.run_id) == "FINISHED" and store.results() == [result]


def test_a_draft_of_the_database_is_removed(store, url):
    draft = store.address.file.with_name(".mlflow.db.0123abcd")
    draft.write_text("half a database")
    Store(url).close()
    assert not draft.exists()


def test_a_lost_record_is_noticed_and_its_key_is_free_again(store, make, info_of):
    results = [make(replicate=i) for i in range(4)]
    for result in results:
        assert store.claim(result.key, "me")
        with store.begin(info_of(result), "me") as recording:
            recording.finish(result)
    runs = store.stored()
    records = [store.artifacts / "lnl" / "digits" / runs[r.key] / "artifacts" / "record.json" for r in results]
    records[0].unlink()
    records[1].write_bytes(records[1].read_bytes()[:100])
    assert set(store.damaged()) == {results[0].key, results[1].key}
    records[2].write_text("{}")
    assert set(store.damaged([r.key for r in results[1:]], thorough=True)) == {results[1].key, results[2].key}
    for entry in store.damaged(thorough=True).values():
        store.discard(entry)
    assert set(store.stored()) == {results[3].key} and store.damaged(thorough=True) == {}
    assert store.claim(results[0].key, "again") and not store.claim(results[3].key, "again")
    with pytest.raises(StoreError, match="no finished run"):
        store.result(results[0].key)
