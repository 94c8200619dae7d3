"""The tutorial's commands do what the page says, in the order of the page."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "new-method.md"
COMMANDS = re.findall(r"^\$ (lnlbench .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def edit(file):
    """Do with the new file what the page says."""
    (lines,) = re.findall(r"^```python\n(.*?)```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    text, count = re.subn(r"^        per_class = .*\n", lambda _: lines, file.read_text(), flags=re.MULTILINE)
    assert count == 1
    file.write_text(text)


@pytest.mark.slow
def test_the_commands_of_the_page_run(tmp_path, monkeypatch, template):
    monkeypatch.setenv("LNLBENCH_HOME", str(tmp_path))
    (tmp_path / "mlflow.db").write_bytes(template.read_bytes())
    commands = [line for line in COMMANDS if "mnist" not in line]  # ten epochs of MNIST take minutes
    assert [line.split()[1] for line in commands] == ["new-method", "check", "compare", "run", "leaderboard"]
    shown = {}
    for line in commands:
        command = [sys.executable, "-m", "lnlbench.benchmark.cli", *shlex.split(line)[1:]]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        shown[line.split()[1]] = done.stdout
        if line.split()[1] == "new-method":
            edit(tmp_path / "my_loss.py")
    assert "no fault" in shown["check"]
    assert "Holm" in shown["compare"] and "my_loss" in shown["compare"]
    assert "the same scores" not in shown["compare"], "it is not GCE any more"
    assert shown["run"].startswith("0 runs made, 8 stored before")
    assert "my_loss" in shown["leaderboard"]


def test_the_store_shows_it_under_the_name_of_the_page():
    from lnlbench.leaderboard.store.naming import cell_name

    assert cell_name("my_loss", "symmetric-0.4") == "my_loss sym-0.4"
    assert f"`{cell_name('my_loss', 'symmetric-0.4')}`" in PAGE.read_text(encoding="utf-8")
