"""Reading results without MLflow: the same as the store itself reads, and fast enough for thousands of runs."""

import json
import sqlite3
import subprocess
import sys
import uuid
import warnings
from contextlib import closing
from dataclasses import replace

import pytest

from lnlbench.leaderboard.results.errors import StoreError, StoreWarning
from lnlbench.leaderboard.results.result import to_json
from lnlbench.leaderboard.store.index import KEY, KIND, RESULTS, SETTING
from lnlbench.leaderboard.store.reader import StoreReader
from lnlbench.leaderboard.store.records import results_of
from lnlbench.leaderboard.store.search_index import SearchIndex
from lnlbench.leaderboard.store.sql_index import SqlIndex


@pytest.fixture
def filled(store, make, info_of):
    """A store with results of two settings and of twice the length, a failed run and a deleted one."""
    longer = make(label="ce", setting="digits,epochs=2x/symmetric-0.4", replicate=7)
    for result in (make(), make(label="gce", replicate=1), make(noise="clean"), longer, make(label="gone")):
        with store.begin(info_of(result)) as recording:
            recording.finish(result)
        if result.label == "gone":
            store._tracking._client.delete_run(recording.run_id)
    with pytest.raises(ZeroDivisionError), store.begin(info_of(make(label="failed"))):
        1 / 0  # noqa: B018
    return store


@pytest.mark.parametrize("settings", [None, {"digits/symmetric-0.4"}, {"digits/clean"}, set()], ids=str)
def test_the_same_as_the_store_reads(filled, settings):
    with StoreReader(filled.address) as reader:
        found = reader.results(settings=settings)
        assert list(reader.stream(settings=settings, predictions=False)) == [replace(r, predictions="") for r in found]
    searched = SearchIndex(filled._tracking).entries([KEY, KIND, SETTING])
    assert found == list(results_of(searched, settings, filled.read))
    assert len(found) == {None: 4, frozenset({"digits/symmetric-0.4"}): 3}.get(
        None if settings is None else frozenset(settings), len(settings or ())
    )


def test_mlflow_is_not_imported(filled):
    code = (
        "import sys; from lnlbench.leaderboard.store.address import store_address;"
        "from lnlbench.leaderboard.store.reader import StoreReader;"
        f"assert len(StoreReader(store_address({filled.uri!r})).results()) == 4;"
        "assert not {'mlflow', 'sqlalchemy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_lost_record_is_left_out_with_a_warning(filled):
    (run_id,) = filled.stored().values() if len(filled.stored()) == 1 else list(filled.stored().values())[:1]
    for record in filled.artifacts.rglob(f"{run_id}/artifacts/record.json"):
        record.unlink()
    with pytest.warns(StoreWarning, match="is left out"):
        assert len(StoreReader(filled.address).results()) == 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("curves", {}),
        ("label", "a\x1b[2J"),
        ("replicate", -1),
        ("identity", []),
        ("epochs", "many"),
        ("cost", {"a": -1}),
    ],
)
def test_one_malformed_record_is_named_and_left_out(filled, field, value):
    run_id = next(iter(filled.stored().values()))
    (path,) = filled.artifacts.rglob(f"{run_id}/artifacts/record.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.warns(StoreWarning, match=f"run {run_id} is left out: ") as said:
        assert len(StoreReader(filled.address).results()) == 3
    assert len(said) == 1 and "\n" not in str(said[0].message) and "\x1b" not in str(said[0].message)


def test_what_is_no_store_is_explained_by_the_store(tmp_path):
    (tmp_path / "mlflow.db").write_text("not a database, but longer than the header of one" * 10)
    with pytest.raises(StoreError, match="not an SQLite database"):
        StoreReader(f"sqlite:///{tmp_path / 'mlflow.db'}").results()


@pytest.fixture
def crowd(url, tmp_path, make):
    """A store of 2,000 runs, 16 methods in 25 settings, written past MLflow: through it this would take minutes."""
    curve = [0.5 + i / 100 for i in range(40)]
    more = {f"quantity_{i}": curve for i in range(20)}
    runs, tags = [], []
    for i in range(2000):
        noise, method, replicate = f"symmetric-0.{i // 80:02}", f"m{i // 5 % 16}", i % 5
        test = [value - (i * 7919 % 101) / 1000 for value in curve]
        result = make(key=f"{i:032x}", noise=noise, label=method, replicate=replicate, test=test, more=more)
        run_id, folder = uuid.uuid4().hex, tmp_path / "artifacts" / str(i)
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(to_json(result))
        runs.append((run_id, method, i, i, folder.as_uri()))
        named = {"key": result.key, "state": "finished", "kind": "run", "setting": result.setting}
        tags += [(f"lnlbench.{name}", value, run_id) for name, value in named.items()]
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        connection.execute(
            "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage) "
            "VALUES (77, 'lnl/digits', '', 'active')"
        )
        connection.executemany(
            "INSERT INTO runs (run_uuid, name, source_type, status, start_time, end_time, lifecycle_stage, "
            "artifact_uri, experiment_id) VALUES (?, ?, 'UNKNOWN', 'FINISHED', ?, ?, 'active', ?, 77)",
            runs,
        )
        connection.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", tags)
    return url


@pytest.mark.slow
def test_two_thousand_runs_are_ranked_in_seconds(crowd):
    """Processor time of the whole command: five seconds are the aim (3.95 on an idle machine with AVX-512).

    A machine whose caches other work shares took 7.1 for the same code, hence twice the aim here.
    """
    code = (
        "import sys; sys.argv[1:] = ['leaderboard', '--format', 'csv', '--tracking-uri', sys.argv[1]]\n"
        "import time\nfrom lnlbench.benchmark.cli import app as cli\n"
        "try:\n    cli.main()\nfinally:\n    print(time.process_time(), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, crowd], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip().splitlines()) > 16 * 25
    assert float(done.stderr.splitlines()[-1]) < 10


def test_two_of_one_key_are_one(filled, make, info_of):
    again = make(test=[0.5, 0.7, 0.6])
    with filled.begin(info_of(again)) as recording:
        recording.finish(again)
    with warnings.catch_warnings():
        warnings.simplefilter("error", StoreWarning)
        found = StoreReader(filled.address).results()
    assert [result.key for result in found].count(again.key) == 1 and found[-1] == again


def test_a_run_that_is_not_there_is_looked_for_among_those_of_its_setting(filled, monkeypatch):
    """Names are read of the runs of its setting, also with other values; of all others in the store their settings."""
    asked = []

    def entries(self, tags=(), *of, real=SqlIndex.entries, where=RESULTS, **how):
        asked.append((len(tags), SETTING in where))
        return real(self, tags, *of, where=where, **how)

    monkeypatch.setattr(SqlIndex, "entries", entries)
    with StoreReader(filled.address) as reader, pytest.raises(StoreError, match="9, is stored; replicate 0 is there"):
        reader.find("ce digits/symmetric-0.4 9")
    with StoreReader(filled.address) as reader, pytest.raises(StoreError, match=r"of ce there is .*epochs=2x"):
        reader.find("ce digits,epochs=3/symmetric-0.4 7")
    assert all(of_its_setting for count, of_its_setting in asked if count > 2), asked
