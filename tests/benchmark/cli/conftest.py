"""The command line in this process, stores to show, plug-ins, and what a mistake looks like."""

import sys

import pytest

from lnlbench.benchmark.cli import app as cli
from lnlbench.methods import _registry as registry

NOISY = "digits/symmetric-0.4"


@pytest.fixture
def lnlbench(monkeypatch, capfd):
    """Call the command line in this process: exit code, standard output, standard error."""
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)  # pytest's own handlers stay
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # put back after the test
    monkeypatch.setenv("COLUMNS", "300")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["lnlbench", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        return exit_.value.code or 0, *capfd.readouterr()

    return call


@pytest.fixture
def stored(url, monkeypatch):
    """The URL of a fresh store that the command line finds by itself."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    return url


@pytest.fixture(scope="session")
def filled(template, tmp_path_factory):
    """The URL of a store with two methods and a reading, two replicates, and a run of another length; only to read."""
    from lnlbench.benchmark import run

    file = tmp_path_factory.mktemp("filled") / "mlflow.db"
    file.write_bytes(template.read_bytes())
    how = {"tracking_uri": f"sqlite:///{file}", "device": "cpu", "epochs": 3}
    run(NOISY, "ce, gce + early_stopping", "0-1", **how)
    run(NOISY, "ce", "0", length="full", **how)
    return f"sqlite:///{file}"


@pytest.fixture
def plugin_of(tmp_path, monkeypatch):
    """Write a plug-in; what it registers is forgotten after the test."""
    monkeypatch.setattr(registry, "_METHODS", dict(registry.methods()))

    def write(text):
        path = tmp_path / "plugin.py"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def one_line():
    """Check that an answer is a mistake: exit code 2, nothing on standard output, one line with the message."""

    def check(answer, message):
        code, out, err = answer
        assert (code, out) == (2, ""), err
        assert message in err
        assert err.startswith("lnlbench: ") and err.count("\n") == 1 and err.endswith("\n"), err

    return check
