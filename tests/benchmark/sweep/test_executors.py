"""Executors: every task ends with one message, whatever becomes of its process."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lnlbench.benchmark.sweep.executors import ray
from lnlbench.benchmark.sweep.executors.base import Message
from lnlbench.benchmark.sweep.executors.inline import Inline
from lnlbench.benchmark.sweep.executors.local import START, Local
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
class Threads:
    def __call__(self, send):
        send(__import__("torch").get_num_threads())

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
class Look:
    """Tells what it sees of its process: a variable, whether a module is there, its parent."""
    variable: str
    module: str
    def __call__(self, send):
        import sys
        send((os.environ.get(self.variable), self.module in sys.modules, os.getppid()))

@dataclass
class Sleep:
    def __call__(self, send):
        send(os.getpid())
        time.sleep(1)
        send("slept")

@dataclass
class Wait:
    file: str
    tidies: float = 0.0  # seconds
    def __call__(self, send):
        try:
            send(os.getpid())
            time.sleep(1000)
        except KeyboardInterrupt:
            time.sleep(self.tidies)
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


@pytest.mark.parametrize("make", [Inline, lambda: Local(1), lambda: Local(2)], ids=["inline", "local", "two"])
def test_a_task_computes_with_one_thread_however_many_are_beside_it(tasks, make):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with closing(make()) as executor:
            executor.submit(1, tasks.Threads())
            assert gathered(executor, 1)[0].body == 1
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


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


forked = pytest.mark.skipif(START != "forkserver", reason="processes are forked on Linux alone")


def looked(executor, tasks, ticket=1):
    """What a task sees of its process: a variable, whether MLflow is there, and its parent."""
    executor.submit(ticket, tasks.Look("LNLBENCH_OF_A_TEST", "mlflow.store.tracking.sqlalchemy_store"))
    (seen,) = [message.body for message in gathered(executor, 1) if message.kind == "said"]
    return seen


@forked
def test_processes_are_forked_from_one_that_has_imported_and_have_the_environment_of_now(tasks, monkeypatch):
    servers = set()
    for value in ("first", "second"):
        monkeypatch.setenv("LNLBENCH_OF_A_TEST", value)
        with closing(Local(2)) as executor:
            variable, there, server = looked(executor, tasks)
        assert (variable, there) == (value, True)
        servers.add(server)
    (server,) = servers
    assert server != os.getpid(), "one for all"


@pytest.mark.slow
def test_what_is_preloaded_starts_no_thread_of_python():
    program = "import threading; from lnlbench.benchmark.sweep.executors import preloaded; print(threading.enumerate())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.count("Thread") == 2 and "_MainThread(MainThread" in done.stdout, "a fork would lose it"


@pytest.mark.slow
@forked
def test_whoever_kills_the_server_of_forks_stops_nothing(tasks, tmp_path):
    with closing(Local(1)) as executor:
        *_, server = looked(executor, tasks)
        executor.submit(2, tasks.Sleep())
        os.kill(server, signal.SIGKILL)
        assert [message.body for message in gathered(executor, 1)][1:] == ["slept", None]
        executor.submit(3, tasks.Exit(9))
        assert gathered(executor, 1)[-1].kind == "died"
        _, there, other = looked(executor, tasks)
        assert there and other != server, "another one has begun"
        assert_closing_waits(executor, tasks, tmp_path, lambda: os.kill(other, signal.SIGKILL))


@pytest.mark.slow
@forked
def test_what_ends_the_whole_group_lets_work_be_given_back(tasks, tmp_path):
    executor = Local(1)
    *_, server = looked(executor, tasks)
    assert_closing_waits(executor, tasks, tmp_path, lambda: os.kill(server, signal.SIGTERM))
    with closing(Local(1)) as executor:
        assert looked(executor, tasks)[-1] == server, "only its parent's end is its own"


def assert_closing_waits(executor, tasks, folder, blow):
    """Close an executor whose task tidies for a while, after a blow to the server."""
    found = []
    executor.submit(9, tasks.Wait(str(folder / "tidied"), tidies=1.0))
    while not found:
        executor.step(found.append)
    blow()
    time.sleep(0.2)
    executor.close()
    assert (folder / "tidied").exists() and not alive(found[0].body, "")


@forked
def test_a_server_that_cannot_begin_again_is_done_without(tasks, monkeypatch):
    with closing(Local(1)) as executor:
        *_, server = looked(executor, tasks)
        monkeypatch.setattr("multiprocessing.forkserver.ensure_running", lambda: Path("/nowhere").stat())
        executor.submit(2, tasks.Exit(9))
        assert gathered(executor, 1)[-1].kind == "died"
        *_, parent = looked(executor, tasks)
        assert parent == os.getpid() != server, "each imports for itself"


@forked
def test_without_a_place_for_its_socket_each_process_imports_for_itself(tasks, tmp_path):
    (tmp_path / ("long" * 25)).mkdir()
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "import tasks_of_tests as tasks\n"
        "from lnlbench.benchmark.sweep.executors.local import Local\n"
        "executor, found = Local(1), []\n"
        "executor.submit(1, tasks.Count(1))\n"
        "while len(found) < 2: executor.step(found.append)\n"
        "executor.close(); print([message.kind for message in found])\n"
    )
    (tmp_path / "program.py").write_text(
        f"if __name__ == '__main__':\n    {program.strip().replace(chr(10), chr(10) + '    ')}"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path / ("long" * 25))}
    command = [sys.executable, tmp_path / "program.py", tmp_path]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "['said', 'ended']\n"


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


LOST = """
import time
from lnlbench.benchmark.sweep.executors.interrupts import repeat_ignored
from lnlbench.benchmark.sweep.executors.local import _interrupt

class Lost:
    def __del__(self):
        raise KeyboardInterrupt

repeat_ignored(_interrupt)
try:
    Lost()  # Python raises nothing of it
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_that_python_ignores_comes_again():
    done = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("interrupted\n", "")
