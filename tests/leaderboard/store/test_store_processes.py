"""Several processes on one store: nobody crashes, nothing is made twice, nothing is said."""

import json
import os
import signal

import pytest

from lnlbench.leaderboard.results.result import to_json
from lnlbench.leaderboard.store.store import Store

OPEN = """
import sys
from lnlbench.leaderboard.store.store import Store
print("ready", flush=True); sys.stdin.readline()
store = Store(sys.argv[1]); print(len(store.stored()), store.claim(sys.argv[2], sys.argv[2]), flush=True)
"""


def go(processes):
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * len(processes)
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()


@pytest.mark.slow
def test_three_processes_open_a_fresh_database_at_once(tmp_path, start):
    url = f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}"
    processes = [start(OPEN, url, f"key {i}") for i in range(3)]
    go(processes)
    answers = [process.communicate() for process in processes]
    assert answers == [("0 True\n", "")] * 3, "each must open it, and MLflow must not say a word"
    assert sorted(p.name for p in (tmp_path / "new").iterdir() if not p.name.endswith(("-wal", "-shm"))) == [
        "mlflow.db",
        "mlflow.db.lock",
    ]


RUN = """
import json, sys
from lnlbench.leaderboard.store.recording import RunInfo
from lnlbench.leaderboard.results.result import from_json
from lnlbench.leaderboard.store.store import Store
result, info = from_json(sys.argv[2]), RunInfo(**json.loads(sys.argv[3]))
store = Store(sys.argv[1])
print("ready", flush=True); sys.stdin.readline()
assert store.claim(info.key, info.key)
with store.begin(info, owner=info.key) as recording:
    recording.log({"test_accuracy": 0.5}, 0)
    print(recording.parent, recording.run_id, flush=True)
    if sys.argv[4] == "wait":
        recording.flush()
        sys.stdin.readline()
    recording.finish(result)
"""


def run(start, info_of, url, result, mode="go on"):
    info = vars(info_of(result)) | {"params": {}}
    return start(RUN, url, to_json(result), json.dumps(info), mode)


@pytest.mark.slow
def test_processes_share_one_cell_and_lose_no_run(url, make, info_of, start):
    results = [make(replicate=i) for i in range(3)]
    processes = [run(start, info_of, url, result) for result in results]
    go(processes)
    answers = [process.communicate() for process in processes]
    assert [err for _, err in answers] == [""] * 3
    parents = {out.split()[0] for out, _ in answers}
    assert len(parents) == 1
    store = Store(url)
    assert set(store.stored()) == {result.key for result in results}
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=url)
    assert len(client.search_experiments(filter_string="name LIKE 'lnl/%'")) == 1
    store.summarise([result.key for result in results])
    assert client.get_run(parents.pop()).data.metrics["n"] == 3
    store.close()


@pytest.mark.slow
def test_the_run_of_a_killed_process_is_marked_and_run_again(url, make, info_of, start):
    result = make()
    process = run(start, info_of, url, result, "wait")
    go([process])
    run_id = process.stdout.readline().split()[1]
    store = Store(url)
    assert not store.claim(result.key, "heir"), "it is running"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=url)
    assert client.get_run(run_id).info.status == "RUNNING"
    assert store.claim(result.key, "heir")
    killed = client.get_run(run_id)
    assert (killed.info.status, killed.data.tags["lnlbench.state"]) == ("KILLED", "killed")
    with store.begin(info_of(result), owner="heir") as recording:
        recording.finish(result)
    assert store.stored() == {result.key: recording.run_id}
    store.close()


def test_a_run_that_its_killed_owner_had_not_yet_attached_is_marked(store, make, info_of, start):
    result = make()
    script = (
        "import sys; from lnlbench.leaderboard.store.claims import Claims; "
        "Claims(sys.argv[1]).acquire(sys.argv[2], 'a')"
    )
    begun = store.begin(info_of(result))
    assert start(script, store.uri, result.key).wait() == 0
    assert store.claim(result.key, "heir")
    from mlflow import MlflowClient

    assert MlflowClient(tracking_uri=store.uri).get_run(begun.run_id).info.status == "KILLED"


def test_importing_is_cheap(start):
    script = "import sys, lnlbench.leaderboard.store.store, lnlbench.leaderboard.ranking.build\nprint(*sys.modules)"
    out, err = start(script).communicate()
    assert err == "" and "lnlbench.leaderboard.store.store" in out.split()
    assert not {"mlflow", "sqlalchemy", "scipy", "rich", "pandas", "torch"} & set(out.split())
