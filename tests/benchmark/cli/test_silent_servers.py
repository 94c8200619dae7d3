"""A server that accepts a connection and never answers: one line, exit code 2, within the seconds that are set."""

import socket
import threading
import time

import pytest

from lnlbench.leaderboard.results.errors import StoreAway, StoreError
from lnlbench.leaderboard.store import database
from lnlbench.leaderboard.store.reader import StoreReader

LIMIT = 2
SLACK = 60  # seconds of a busy machine: a command that waits takes minutes, or for ever
RUN = ("run", "digits/clean", "-m", "ce", "-s", "0", "--epochs", "1", "--device", "cpu", "--jobs", "1")
TUNE = ("tune", "digits/clean", "-m", "ce", "-s", "0", "--epochs", "1", "--device", "cpu", "--jobs", "1")
COMMANDS = {
    "run on a server": (*RUN, "--tracking-uri", "http://HERE"),
    "run on a database": (*RUN, "--tracking-uri", "postgresql://u:secret@HERE/x"),
    "run with claims on a database": (*RUN, "--database", "postgresql://u:secret@HERE/x"),
    "tune on a server": (*TUNE, "--tracking-uri", "http://HERE"),
    "tune with searches on a database": (*TUNE, "--study-storage", "postgresql://u:secret@HERE/x"),
    "leaderboard of a server": ("leaderboard", "--tracking-uri", "http://HERE"),
    "leaderboard of a database": ("leaderboard", "--tracking-uri", "postgresql://u:secret@HERE/x"),
    "show": ("show", "ce", "digits/clean", "0", "--tracking-uri", "http://HERE"),
    "export": ("export", "all.jsonl.xz", "--tracking-uri", "postgresql://u:secret@HERE/x"),
}


@pytest.fixture
def silent(monkeypatch, tmp_path):
    """The address of a socket that accepts whoever comes, and says nothing."""
    pytest.importorskip("psycopg")
    monkeypatch.setenv(database.CONTACT_VARIABLE, str(LIMIT))
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held = []

        def accept():
            try:
                while True:
                    held.append(listening.accept()[0])
            except OSError:
                return

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    for one in held:
        one.close()


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_server_that_never_answers_is_one_line_in_time(lnlbench, one_line, silent, command, tmp_path):
    before = time.monotonic()
    answer = lnlbench(*(word.replace("HERE", silent) for word in command))
    one_line(answer, f"answer within {LIMIT} s ($LNLBENCH_TIMEOUT sets the limit)")
    assert time.monotonic() - before < LIMIT + SLACK
    assert "secret" not in answer[2] and list(tmp_path.rglob("*.db*")) == []


def test_it_is_away_and_not_wrong_so_that_a_sweep_waits_for_it(silent):
    for uri in (f"http://{silent}", f"postgresql://u@{silent}/x"):
        with pytest.raises(StoreAway), StoreReader(uri) as store:
            store.stored()


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "inf", "1e9"])
def test_a_limit_that_is_none_is_said(lnlbench, one_line, monkeypatch, text):
    monkeypatch.setenv(database.CONTACT_VARIABLE, text)
    one_line(
        lnlbench("leaderboard", "--tracking-uri", "http://127.0.0.1:9"), "$LNLBENCH_TIMEOUT is a number of seconds"
    )


def test_without_the_variable_it_is_ten_seconds(monkeypatch):
    monkeypatch.delenv(database.CONTACT_VARIABLE, raising=False)
    assert database.contact() == 10
    monkeypatch.setenv(database.CONTACT_VARIABLE, "0.5")
    with pytest.raises(StoreError, match="from 1 to 3600"):
        database.contact()
