"""A mistake is one line and exit code 2."""

import pytest

from lnlbench.benchmark.bench.gpu.__main__ import main


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(
            ["--only", "cells"], "error: no part's name begins with 'cells'; known: machine, equal,", id="group"
        ),
        pytest.param(["--out", "file"], "error: file cannot be written: File exists", id="folder"),
        pytest.param(["--budget", "0"], "argument --budget: a budget is at least one second, but got 0", id="budget"),
    ],
)
def test_a_mistake_is_one_line(words, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    try:
        code = main(["--device", "cpu", *words])
    except SystemExit as ended:  # of argparse
        code = ended.code
    said = capsys.readouterr().err
    assert code == 2 and told in said.splitlines()[-1]
