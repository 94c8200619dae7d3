"""A store that is away for a while: a sweep waits for it, whoever only asks hears of it at once."""

import sqlite3
import threading
import time
from contextlib import closing, contextmanager

import pytest

from lnlbench.leaderboard.results.errors import StoreAway, StoreError, StoreWarning
from lnlbench.leaderboard.store import patience
from lnlbench.leaderboard.store.patience import patiently
from lnlbench.leaderboard.store.store import Store


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(patience, "FIRST", 0.01)
    monkeypatch.setattr(patience, "LONGEST", 0.05)


def failing(times, error):
    left = [error] * times

    def ask():
        if left:
            raise left.pop()
        return "answer"

    return ask


@pytest.mark.filterwarnings("ignore:the store is away")
def test_what_is_away_for_a_while_is_asked_again(short):
    assert patiently(failing(5, StoreAway("the store is away")), 10) == "answer"


def test_that_is_said_once(short):
    with pytest.warns(StoreWarning) as said:
        patiently(failing(5, StoreAway("the store is away")), 10)
    assert [str(warning.message) for warning in said] == ["the store is away; trying again for up to 10 s"]


@pytest.mark.filterwarnings("ignore:the store is away")
def test_what_stays_away_ends_it(short):
    before = time.monotonic()
    with pytest.raises(StoreError, match=r"the store is away \(waited 0.3 s for it\)"):
        patiently(failing(1000, StoreAway("the store is away")), 0.3)
    assert time.monotonic() - before < 5


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        pytest.param(StoreAway("away"), 0, id="without patience"),
        pytest.param(StoreError("damaged"), 10, id="what waiting does not mend"),
    ],
)
def test_all_else_is_said_at_once(error, seconds):
    before = time.monotonic()
    with pytest.raises(type(error), match=str(error)):
        patiently(failing(1, error), seconds)
    assert time.monotonic() - before < 1


@contextmanager
def locked(url, seconds):
    """Keep a SQLite database from being written for some time."""
    begun = threading.Event()

    def hold():
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as other:
            other.execute("BEGIN EXCLUSIVE")
            begun.set()
            time.sleep(seconds)
            other.rollback()

    thread = threading.Thread(target=hold)
    thread.start()
    begun.wait()
    yield
    thread.join()


@contextmanager
def closed_for(postgres, url, seconds):
    """Break all connections to a database and let nobody connect for some time, as a restart does."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(postgres, isolation_level="AUTOCOMMIT")
    name = url.rpartition("/")[2]

    def run(*statements):
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(sqlalchemy.text(statement))

    def reopen():
        time.sleep(seconds)
        run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false", end)
    thread = threading.Thread(target=reopen)
    thread.start()
    yield
    thread.join()
    engine.dispose()


def whole_life(store, info_of, result, away):
    """Claim, begin, log and finish a run, each while the store is away."""
    with away():
        assert store.claim(result.key, "me")
    with away():
        recording = store.begin(info_of(result), "me")
    with recording:
        for epoch in range(result.trained):
            recording.log({name: curve[epoch] for name, curve in result.curves.items()}, epoch)
        with away():
            recording.flush()
        with away():
            recording.finish(result)
    return recording.run_id


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the store .* trying again")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_database_that_is_away_costs_no_run(url, make, info_of, short):
    with Store(url, wait=0.2, patience=60) as store:
        whole_life(store, info_of, make(), lambda: locked(url, 1.0))
        assert store.results() == [make()]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the store .* trying again")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_database_server_that_is_restarted_costs_no_run(postgres, postgres_url, make, info_of, short):
    with Store(postgres_url, patience=60) as store:
        store.claims.run_id("connections are open")
        run_id = whole_life(store, info_of, make(), lambda: closed_for(postgres, postgres_url, 1.0))
        assert store.results() == [make()] and store.stored() == {make().key: run_id}
        assert store.claims.states([make().key]) == {make().key: "done"}
        assert store.tidy() == 0 or len(store.stored()) == 1


def test_an_answer_that_was_lost_closes_a_claim_once(store, make, info_of):
    """The transaction was made, and the connection broke before its end was heard of."""
    result = make()
    assert store.claim(result.key, "me")
    recording = store.begin(info_of(result), "me")
    rows = recording._rows()
    assert store._finish(recording.run_id, rows, (result.key, "me"))
    assert store._finish(recording.run_id, rows, (result.key, "me")), "asked again, it is closed by us"
    assert not store._finish(recording.run_id, rows, (result.key, "another"))
    assert store.claims.done(result.key, "me") and not store.claims.done(result.key, "another")


def test_a_claim_whose_answer_was_lost_is_ours(store):
    assert store.claims._acquire("k", "me", again=False)
    assert store.claims._acquire("k", "me", again=False) is None, "two threads of one owner must not both run it"
    assert store.claims._acquire("k", "me", again=True)
    assert store.claims._acquire("k", "another", again=True) is None
