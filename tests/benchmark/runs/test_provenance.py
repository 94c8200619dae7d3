"""Where a result comes from is told of a checkout that is only on the path, too."""

import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from lnlbench.benchmark.runs import provenance


@pytest.fixture(autouse=True)
def _afresh():
    for told in (provenance.installed, provenance.commit):
        told.cache_clear()
    yield
    for told in (provenance.installed, provenance.commit):
        told.cache_clear()


def test_a_checkout_that_is_not_installed_has_the_version_of_its_project_file(monkeypatch, tmp_path):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "7.8"\n')
    monkeypatch.setattr(provenance, "version", missing)
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "benchmark/runs/provenance.py"))
    assert provenance.installed() == "7.8"


def test_an_installed_package_has_its_own_version():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert provenance.installed() == project["project"]["version"]


def test_a_copy_without_history_is_told_its_commit(monkeypatch):
    monkeypatch.setenv("LNLBENCH_COMMIT", "abc123")
    assert provenance.commit() == "abc123"


def test_a_commit_has_a_plus_where_the_code_is_another(monkeypatch, tmp_path):
    file = tmp_path / "benchmark/runs/provenance.py"
    file.parent.mkdir(parents=True)
    file.write_text("code")
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "code"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    monkeypatch.delenv("LNLBENCH_COMMIT", raising=False)
    monkeypatch.setattr(provenance, "__file__", str(file))

    def commit():
        provenance.commit.cache_clear()
        return provenance.commit()

    clean = commit()
    (tmp_path / "notes.py").write_text("what no run loads")
    assert len(clean) == 12 and commit() == clean
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods/mine.py").write_text("a method that finds itself")
    assert commit() == f"{clean}+"
    (tmp_path / "methods/mine.py").unlink()
    file.write_text("changed")
    assert commit() == f"{clean}+"
