"""Ctrl-C, once and twice, of a real process group: it ends soon, says so in one line, and nothing of it is left."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from lnlbench.benchmark.cli import app as cli
from lnlbench.leaderboard.store.index import KIND
from lnlbench.leaderboard.store.sql_index import SqlIndex

RUN = ["run", "digits/symmetric-0.4", "-m", "ce, gce", "-s", "0-1", "--epochs", "10000", "--device", "cpu"]
SECONDS = 120.0  # a busy machine needs many to begin, and to end


@pytest.fixture
def begun(url, tmp_path):
    """Start a sweep in a group of its own, and wait until it trains."""
    command = [sys.executable, "-m", "lnlbench.benchmark.cli", *RUN, "--jobs", "2", "--tracking-uri", url]
    with (tmp_path / "said").open("w+") as said:
        process = subprocess.Popen(command, start_new_session=True, stdout=said, stderr=said, cwd=tmp_path)
        try:
            until(lambda: process.poll() is not None or running(url))
            yield process, said
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def running(url):
    """Return the runs, not the cells, that are marked as running."""
    return SqlIndex(url).entries(where={KIND: ["run"]}, status="RUNNING")


def until(holds):
    """Wait until something holds, which fails if that takes too long."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_empty(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("pauses", [[], [0.0, 0.2]], ids=["once", "three times"])
def test_nothing_is_left_running(begun, pauses):
    process, said = begun
    os.killpg(process.pid, signal.SIGINT)
    for pause in pauses:
        time.sleep(pause)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
    assert process.wait(SECONDS) == 130
    until(lambda: is_empty(process.pid))
    said.seek(0)
    assert said.read() == (
        "lnlbench: interrupted; what is finished is stored, and the same command goes on from there\n"
    )


def test_an_error_that_follows_ctrl_c_is_the_interrupt(lnlbench, monkeypatch):
    """A query that it broke off leaves a connection that answers with an error: the store is as it was."""
    assert lnlbench("run", "nothing")[0] == 2
    monkeypatch.setattr(cli.signal, "getsignal", lambda number: cli._go_on)
    code, _, err = lnlbench("run", "nothing")
    assert code == 130 and err.startswith("lnlbench: interrupted; ")
