"""Executors: every task ends with one message, whatever becomes of its process."""

import os
import sys
import time
from contextlib import closing
from types import SimpleNamespace

import pytest

from lnlbench.benchmark.sweep.executors import ray
from lnlbench.benchmark.sweep.executors.base import Message
from lnlbench.benchmark.sweep.executors.inline import Inline
from lnlbench.benchmark.sweep.executors.local import Local
from lnlbench.leaderboard.store.processes import alive

PATIENT = 600  # seconds

TASKS = '''
"""Tasks that other processes can import."""
import os, time
from dataclasses import dataclass
from lnlbench.leaderboard.results.errors import StoreError

@dataclass
class Count:
    upto: int
    def __call__(self, send):
        for number in range(self.upto):
            send(number)

@dataclass
class Exit:
    code: int
    def __call__(self, send):
        send(os.getpid())
        os._exit(self.code)

@dataclass
class Cut:
    """Ends in the middle of a message."""
    def __call__(self, send):
        pipe = send.__closure__[0].cell_contents
        os.write(pipe.fileno(), (1000).to_bytes(4, "big") + b"the beginning of a message")
        os._exit(1)

@dataclass
class Break:
    def __call__(self, send):
        raise StoreError("the store is gone")

@dataclass
class Wait:
    file: str
    def __call__(self, send):
        try:
            send(os.getpid())
            time.sleep(1000)
        except KeyboardInterrupt:
            open(self.file, "w").close()
            raise
'''


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    """The tasks, in a module that a new process finds."""
    (tmp_path / "tasks_of_tests.py").write_text(TASKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    import tasks_of_tests

    return tasks_of_tests


def gathered(executor, count):
    """All messages until so many tasks have ended, in whatever way."""
    found, deadline = [], time.monotonic() + PATIENT
    while sum(message.kind in ("ended", "died") for message in found) < count:
        assert time.monotonic() < deadline, found
        executor.step(found.append)
    return found


@pytest.mark.parametrize("make", [Inline, lambda: Local(1)], ids=["inline", "local"])
def test_messages_of_a_task_keep_their_order(tasks, make):
    with closing(make()) as executor:
        executor.submit(7, tasks.Count(3))
        assert gathered(executor, 1) == [*(Message(7, "said", i) for i in range(3)), Message(7, "ended")]
        executor.submit(8, tasks.Count(0))
        assert gathered(executor, 1) == [Message(8, "ended")]


@pytest.mark.slow
def test_a_process_that_dies_harms_no_other_and_is_replaced(tasks):
    with closing(Local(2)) as executor:
        executor.submit(1, tasks.Exit(9))
        executor.submit(2, tasks.Count(2))
        found = gathered(executor, 2)
        assert [(m.kind, m.body) for m in found if m.ticket == 1][1:] == [("died", "exit code 9")]
        assert [(m.kind, m.body) for m in found if m.ticket == 2] == [("said", 0), ("said", 1), ("ended", None)]
        executor.submit(3, tasks.Cut())
        executor.submit(4, tasks.Break())
        kinds = [(m.ticket, m.kind, m.body) for m in gathered(executor, 2)]
        assert (3, "died", "exit code 1") in kinds
        assert [kind for kind in kinds if kind[0] == 4] == [(4, "broken", "the store is gone"), (4, "ended", None)]
        executor.submit(5, tasks.Count(1))
        assert gathered(executor, 1)[-1] == Message(5, "ended")


def test_closing_interrupts_what_works(tasks, tmp_path):
    executor, found = Local(1), []
    executor.submit(1, tasks.Wait(str(tmp_path / "tidied")))
    while not found:
        executor.step(found.append)
    assert found[0].body != os.getpid() and alive(found[0].body, "")
    executor.close()
    assert not alive(found[0].body, "") and (tmp_path / "tidied").exists()


def test_on_ray_too_a_store_that_fails_is_told(tasks, monkeypatch):
    """What a task of Ray does, without Ray."""
    told = []
    put = SimpleNamespace(remote=told.append)
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get=lambda answer: answer))
    ray._do(3, tasks.Count(1), SimpleNamespace(put=put))
    ray._do(4, tasks.Break(), SimpleNamespace(put=put))
    assert told == [Message(3, "said", 0), Message(4, "broken", "the store is gone")]
