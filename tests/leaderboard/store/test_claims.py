"""Exactly one process gets a key, whatever dies when."""

import os
import signal
import time

import pytest

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store.claims import ClaimLost, Claims, Heartbeat, new_owner
from lnlbench.leaderboard.store.claims_table import claims_table


@pytest.fixture(params=["sqlite", "postgresql"])
def claims_url(request, tmp_path):
    """A database without claims."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'claims.db'}"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def claims(claims_url):
    opened = Claims(claims_url)
    yield opened
    opened.close()


@pytest.mark.slow
def test_life_of_a_claim(claims):
    assert claims.states(["k"]) == {}
    grant = claims.acquire("k", "a")
    assert grant and grant.abandoned is None
    assert claims.acquire("k", "b") is None
    assert claims.acquire("k", "a") is None, "two threads of one owner must not both run it"
    assert claims.heartbeat("k", "a") and not claims.heartbeat("k", "b")
    assert claims.attach("k", "run", "a") and not claims.attach("k", "other", "b")
    assert claims.states(["k", "unknown"]) == {"k": "running"}
    assert claims.run_id("k") is None
    assert not claims.done("k", "b")
    assert claims.done("k", "a")
    assert claims.states(["k"]) == {"k": "done"}
    assert claims.run_id("k") == "run"
    assert claims.acquire("k", "b") is None
    assert not claims.heartbeat("k", "a") and not claims.release("k", "a")


def test_release_and_reopen(claims):
    claims.acquire("k", "a")
    assert not claims.release("k", "b") and not claims.reopen("k")
    assert claims.release("k", "a")
    assert claims.acquire("k", "b").abandoned is None
    claims.done("k", "b")
    assert claims.reopen("k")
    assert claims.acquire("k", "c")


@pytest.fixture
def elsewhere(monkeypatch):
    """Say of the next claims that they are of a process on another machine, until it is called again with False."""
    from lnlbench.leaderboard.store.processes import me

    here = me()

    def say(there=True):
        process = here | {"host": "elsewhere", "pid": 2**22 + 1} if there else here
        monkeypatch.setattr("lnlbench.leaderboard.store.claims.me", lambda: process)

    return say


def test_an_expired_lease_is_taken_over(claims_url, elsewhere):
    claims = Claims(claims_url, lease=1)  # second: a busy machine takes .2 s for the next three calls
    elsewhere()
    claims.acquire("k", "a")
    claims.attach("k", "run of a", "a")
    assert claims.acquire("k", "b") is None
    time.sleep(1.1)
    assert claims.states(["k"]) == {"k": "abandoned"}
    assert claims.acquire("k", "b").abandoned == "run of a"
    assert not claims.heartbeat("k", "a"), "the first owner must learn that it lost the key"
    assert not claims.done("k", "a") and not claims.release("k", "a")
    claims.close()


@pytest.mark.slow
def test_a_kept_claim_does_not_expire(claims_url, elsewhere):
    claims = Claims(claims_url, lease=0.8)
    elsewhere()
    claims.acquire("k", "a")
    with claims.keep("k", "a") as beat:
        time.sleep(1.6)
        assert claims.acquire("k", "b") is None
        assert not beat.lost
    time.sleep(1.0)
    assert claims.acquire("k", "b")
    claims.close()


def test_a_lost_claim_is_noticed(claims_url):
    claims = Claims(claims_url, lease=0.4)
    claims.acquire("k", "a")
    with claims.keep("k", "a") as beat:
        claims.release("k", "a")
        claims.acquire("k", "b")
        deadline = time.monotonic() + 30  # of a beat that comes every 0.1 s where the machine is idle
        while not beat.lost:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with pytest.raises(ClaimLost, match="another process has taken the key over"):
            beat.check()
    claims.close()


def test_whoever_was_suspended_asks_before_going_on(claims_url):
    """No thread of a stopped process renews a lease, and the first thing that it does may be to go on."""
    claims = Claims(claims_url, lease=0.4)
    claims.acquire("k", "a")
    beat = Heartbeat(lambda: claims.heartbeat("k", "a"), claims.lease)
    beat.check()
    claims.release("k", "a")
    claims.acquire("k", "b")
    beat.check()  # at once: asking the database at every epoch would be too much
    time.sleep(0.3)
    with pytest.raises(ClaimLost):
        beat.check()
    claims.close()


def clock_set_forward(claims, seconds):
    """What a claim looks like after the clock was set forward: all that stands in it is long ago."""
    import sqlalchemy as sa

    table, past = claims_table(), int(seconds * 1000)
    with claims.engine.begin() as connection:
        connection.execute(sa.update(table).values(heartbeat=table.c.heartbeat - past, expires=table.c.expires - past))


@pytest.mark.slow
def test_on_this_machine_a_live_owner_is_believed_before_the_clock(claims_url, start):
    claims = Claims(claims_url, lease=0.5)
    owner = start(CLAIM, claims_url, "owner")
    owner.stdin.write("\n")
    owner.stdin.flush()
    assert owner.stdout.readline() == "ready\n" and len(owner.stdout.readline().split()) == 20
    clock_set_forward(claims, 3600)
    assert claims.acquire("k3", "heir") is None and claims.states(["k3"]) == {"k3": "running"}
    os.kill(owner.pid, signal.SIGSTOP)
    time.sleep(0.7)
    assert claims.acquire("k3", "heir") is None, "it may go on"
    os.kill(owner.pid, signal.SIGCONT)
    assert claims.acquire("k3", "heir") is None, "it has just been waked"
    time.sleep(0.7)
    assert claims.acquire("k3", "heir"), "it runs, and for a whole lease of our watch it has not renewed its claim"
    claims.close()


def test_a_clock_that_is_set_back_keeps_no_dead_claim(claims_url, elsewhere):
    claims = Claims(claims_url, lease=0.2)
    elsewhere()
    claims.acquire("k", "a")
    clock_set_forward(claims, -3600)
    assert claims.acquire("k", "b") is None, "it may live"
    time.sleep(0.3)
    assert claims.states(["k"]) == {"k": "abandoned"}, "for a lease of our watch it was not renewed"
    assert claims.acquire("k", "b")
    claims.close()


CLAIM = """
import sys, time
from lnlbench.leaderboard.store.claims import Claims
claims = Claims(sys.argv[1]); print("ready", flush=True); sys.stdin.readline()
won = [key for key in (f"k{i}" for i in range(20)) if claims.acquire(key, sys.argv[2])]
print(*won, flush=True); sys.stdin.readline()
"""


@pytest.mark.slow
def test_of_four_processes_exactly_one_wins_each_key(claims_url, start):
    processes = [start(CLAIM, claims_url, f"owner {i}") for i in range(4)]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 4
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    won = [process.stdout.readline().split() for process in processes]
    assert sorted(key for keys in won for key in keys) == sorted(f"k{i}" for i in range(20))


@pytest.mark.slow
def test_a_killed_owner_is_succeeded_at_once_and_by_one(claims, claims_url, start):
    first = start(CLAIM, claims_url, "first")
    first.stdin.write("\n")
    first.stdin.flush()
    assert first.stdout.readline() == "ready\n" and len(first.stdout.readline().split()) == 20
    claims.attach("k3", "run of the first", "first")
    assert claims.acquire("k3", "heir") is None, "its owner lives"
    os.kill(first.pid, signal.SIGKILL)
    time.sleep(0.2)  # dead, but not waited for: a zombie still has its number
    assert claims.states(["k3"]) == {"k3": "abandoned"}
    heirs = [start(CLAIM, claims_url, f"heir {i}") for i in range(2)]
    assert [heir.stdout.readline() for heir in heirs] == ["ready\n"] * 2
    for heir in heirs:
        heir.stdin.write("\n")
        heir.stdin.flush()
    won = [heir.stdout.readline().split() for heir in heirs]
    assert sorted(key for keys in won for key in keys) == sorted(f"k{i}" for i in range(20))


def test_a_dead_owners_run_is_named(claims, claims_url, start):
    first = start(CLAIM, claims_url, "first")
    first.communicate("\n\n")
    claims.attach("k3", "run of the first", "first")
    assert claims.acquire("k3", "heir").abandoned == "run of the first"


def test_a_number_that_was_given_to_another_process_is_not_its_owner(claims, monkeypatch):
    monkeypatch.setattr("lnlbench.leaderboard.store.claims.me", lambda: this | {"started": "1"})
    from lnlbench.leaderboard.store.processes import me

    this = me()
    claims.acquire("k", "a")
    assert claims.acquire("k", "b"), "this process lives, but it started later than the owner"


def test_an_owner_on_another_machine_is_believed(claims, elsewhere):
    elsewhere()
    claims.acquire("k", "a")
    assert claims.acquire("k", "b") is None


def test_many_states_at_once(claims):
    claims.acquire("k700", "a")
    assert claims.states(f"k{i}" for i in range(1200)) == {"k700": "running"}


def test_owners_differ():
    assert new_owner() != new_owner()


@pytest.mark.parametrize(
    "url",
    ["", "claims.db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://h/d", "http://localhost"],
)
def test_what_is_no_database_is_refused(url):
    with pytest.raises(StoreError, match="a store"):
        Claims(url)
