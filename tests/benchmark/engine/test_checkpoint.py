"""A killed run that goes on from its checkpoint is the run that was never killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import types
import zipfile

import pytest
import torch

from lnlbench.benchmark import Job, fit
from lnlbench.benchmark.engine import checkpoint
from lnlbench.benchmark.engine.checkpoint import CheckpointWarning
from lnlbench.benchmark.protocol.settings import setting
from lnlbench.benchmark.runs.training import Checkpoints
from lnlbench.benchmark.sweep.grid import plan
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import sweep
from lnlbench.datasets.loading.images import load
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.claims import ClaimLost
from lnlbench.leaderboard.store.store import Store

TIMED = ("seconds_train", "seconds_evaluate")
RUN = ("digits/symmetric-0.4", "elr + sam", "0")
EPOCHS, EVERY = 40, 3


def command(home):
    """Start the run in a process of its own, which may be killed."""
    environment = os.environ | {"LNLBENCH_HOME": str(home), "OMP_NUM_THREADS": "1"}
    words = ["run", RUN[0], "-m", RUN[1], "-s", RUN[2], "--epochs", str(EPOCHS), "--checkpoint-every", str(EVERY)]
    program = [sys.executable, "-m", "lnlbench.benchmark.cli", *words, "--jobs", "1", "--device", "cpu"]
    return subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_killed_and_resumed_equals_uninterrupted_bit_for_bit(tmp_path, template, monkeypatch):
    def made(home, **how):
        monkeypatch.setenv("LNLBENCH_HOME", str(tmp_path / home))
        options = Options(store=store_address(f"sqlite:///{tmp_path / home / 'mlflow.db'}"), device="cpu", **how)
        planned = plan([setting(RUN[0]).override(epochs=EPOCHS)], [RUN[1]], [int(RUN[2])])
        assert len(sweep(planned, options).done) == 1
        with Store(options.store) as store:
            (result,) = store.results()
        return result

    for home in ("whole", "killed"):
        (tmp_path / home).mkdir()
        shutil.copy(template, tmp_path / home / "mlflow.db")
    whole = made("whole")
    killed = command(tmp_path / "killed")
    folder, deadline = tmp_path / "killed" / "checkpoints", time.monotonic() + 200
    while not list(folder.rglob("*.pt")) and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    (kept,) = folder.rglob("*.pt")
    begun = checkpoint.load(kept)["state"]["epoch"]
    assert 0 < begun < EPOCHS
    again = made("killed", checkpoint_every=EVERY)
    assert again.predictions == whole.predictions
    for name in whole.curves.keys() - set(TIMED):
        assert again.curves[name] == whole.curves[name], name
    assert not list(folder.rglob("*.pt"))  # nothing is left behind


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut off"])
def test_a_damaged_checkpoint_is_kept_and_said_once(content, tmp_path):
    path = tmp_path / "run.pt"
    for name in ("run.pt.unreadable", "run.pt.unreadable1"):
        path.write_bytes(content)
        with pytest.warns(CheckpointWarning, match=f"the run begins anew, the file is kept as {name}$"):
            assert checkpoint.load(path) is None
        assert (tmp_path / name).read_bytes() == content
        assert checkpoint.load(path) is None, "and nothing more is said"


def test_a_checkpoint_with_code_in_it_is_not_run(tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "evil"),)

    path = tmp_path / "run.pt"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.warns(CheckpointWarning):
        assert checkpoint.load(path) is None
    assert not (tmp_path / "evil").exists()


def test_whoever_has_lost_a_run_writes_no_checkpoint(tmp_path, train_run):
    def lost(run, epoch, numbers):
        raise ClaimLost("another process has it")

    with pytest.raises(ClaimLost):
        train_run(*member(4), checkpoints=Checkpoints(tmp_path, 1), watch=lost)
    assert not list(tmp_path.glob("*.pt"))


@pytest.fixture
def halfway():
    """A job of four epochs, and its epochs after the second of which it is interrupted."""
    run, prepared = member(4)
    job = Job(run.setting, run.method, 0, prepared.split)
    epochs, states = [], []
    for epoch in fit(job, device="cpu"):
        epochs.append(epoch)
        states.append(epoch.state())
    return job, epochs, states[1]


def member(epochs, method="elr + sam"):
    (run,) = plan([setting("digits/symmetric-0.4").override(epochs=epochs)], [method], [0])
    return run, run.prepare(load("digits"))


def test_a_checkpoint_names_no_class_of_ours(tmp_path, halfway):
    job, epochs, state = halfway
    checkpoint.save(tmp_path / "run.pt", {"state": state})
    with zipfile.ZipFile(tmp_path / "run.pt") as file:
        pickled = file.read(next(name for name in file.namelist() if name.endswith("data.pkl")))
    assert b"lnlbench" not in pickled
    rest = list(fit(job, device="cpu", state=checkpoint.load(tmp_path / "run.pt")["state"]))
    assert [epoch.loss for epoch in rest] == [epoch.loss for epoch in epochs[2:]]


@pytest.mark.parametrize("module", ["lnlbench.benchmark.optimiser", "lnlbench.benchmark.engine.optimisers"])
def test_an_older_checkpoint_is_read_by_the_names_of_then(tmp_path, monkeypatch, halfway, module):
    """Its optimiser and its history were pickled by the modules that they lay in."""
    job, epochs, state = halfway
    older = types.ModuleType(module)
    older.OptimiserState = type("OptimiserState", (), {"__module__": module})
    made = older.OptimiserState()
    vars(made).update(vars(state["optimiser"]))
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, module, older)
        torch.save({"state": {**state, "optimiser": made}, "values": {}}, tmp_path / "run.pt")
    assert module.encode() in (tmp_path / "run.pt").read_bytes()
    rest = list(fit(job, device="cpu", state=checkpoint.load(tmp_path / "run.pt")["state"]))
    assert [epoch.loss for epoch in rest] == [epoch.loss for epoch in epochs[2:]]


@pytest.mark.parametrize("pays", [True, False])
def test_an_older_checkpoint_is_used_where_it_was_surely_fp32(tmp_path, halfway, pays):
    """Earlier versions kept in the home what `auto` meant there, and nothing in the checkpoint."""
    run, _ = member(4)
    kept = Checkpoints(tmp_path / "checkpoints", 1)
    predictions = torch.zeros(2, 1, 5, dtype=torch.uint8)
    checkpoint.save(kept._path(run), {"state": halfway[2], "values": {}, "predictions": predictions})
    (tmp_path / "bf16-0123456789ab.json").write_text(json.dumps({"pays": pays}, indent=1))
    if pays:
        with pytest.warns(CheckpointWarning, match="from before checkpoints named their precision"):
            state, curves = kept.load(run)
        assert state is None and curves.epochs == 0
    else:
        state, curves = kept.load(run)
        assert state["epoch"] == 2 and curves.epochs == 2


def test_a_checkpoint_from_before_stores_had_folders_is_used_by_the_first_that_goes_on(tmp_path, halfway):
    run, _ = member(4)
    predictions = torch.zeros(2, 1, 5, dtype=torch.uint8)
    content = {"state": halfway[2], "values": {}, "predictions": predictions, "precision": "fp32"}
    checkpoint.save(tmp_path / f"{run.key}.pt", content)
    one, two = (Checkpoints(tmp_path, 1, store) for store in ("one", "two"))
    assert one.load(run)[0]["epoch"] == one.load(run)[0]["epoch"] == 2
    two.clear([run.key])
    assert two.load(run)[0] is None and one.load(run)[0]["epoch"] == 2
    one.drop(run)
    assert not list(tmp_path.rglob("*.pt"))


@pytest.mark.parametrize("done", ["drop", "clear"])
def test_what_a_killed_process_left_of_a_checkpoint_goes_once_the_run_is_finished(tmp_path, done):
    run, _ = member(4)
    kept = Checkpoints(tmp_path, 1, "one")
    half, other = (tmp_path / "one" / f".{key}.pt.7f9abf05" for key in (run.key, "0" * 32))
    half.parent.mkdir()
    for path in (half, other):
        path.write_bytes(b"half of it")
    kept.drop(run) if done == "drop" else kept.clear([run.key])
    assert not half.exists() and other.exists(), "another run may be writing its own"
