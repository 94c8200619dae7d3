"""The executor of one machine: long-lived processes that do one task after another, replaced when they die."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from lnlbench.benchmark.sweep.executors.base import PATIENCE, Message, Task
from lnlbench.benchmark.sweep.executors.interrupts import repeat_ignored
from lnlbench.leaderboard.results.errors import StoreError

ENDING = [signal.SIGINT, signal.SIGTERM]
GRACE = 20.0  # seconds that a process has to give its claims back
START = "forkserver" if sys.platform == "linux" else "spawn"
"""How processes start. On Linux they are forked from a server that has imported once and done nothing else: Python has
one for all that a program starts so, and where the program has begun it before, each imports for itself. Elsewhere
what was imported may not outlive a fork."""
UNTOLD = 255
"""The exit code of a process whose server was killed, and could not tell."""
PRELOADED = "lnlbench.benchmark.sweep.executors.preloaded"


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    ticket: int | None = None  # of the task that it works on


class Local:
    """Processes on this machine, each started when it is first needed.

    Args:
        slots: processes.
        parents: whether tasks start processes of their own, as loaders of data do; those end with the task's process.
        grace: seconds that a process has to end.
    """

    def __init__(self, slots: int, *, parents: bool = False, grace: float = GRACE) -> None:
        self.slots, self._parents, self._grace = slots, parents, grace
        self._workers: list[_Worker] = []
        self._context: Any = multiprocessing.get_context(START)
        self._serve()  # it imports while this process goes on

    def submit(self, ticket: int, task: Task) -> None:
        """Hand a task to an idle process, or to a new one."""
        while True:
            worker = next((one for one in self._workers if one.ticket is None), None) or self._start()
            try:
                worker.pipe.send((ticket, task))
            except OSError:  # it died while it was idle
                self._discard(worker)
                continue
            worker.ticket = ticket
            return

    def step(self, note: Callable[[Message], None]) -> None:
        """Note what processes have sent, one message of each, and which have died."""
        busy = {worker.pipe: worker for worker in self._workers if worker.ticket is not None}
        for pipe in wait(list(busy), PATIENCE):
            worker = busy[pipe]  # type: ignore[index]
            try:
                message: Message = worker.pipe.recv()
            except (EOFError, OSError):  # ended, or killed in the middle of a message
                assert worker.ticket is not None
                code = self._discard(worker)
                message = Message(worker.ticket, "died", f"exit code {code}")
            if message.kind == "ended":
                worker.ticket = None
            note(message)

    def close(self) -> None:
        """End all processes; those that work on a run mark it as killed and give its claim back."""
        for worker in self._workers:
            worker.process.terminate()
        while self._workers:
            self._discard(self._workers[-1])

    @property
    def _forks(self) -> bool:
        return bool(self._context.get_start_method() == "forkserver")

    def _serve(self) -> None:
        """Begin the server of forks, where there is to be one, and unless it runs or has no place for its socket."""
        if not self._forks:
            return
        self._context.set_forkserver_preload([PRELOADED])
        resource_tracker.ensure_running()  # which the next line would begin, and let signals through again
        try:
            with _held_back():
                forkserver.ensure_running()
        except OSError:  # a long TMPDIR, or a file system without sockets
            self._context = multiprocessing.get_context("spawn")

    def _start(self) -> _Worker:
        self._serve()
        # A pipe each: of a queue that all share, one that is killed may take the lock with it for ever.
        ours, theirs = self._context.Pipe()
        arguments = theirs, self._parents, dict(os.environ)
        process = self._context.Process(target=_work, args=arguments, daemon=not self._parents)
        # A forked one holds signals back as its server does; this waits until that has imported, and may be broken off.
        with contextlib.nullcontext() if self._forks else _held_back():
            process.start()
        theirs.close()  # so that the worker's own end is the last one, and its death the end of the pipe
        self._workers.append(_Worker(process, ours))
        return self._workers[-1]

    def _discard(self, worker: _Worker) -> int | None:
        self._workers.remove(worker)
        worker.process.join(self._grace)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        elif worker.process.exitcode == UNTOLD and worker.process.pid and not _ended(worker.pipe, self._grace):
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.process.pid, signal.SIGKILL)
        if self._parents and worker.process.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # its group is empty, or was never made
                os.killpg(worker.process.pid, signal.SIGKILL)
        worker.pipe.close()
        return worker.process.exitcode


def _ended(pipe: Connection, patience: float) -> bool:
    """Wait until a process has let go of its end of a pipe; whether it has."""
    end = time.monotonic() + patience
    while wait([pipe], max(0.0, end - time.monotonic())):
        try:
            pipe.recv_bytes()
        except (EOFError, OSError):
            return True
    return False


@contextmanager
def _held_back() -> Iterator[None]:
    """Start processes that Ctrl-C and the end of a group do not reach: it is this one's to end them, in order and once.

    A worker lets SIGTERM through where it is ready for it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # a mask is inherited, and loses no signal here
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection, parents: bool, environment: Mapping[str, str]) -> None:
    """Do the tasks that come through a pipe, until it is closed or the process is told to end."""
    os.environ.clear()  # the server's is from when it began; what is read at import stays as it was then
    os.environ.update(environment)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # whoever has begun the server
    if parents:
        os.setpgrp()  # what it starts is in its group, by which it is found

    import torch

    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)  # see engine/threads.py
    try:
        repeat_ignored(_interrupt)
        signal.signal(signal.SIGTERM, _interrupt)  # the run is marked as killed, its claim given back
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])  # held back since the server began
        while True:
            ticket, task = pipe.recv()
            try:
                task(lambda body, ticket=ticket: pipe.send(Message(ticket, "said", body)))
            except StoreError as error:
                pipe.send(Message(ticket, "broken", str(error)))
            pipe.send(Message(ticket, "ended"))
    except (KeyboardInterrupt, EOFError, BrokenPipeError):
        pass  # the parent got it too, and reports
    except Exception:
        traceback.print_exc(file=sys.stderr)
        os._exit(1)
    finally:
        _ignore_signals()  # it ends in any case


def _interrupt(number: int, frame: object) -> None:
    _ignore_signals()  # once: a second would break off what the first one began
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, signal.SIG_IGN)


def _end_with_parent() -> None:
    """End this worker when its parent is killed: its claim expires, and nobody would see it go on."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
