"""Which process this is, and whether another one on this machine still lives."""

import os
import socket
from functools import cache
from pathlib import Path
from typing import Any


def me() -> dict[str, Any]:
    """Return host, process number and start time of this process: together they name it for ever."""
    return {"host": this_host(), "pid": os.getpid(), "started": _status(os.getpid())[1]}


@cache
def this_host() -> str:
    """Name the machine as far as process numbers reach: host, boot and process namespace."""
    parts = [socket.gethostname()]
    for read in (_boot, _namespace):
        try:
            parts.append(read())
        except OSError:  # not Linux: the host's name must do
            continue
    return "/".join(parts)


def alive(pid: int, started: str) -> bool:
    """Say whether the process that had this number and start time still runs; in doubt, it does."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # someone else's process
        pass
    state, now_started = _status(pid)
    return state not in ("Z", "X") and (not started or not now_started or started == now_started)


def suspended(pid: int) -> bool:
    """Say whether a process is stopped (Ctrl-Z, SIGSTOP) and may go on later; False where the system does not tell."""
    return _status(pid)[0] in ("T", "t")


def _status(pid: int) -> tuple[str, str]:
    """Return state and start time in clock ticks, empty where the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "", ""
    fields = text.rpartition(")")[2].split()  # the name in parentheses may hold anything
    return fields[0], fields[19]


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]


def _namespace() -> str:
    return str(Path("/proc/self/ns/pid").readlink()).removeprefix("pid:[").removesuffix("]")
