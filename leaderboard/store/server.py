"""MLflow's server: start a lean one on this machine, and find out whether one answers."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from lnlbench.leaderboard.results.errors import StoreAway, StoreError, one_line
from lnlbench.leaderboard.store import database

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def check_server(uri: str, timeout: float | None = None) -> None:
    """Return if an MLflow server answers at the URI.

    Raises:
        StoreAway: nothing answers within so many seconds, by default those of `contact`.
        StoreError: something else does.
    """
    limit, error = database.contact() if timeout is None else timeout, StoreError
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=limit) as answer:  # http(s) alone: see the caller
            if answer.status == 200:
                return
            reason = f"status {answer.status}"
    except urllib.error.HTTPError as failed:
        reason = f"status {failed.code}"
        error = StoreAway if failed.code in (502, 503, 504) else StoreError
    except OSError as failed:  # URLError, which wraps a timeout of the connection, and that of the answer
        error, cause = StoreAway, getattr(failed, "reason", failed)
        late = f"no answer within {limit:g} s (${database.CONTACT_VARIABLE} sets the limit)"
        reason = late if isinstance(cause, TimeoutError) else one_line(failed)
    except ValueError as failed:  # a malformed URI
        reason = one_line(failed)
    reason = reason.removeprefix("<urlopen error ").removesuffix(">")
    raise error(f"no MLflow server answers at {database.shown(uri)}: {reason}; start it, or use a local store")


def serve(
    uri: str, artifacts: Path, host: str = "127.0.0.1", port: int = 5000, wait: float = 180.0
) -> "subprocess.Popen[bytes]":
    """Start `mlflow server` on a database, for this machine only, and return when it answers.

    The caller ends it with `terminate()`. It runs without MLflow's job processes and telemetry, with one worker.

    Args:
        uri: of the database.
        artifacts: the folder of the store's files.
        host: an address of this machine.
        port: a free one.
        wait: seconds within which it must answer.

    Raises:
        StoreError: the host is not this machine, the port is taken, or the server does not answer in time.
    """
    if host not in _LOOPBACK:
        raise StoreError(f"the server has no password and listens on this machine alone: 127.0.0.1, not {host!r}")
    _check_port(host, port)
    options = {
        "--artifacts-destination": artifacts.as_uri(),
        "--host": host,
        "--port": str(port),
        "--workers": "1",
    }
    command = [sys.executable, "-m", "mlflow", "server", *(word for pair in options.items() for word in pair)]
    more = {
        "MLFLOW_BACKEND_STORE_URI": uri,  # its password would be read by everybody on a command line
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            env=os.environ | more,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=artifacts.parent,
        )
        address, deadline = f"http://{'[::1]' if host == '::1' else host}:{port}", time.monotonic() + wait
        while time.monotonic() < deadline and process.poll() is None:
            try:
                check_server(address, timeout=1.0)
            except StoreError:
                time.sleep(0.2)
                continue
            return process
        process.terminate()
        process.wait()
        log.seek(0)
        last = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()][-1:]
    said = one_line(OSError(last[0])) if last else "it said nothing"
    raise StoreError(f"the MLflow server did not start within {wait:g} s: {said}")


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise StoreError(f"port {port} cannot be used: {one_line(error)}; choose another") from error
