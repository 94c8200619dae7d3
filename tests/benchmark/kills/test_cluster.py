"""A Ray cluster of two nodes on this machine: in mid-sweep a worker of one is killed, then the whole other one."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.processes import this_host

PATIENT = 600  # seconds
TARGET, METHODS, EPOCHS = "digits/symmetric-0.4", "ce, gce, early_stopping", 60


@pytest.fixture
def cluster():
    """The address of a cluster, the raylets of its two nodes, and the environment of whoever is to know its token."""
    pytest.importorskip("ray", reason="needs Ray: pip install '.[ray]'")
    more = {"AUTH_MODE": "token", "AUTH_TOKEN": secrets.token_hex(32), "USAGE_STATS_ENABLED": "0"}
    environment = {f"RAY_{name}": value for name, value in more.items()}
    command = [sys.executable, Path(__file__).with_name("ray_cluster.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=os.environ | environment) as process:
        yield *json.loads(process.stdout.readline()), environment
        process.stdin.close()


def workers(raylet):
    """The processes that a raylet has started."""
    return [int(pid) for pid in Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split()]


@pytest.mark.slow
def test_a_sweep_outlives_a_worker_and_a_machine(cluster, commands, look, postgres_url, tmp_path):
    address, head, other, environment = cluster
    words = ["run", TARGET, "-m", METHODS, "-s", "0-1", "--epochs", EPOCHS, "--device", "cpu", "--quiet"]
    words += ["--tracking-uri", postgres_url, "--jobs", "2", "--executor", "ray", "--ray-address", address]
    command = commands.start(words, this_host(), tmp_path, **environment)
    left, store, deadline = [head, other], look(postgres_url), time.monotonic() + PATIENT
    while not command.ended:
        assert time.monotonic() < deadline, command.output
        doomed = left and set(workers(left[0])) & set(store.at_work())
        if doomed:
            for pid in [other, *workers(other)] if left.pop(0) == other else doomed:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    assert command.code == 0 and not left, command.output
    options = Options(store=store_address(postgres_url), device="cpu")
    store.assert_whole([run.key for run in grid([TARGET], METHODS, "0-1", {"epochs": EPOCHS}, options)])
