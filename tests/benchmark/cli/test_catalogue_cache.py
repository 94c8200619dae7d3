"""Lists that need torch are kept: the second call does without it, and an edited file renews them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lnlbench.benchmark
from lnlbench.benchmark.cli.catalogue_cache import kept

CALL = """
import sys
from lnlbench.benchmark.cli import app as cli
sys.argv[1:] = ["list", *sys.argv[1:], "--json"]
try:
    cli.main()
except SystemExit as done:
    assert not done.code, done.code
sys.stderr.write(str("torch" in sys.modules))
"""


@pytest.fixture
def copied(tmp_path):
    """A package of our files that may be edited, and a way to call its `list`: the rows, and whether torch came."""
    package = tmp_path / "site" / "lnlbench"
    for folder in ("benchmark", "datasets", "leaderboard", "methods"):
        source = Path(lnlbench.benchmark.__file__).parents[1] / folder
        shutil.copytree(source, package / folder, ignore=shutil.ignore_patterns("__pycache__", "*.xz"))
    env = {**os.environ, "PYTHONPATH": str(package.parent), "LNLBENCH_HOME": str(tmp_path / "home")}

    def call(*arguments):
        command = [sys.executable, "-c", CALL, *map(str, arguments)]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), done.stderr == "True"

    return package, call


@pytest.mark.slow
def test_methods_are_listed_without_torch_until_a_file_is_edited(copied):
    package, call = copied
    first, second = call("methods"), call("methods")
    assert first == (second[0], True) and second[1] is False
    file = package / "methods" / "gce.py"
    file.write_text(file.read_text().replace('"""Generalised', '"""Edited: generalised', 1).replace("0.7,", "0.6,", 1))
    rows, torch = call("methods")
    assert torch
    (row,) = [row for row in rows if row["method"].startswith("gce(")]
    assert row["method"] == "gce(q=0.6)" and row["what"].startswith("Edited: ")
    assert call("methods") == (rows, False)
    plugin = package.parent / "mine.py"
    plugin.write_text((package / "methods" / "gce.py").read_text().replace('"gce"', '"mine"'))
    assert "mine(q=0.6)" in [row["method"] for row in call("methods", "--plugin", plugin)[0]]
    assert call("methods") == (rows, False), "a plug-in is in no list but its own"


@pytest.mark.slow
def test_networks_are_listed_without_torch_too(copied):
    _, call = copied
    first, second = call("models"), call("models")
    assert first == (second[0], True) and second[1] is False


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.py"
    path.write_text("1")
    return path


def rows_of(source):
    return lambda: [{"n": source.read_text()}]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"state": 1}', b"\xff\xfe"], ids=["empty", "torn", "list", "other", "binary"]
)
def test_what_cannot_be_read_is_made_anew(source, tmp_path, content):
    file = tmp_path / "home" / "list-x.json"
    assert kept("x", [source], rows_of(source)) == [{"n": "1"}]
    file.write_bytes(content)
    assert kept("x", [source], rows_of(source)) == [{"n": "1"}]
    assert json.loads(file.read_text())["rows"] == [{"n": "1"}]
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_where_nothing_can_be_written_rows_are_made_every_time(source, tmp_path):
    (tmp_path / "home").write_text("a file where a folder should be")
    assert kept("x", [source], rows_of(source)) == [{"n": "1"}]
    source.write_text("2")
    assert kept("x", [source], rows_of(source)) == [{"n": "2"}]
