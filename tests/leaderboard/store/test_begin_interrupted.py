"""Ctrl-C at every step of beginning a run: nothing seems to run, nothing stays claimed, and it can be begun again."""

import functools
import itertools
import shutil
import sqlite3
from contextlib import closing

import pytest
from mlflow import MlflowClient

from lnlbench.leaderboard.store.claims import Claims
from lnlbench.leaderboard.store.index import CELL
from lnlbench.leaderboard.store.run_tables import RunTables
from lnlbench.leaderboard.store.store import Store

CALLS = [
    *((MlflowClient, name) for name in (
        "create_experiment", "get_experiment_by_name", "create_run", "get_run", "search_runs", "log_batch",
        "log_inputs", "set_terminated",
    )),
    *((Claims, name) for name in ("acquire", "attach", "done", "run_id", "keep")),
]  # fmt: skip
"""What `begin` asks of MLflow and of the table of claims."""


def interrupt(monkeypatch, place, when):
    """Let Ctrl-C come at one call of these, counted from 0, before it does its work or after."""
    count = itertools.count()

    def patched(original):
        @functools.wraps(original)
        def call(*arguments, **named):
            mine = next(count) == place
            if mine and when == "before":
                raise KeyboardInterrupt
            answer = original(*arguments, **named)
            if mine:
                raise KeyboardInterrupt
            return answer

        return call

    for owner, name in CALLS:
        monkeypatch.setattr(owner, name, patched(getattr(owner, name)))


def runs_of(url, **wanted):
    client = MlflowClient(tracking_uri=url)
    places = [one.experiment_id for one in client.search_experiments()]
    found = client.search_runs(places) if places else []
    return [run for run in found if all(getattr(run.info, name) == value for name, value in wanted.items())]


def open_claims(url):
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return dict(connection.execute("SELECT key, state FROM lnlbench_claims WHERE state != 'done'").fetchall())


def was_interrupted(url, info, place, when):
    """Begin a run, and say whether Ctrl-C came; it does not after the last step."""
    with Store(url) as store, pytest.MonkeyPatch.context() as monkeypatch:
        assert store.claim(info.key, "me")
        interrupt(monkeypatch, place, when)
        try:
            store.begin(info, "me")
        except KeyboardInterrupt:
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupt_at_any_step_leaves_nothing_running_and_nothing_claimed(template, tmp_path, make, info_of, when):
    result = make()
    info = info_of(result, cell_files=lambda: {"examples.png": b"png"})
    for place in itertools.count():
        folder = tmp_path / str(place)
        folder.mkdir()
        shutil.copy(template, folder / "mlflow.db")
        url = f"sqlite:///{folder / 'mlflow.db'}"
        if not was_interrupted(url, info, place, when):
            break
        assert (runs_of(url, status="RUNNING"), open_claims(url)) == ([], {}), place
        with Store(url) as store:
            assert store.claim(info.key, "me")
            with store.begin(info, "me") as recording:
                recording.finish(result)
            assert list(store.stored()) == [result.key]
        assert len([run for run in runs_of(url, status="FINISHED") if CELL in run.data.tags]) == 1, place
    assert place >= 14, "the steps are counted"


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupt_at_the_last_write_leaves_a_run_finished_or_free(url, make, info_of, monkeypatch, when):
    result, original = make(), RunTables.write

    def write(*arguments, **named):
        monkeypatch.setattr(RunTables, "write", original)
        if when == "after":
            original(*arguments, **named)
        raise KeyboardInterrupt

    with Store(url) as store:
        assert store.claim(result.key, "me")
        recording = store.begin(info_of(result), "me")
        monkeypatch.setattr(RunTables, "write", write)
        with pytest.raises(KeyboardInterrupt), recording:
            recording.finish(result, {"best_epoch.pt": b"weights"})
        assert (runs_of(url, status="RUNNING"), open_claims(url)) == ([], {})
        assert list(store.stored()) == ([result.key] if when == "after" else [])
        assert len([*store.artifacts.rglob("*.pt")]) == (when == "after"), "weights are of use to a finished run alone"
        assert store.claim(result.key, "other") == (when == "before"), "what is finished is not made again"


def test_what_someone_else_has_taken_over_is_left_to_them(url, make, info_of):
    info = info_of(make())
    with Store(url) as store:
        assert store.claim(info.key, "me")
        run_id = store.begin(info, "me").run_id
        store.give_back(info.key, "thief")
        assert [run.info.run_id for run in runs_of(url, status="RUNNING")] == [run_id]
        assert open_claims(url) == {info.key: "running"}
