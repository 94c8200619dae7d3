"""The program: help, version, errors of ours and of the machine, interruptions."""

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

from lnlbench.benchmark.cli import app as cli
from lnlbench.benchmark.cli import catalogue, display, output
from lnlbench.leaderboard.results.text import CONTROL


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--help"], ["run", "list", "leaderboard", "ui", "doctor"], id="all"),
        pytest.param(
            ["run", "--help"], ["--methods", "--replicates", "--epochs", "--set", "--dry-run", "--json"], id="run"
        ),
        pytest.param(["leaderboard", "--help"], ["--rule", "--format", "oracle"], id="leaderboard"),
        pytest.param(["list", "--help"], ["datasets", "models"], id="list"),
    ],
)
def test_help(lnlbench, arguments, words):
    code, out, err = lnlbench(*arguments)
    assert (code, err) == (0, "")
    assert [word for word in words if word not in out] == []


def test_brackets_are_no_markup(capfd):
    output.show(display.table([{"a": "/tmp/[bold]/x[/red]", "b": "[1]"}]))
    assert "/tmp/[bold]/x[/red]" in (out := capfd.readouterr().out) and "[1]" in out


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["table", "json"])
def test_no_name_commands_the_terminal(lnlbench, monkeypatch, more):
    rows = [{"name": "a\x1b]0;title\x07", "what": "\x9b2J =cmd()", "paper": "\u202e", "year": 2000}]
    monkeypatch.setattr(catalogue, "listing", lambda *arguments: rows)
    code, out, err = lnlbench("list", *more)
    assert (code, err) == (0, "") and CONTROL.search(out.replace("\n", "")) is None
    assert "1b]0;title" in out and "=cmd()" in out


def test_a_line_and_a_note_command_no_terminal(capfd):
    output.note("a\x1b[2J")
    output.show("b\x1b[2J\nc")
    assert tuple(capfd.readouterr()) == ("b\\x1b[2J\nc\n", "a\\x1b[2J\n")


def test_an_error_of_ours_is_a_traceback(lnlbench, monkeypatch):
    def broken(*arguments):
        raise ValueError("a bug")

    monkeypatch.setattr(catalogue, "listing", broken)
    monkeypatch.setattr(sys, "argv", ["lnlbench", "list"])
    with pytest.raises(ValueError, match="a bug"):
        cli.main()


def test_an_interruption(lnlbench, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(catalogue, "listing", interrupted)
    code, out, err = lnlbench("list")
    assert (code, out) == (130, "")
    assert err == "lnlbench: interrupted; what is finished is stored, and the same command goes on from there\n"


def program(*arguments, **options):
    command = [Path(sysconfig.get_path("scripts")) / "lnlbench", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    return done.returncode, done.stdout, done.stderr


LOST = """
import os, signal, time, weakref
from lnlbench.benchmark.cli import app

class Mortal:
    pass

def command(standalone_mode):
    mortal = Mortal()
    reference = weakref.ref(mortal, lambda _: (os.kill(os.getpid(), signal.SIGTERM), time.sleep(0.01)))
    del mortal  # Python raises nothing of the callback
    time.sleep(60)

app.app = command
app.main()
"""


def test_a_signal_that_python_ignores_ends_the_program():
    done = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, timeout=60, check=False)
    said = "lnlbench: interrupted; what is finished is stored, and the same command goes on from there\n"
    assert (done.returncode, done.stdout, done.stderr) == (cli.INTERRUPTED, "", said)


def test_the_program(one_line):
    code, out, err = program("list", "suites", "--json")
    assert (code, err) == (0, "") and "digits" in {row["suite"] for row in json.loads(out)}
    one_line(program("list", "suits"), "did you mean 'suites'?")
    code, out, err = program("--help")
    assert (code, err) == (0, "") and "learning with noisy labels" in out
    code, out, err = program()
    assert (code, err) == (2, "") and "leaderboard" in out


RUN = ("run", "digits/clean", "-m", "ce", "-s", "0", "--epochs", "1", "--jobs", "1", "--device", "cpu")


def as_nobody(*arguments):
    """Return the exit code of a command of somebody who may not write everything, in a process that has it imported."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        sys.argv = ["lnlbench", *arguments]
        cli.main()
    except SystemExit as done:
        code = done.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


@pytest.mark.slow
def test_a_store_that_cannot_be_written(lnlbench, one_line, template, monkeypatch, capfd):
    with tempfile.TemporaryDirectory() as name:
        good, closed = Path(name) / "good", Path(name) / "closed"
        for folder in (good, closed):
            folder.mkdir()
            (folder / "mlflow.db").write_bytes(template.read_bytes())
        Path(name).chmod(0o755)
        closed.chmod(0o555)
        monkeypatch.setenv("LNLBENCH_HOME", str(good))
        assert lnlbench(*RUN)[0] == 0  # imports all that another user may not be able to read
        monkeypatch.setenv("LNLBENCH_HOME", str(closed))
        code = as_nobody(*RUN)
        closed.chmod(0o755)
        assert [path.name for path in closed.iterdir()] == ["mlflow.db"]
    one_line((code, *capfd.readouterr()), f"{closed} cannot be written; set LNLBENCH_HOME to a folder that can")
