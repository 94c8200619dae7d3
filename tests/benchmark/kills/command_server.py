"""A process that has imported everything once and forks the command line: a command costs no start of an interpreter.

A script. Lines of JSON come in, and each is answered with one. Whatever is forked believes itself on a machine of the
name it is given, its claims have a short lease, and its clock, the database's own included, can be set.
"""

import gc
import json
import mmap
import multiprocessing
import os
import struct
import sys
import time
import traceback
from contextlib import suppress
from functools import partial
from types import SimpleNamespace

import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
import optuna.importance
import optuna.visualization.matplotlib  # noqa: F401
from sqlalchemy import Engine

from lnlbench.benchmark.cli.app import main
from lnlbench.benchmark.engine import trainer  # noqa: F401
from lnlbench.benchmark.sweep.executors import local
from lnlbench.benchmark.tuning import pipeline  # noqa: F401
from lnlbench.leaderboard.store import claims, database, leftovers, processes, store

LEASE = float(sys.argv[1])
STEP = mmap.mmap(-1, 8)  # seconds by which the clock was set, shared with all that is forked
INHERITED: list[object] = []
now, clock = time.time, database.clock


def step() -> float:
    return struct.unpack("d", STEP[:8])[0]


def pretend(machine: str) -> None:
    """Be a process of a machine with this name, a short lease and a clock that can be set."""
    processes.this_host = claims.this_host = lambda: machine
    store.Claims, leftovers.LEASE = partial(claims.Claims, lease=LEASE), LEASE
    time.time = lambda: now() + step()
    database.clock = lambda connection: clock(connection) + int(1000 * step())
    forking = {"get_context": lambda method: multiprocessing.get_context("fork")}  # workers too
    local.multiprocessing = SimpleNamespace(**vars(multiprocessing) | forking)
    os.register_at_fork(after_in_child=leave_connections)


def leave_connections() -> None:
    """Leave a command's connections to it: its workers open their own."""
    for engine in [found for found in gc.get_objects() if isinstance(found, Engine)]:
        INHERITED.append(engine.pool)  # never closed here
        engine.dispose(close=False)


def start(words: list[str], machine: str, environment: dict[str, str], log: str) -> int:
    """Fork `lnlbench WORDS` into a process group of its own; return its number."""
    if pid := os.fork():
        with suppress(OSError):  # of the two that set it one comes first
            os.setpgid(pid, pid)
        return pid
    code = 70
    try:
        os.setpgid(0, 0)
        for stream, flags in enumerate([os.O_RDONLY, os.O_WRONLY, os.O_WRONLY]):
            os.dup2(os.open(log if stream else os.devnull, flags | os.O_CREAT | os.O_APPEND), stream)
        os.environ.update(environment)
        pretend(machine)
        sys.argv = ["lnlbench", *words]
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ended(pid: int) -> int | None:
    """Return the exit code of a command, minus the signal that ended it; None while it runs."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def set_clock(by: float) -> None:
    """Set the clock of all forward by some seconds, or back."""
    STEP[:8] = struct.pack("d", step() + by)


def answer(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


answer("ready")
for line in sys.stdin:
    name, *arguments = json.loads(line)
    answer({"start": start, "ended": ended, "set_clock": set_clock}[name](*arguments))
