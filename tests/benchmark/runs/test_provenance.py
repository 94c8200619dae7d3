"""Where a result comes from is told of a checkout that is only on the path, too."""

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
