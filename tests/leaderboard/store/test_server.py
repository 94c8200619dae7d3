"""A real MLflow server on a store: it shows what was written, and takes runs over HTTP."""

import socket
import subprocess
import sys

import pytest

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store.server import serve
from lnlbench.leaderboard.store.store import Store


@pytest.fixture
def port():
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
def test_runs_reach_a_server_and_come_back(store, port, make, info_of, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("LNLBENCH_HOME", str(tmp_path / "home"))
    with store.begin(info_of(make())) as recording:
        recording.finish(make())
    process = serve(store.uri, store.artifacts, port=port)
    try:
        remote = Store(f"http://127.0.0.1:{port}/")
        assert [result.label for result in remote.results()] == ["ce"]
        other = make(label="gce", dataset="mnist", setting="mnist/clean", noise="clean")
        assert remote.claim(other.key, "me")
        with remote.begin(info_of(other), owner="me") as recording:
            recording.log({"test_accuracy": 0.5}, 0)
            recording.finish(other, {"plots/a.svg": "<svg/>"})
        assert remote.results("mnist") == [other]
        assert (tmp_path / "home" / "claims.db").exists()
        with pytest.raises(StoreError, match=rf"port {port} cannot be used"):
            serve(store.uri, store.artifacts, port=port)
        remote.close()
    finally:
        process.terminate()
        process.wait()
    assert capfd.readouterr() == ("", "")
    assert store.results("mnist") == [other]


def test_a_password_is_on_no_command_line_and_in_no_message(port, monkeypatch, tmp_path):
    begun, started = [], subprocess.Popen

    def popen(command, *, env, stdout, **more):
        begun.append((command, env))
        words = [sys.executable, "-c", "print('cannot reach postgresql://me:secret@127.0.0.1:9/x')"]
        return started(words, env=env, stdout=stdout, **more)

    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(StoreError, match=r"cannot reach postgresql://127\.0\.0\.1:9/x") as caught:
        serve("postgresql://me:secret@127.0.0.1:9/x", tmp_path / "artifacts", port=port, wait=30)
    ((command, env),) = begun
    assert not any("secret" in word for word in command) and "secret" not in str(caught.value)
    assert env["MLFLOW_BACKEND_STORE_URI"] == "postgresql://me:secret@127.0.0.1:9/x"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.org"])
def test_the_server_is_for_this_machine_alone(store, host):
    with pytest.raises(StoreError, match="this machine alone"):
        serve(store.uri, store.artifacts, host=host)


@pytest.mark.slow
def test_a_server_that_does_not_start_says_why(store, port, monkeypatch):
    monkeypatch.setattr(store, "uri", "sqlite:////proc/none/mlflow.db")
    with pytest.raises(StoreError, match="did not start within") as caught:
        serve(store.uri, store.artifacts, port=port, wait=30)
    assert "\n" not in str(caught.value)
