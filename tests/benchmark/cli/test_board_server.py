"""The board is served on loopback beside MLflow, and is made anew when there are more runs."""

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from lnlbench.benchmark.cli.board_server import BoardServer


def read(address):
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read().decode()


def test_the_page_is_made_when_it_is_asked_for_and_when_there_is_more():
    stored, made = [1], []
    server = BoardServer(lambda: stored[0], lambda: made.append(1) or f"page {len(made)}")
    try:
        assert made == []
        assert [read(server.address), read(server.address)] == ["page 1", "page 1"]
        stored[0] = 2
        assert read(server.address) == "page 2"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            read(f"{server.address}etc/passwd")
        assert server.address.startswith("http://127.0.0.1:")
    finally:
        server.close()


def test_a_port_is_taken_where_it_is_free():
    first = BoardServer(lambda: 1, lambda: "one")
    port = int(first.address.rpartition(":")[2].strip("/"))
    second = BoardServer(lambda: 1, lambda: "two", port)
    try:
        assert second.address != first.address and read(second.address) == "two"
        first.close()
        third = BoardServer(lambda: 1, lambda: "three", port)
        assert third.address == first.address and read(third.address) == "three"
        third.close()
    finally:
        second.close()


@pytest.mark.slow
def test_ui_serves_the_board_and_mlflow_until_it_is_interrupted(tmp_path, template):
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    (tmp_path / "mlflow.db").write_bytes(template.read_bytes())
    program = [sys.executable, "-m", "lnlbench.benchmark.cli"]
    run = ["run", "digits/clean", "-m", "ce", "-s", "0", "--epochs", "1", "--tracking-uri", uri]
    subprocess.run([*program, *run], check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*program, "ui", "--no-browser", "--port", str(port), "--tracking-uri", uri]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        lines = []
        while not (lines and lines[-1].startswith("Ctrl-C")):
            lines.append(process.stdout.readline())
            assert lines[-1], "".join(lines)
        page = read(lines[0].rpartition(" ")[2].strip())
        assert "Learning with noisy labels" in page
        assert f"http://127.0.0.1:{port}/#/experiments/" in page and "workflowType=machine_learning" in page
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:  # MLflow's workers end after their parent
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)):
                    return
            time.sleep(0.2)
        raise AssertionError("MLflow still listens")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
