"""A killed run that goes on from its checkpoint is the run that was never killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from lnlbench.benchmark.engine import checkpoint
from lnlbench.leaderboard.store.store import Store

TIMED = ("seconds_train", "seconds_evaluate")
COMMAND = (
    "run",
    "digits/symmetric-0.4",
    "-m",
    "elr + sam",
    "-s",
    "0",
    "--epochs",
    "40",
    "--jobs",
    "1",
    "--device",
    "cpu",
)


def command(home, *more):
    environment = os.environ | {"LNLBENCH_HOME": str(home), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "lnlbench.benchmark.cli", *COMMAND, *more]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result_at(home):
    store = Store(f"sqlite:///{home / 'mlflow.db'}")
    (result,) = store.results()
    return result


def test_killed_and_resumed_equals_uninterrupted_bit_for_bit(tmp_path):
    whole = command(tmp_path / "whole")
    _, errors = whole.communicate(timeout=300)
    assert whole.returncode == 0, errors
    killed = command(tmp_path / "killed", "--checkpoint-every", "3")
    folder, deadline = tmp_path / "killed" / "checkpoints", time.monotonic() + 200
    while not list(folder.glob("*.pt")) and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    (kept,) = folder.glob("*.pt")
    begun = checkpoint.load(kept)["state"]["epoch"]
    assert 0 < begun < 40
    again = command(tmp_path / "killed", "--checkpoint-every", "3")
    _, errors = again.communicate(timeout=300)
    assert again.returncode == 0, errors
    first, second = result_at(tmp_path / "whole"), result_at(tmp_path / "killed")
    assert first.predictions == second.predictions
    for name in first.curves.keys() - set(TIMED):
        assert first.curves[name] == second.curves[name], name
    assert not list(folder.glob("*.pt"))  # nothing is left behind


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut off"])
def test_a_damaged_checkpoint_is_dropped(content, tmp_path):
    path = tmp_path / "run.pt"
    path.write_bytes(content)
    assert checkpoint.load(path) is None
    assert not path.exists()


def test_a_checkpoint_with_code_in_it_is_not_run(tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "evil"),)

    path = tmp_path / "run.pt"
    path.write_bytes(pickle.dumps(Evil()))
    assert checkpoint.load(path) is None
    assert not (tmp_path / "evil").exists()
