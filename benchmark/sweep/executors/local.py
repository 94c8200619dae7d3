"""The executor of one machine: long-lived processes that do one task after another, replaced when they die."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from lnlbench.benchmark.sweep.executors.base import PATIENCE, Message, Task
from lnlbench.leaderboard.results.errors import StoreError

GRACE = 20.0  # seconds that a process has to give its claims back


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    ticket: int | None = None  # of the task that it works on


class Local:
    """Processes on this machine, each started when it is first needed: importing torch takes seconds.

    Args:
        slots: processes.
        parents: whether tasks start processes of their own, as loaders of data do; those end with the task's process.
        grace: seconds that a process has to end.
    """

    def __init__(self, slots: int, *, parents: bool = False, grace: float = GRACE) -> None:
        self.slots, self._parents, self._grace = slots, parents, grace
        self._workers: list[_Worker] = []

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

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        # A pipe each: of a queue that all share, one that is killed may take the lock with it for ever.
        ours, theirs = context.Pipe()
        threads = max(1, (os.cpu_count() or 1) // self.slots)
        process = context.Process(target=_work, args=(theirs, threads, self._parents), daemon=not self._parents)
        with _without_interrupts():
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
        if self._parents and worker.process.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # its group is empty, or was never made
                os.killpg(worker.process.pid, signal.SIGKILL)
        worker.pipe.close()
        return worker.process.exitcode


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: it is this one's to end them, in order and once."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # a mask is inherited, and loses no signal here
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection, threads: int, parents: bool) -> None:
    """Do the tasks that come through a pipe, until it is closed or the process is told to end."""
    if parents:
        os.setpgrp()  # what it starts is in its group, by which it is found

    import torch

    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    try:
        signal.signal(signal.SIGTERM, _interrupt)  # the run is marked as killed, its claim given back
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
    """Return a worker whose parent was killed must not go on unseen; its claim expires with it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
