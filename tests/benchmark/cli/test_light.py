"""Commands that train nothing load nothing heavy: what they import decides how fast they answer."""

import os
import subprocess
import sys

import pytest

LOADED = """
import sys
from lnlbench.benchmark.cli.app import main
sys.argv[:] = ["lnlbench", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
heavy = {"torch", "timm", "mlflow", "optuna", "datasets", "sklearn", "pandas", "matplotlib", "pyarrow"}
print("loaded:", sorted(heavy & set(sys.modules)))
"""


def test_the_command_line_itself_needs_no_arrays():
    said = "import sys, lnlbench.benchmark.cli.app; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], capture_output=True, text=True).stdout == "False\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["leaderboard", "mnist-fast", "--from", "shipped"], id="leaderboard of the package"),
        pytest.param(["leaderboard"], id="leaderboard"),
        pytest.param(["show", "ce", "digits/clean", "0"], id="show"),
        pytest.param(["export", "out.jsonl.xz"], id="export"),
        pytest.param(["list", "settings"], id="settings"),
        pytest.param(["list", "suites"], id="suites"),
        pytest.param(["list", "datasets"], id="data sets"),
        pytest.param(["--help"], id="help"),
    ],
)
def test_looking_loads_nothing_heavy(words, tmp_path):
    home = os.environ | {"LNLBENCH_HOME": str(tmp_path)}
    command = [sys.executable, "-c", LOADED, *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=home, check=True)
    assert done.stdout.endswith("loaded: []\n"), done.stdout[-300:]


@pytest.mark.slow
def test_lists_load_torch_once(tmp_path):
    home = os.environ | {"LNLBENCH_HOME": str(tmp_path)}
    loaded = []
    for words in (["list", "methods"], ["list", "methods"], ["new-method", "my_loss"], ["study", "list"]) * 2:
        command = [sys.executable, "-c", LOADED, *words]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=home, check=True)
        loaded.append(done.stdout.splitlines()[-1])
    assert loaded == ["loaded: ['torch']", "loaded: []", "loaded: []", "loaded: ['torch']", *["loaded: []"] * 4]
    assert (tmp_path / "my_loss.py").is_file()
