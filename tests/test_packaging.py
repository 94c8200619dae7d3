"""What is installed is what lies in the folders, and our `datasets` never hides Hugging Face's."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, version
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("benchmark", "datasets", "leaderboard", "methods")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
INSTALLED = Path(find_spec("lnlbench.benchmark").origin).parents[1]  # of the wheel under tox, else of the clone


@pytest.mark.parametrize("folder", [".", "lnlbench", "datasets", "datasets/noise", "tests/datasets"])
def test_no_init_file_makes_a_package_of(folder):
    assert not (ROOT / folder / "__init__.py").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import datasets; datasets.Dataset", id="alone"),
        pytest.param("import lnlbench.methods, datasets; datasets.Dataset", id="after our methods"),
        pytest.param("import datasets, lnlbench.datasets; assert datasets is not lnlbench.datasets", id="beside ours"),
    ],
)
def test_datasets_is_hugging_faces_at_the_root_of_the_clone(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_folder_with_code_is_listed_as_a_package():
    folders = {path.parent for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}
    packages = sorted(".".join(("lnlbench", *folder.relative_to(ROOT).parts)) for folder in folders)
    assert packages == sorted(PROJECT["tool"]["setuptools"]["packages"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_installed_files_are_those_of_the_folder(folder):
    assert _files(INSTALLED / folder) == _files(ROOT / folder)  # neither a data file lost nor a deleted module kept


@pytest.mark.parametrize("name", ["benchmark/protocol/settings.toml", *(f"{folder}/py.typed" for folder in FOLDERS)])
def test_data_files_are_installed(name):
    assert (INSTALLED / name).is_file()


@pytest.mark.skipif(os.environ.get("TOX_ENV_NAME") != "test", reason="only tox installs the wheel")
def test_tox_tests_the_wheel_and_not_the_clone():
    assert INSTALLED.parent.name == "site-packages"


def test_the_version_is_the_one_of_pyproject():
    assert version("lnlbench") == PROJECT["project"]["version"]


def test_the_command_is_installed():
    command = Path(sys.executable).with_name("lnlbench")
    done = subprocess.run([command, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [script.value for script in entry_points(group="console_scripts", name="lnlbench")] == [
        PROJECT["project"]["scripts"]["lnlbench"]
    ]


def test_the_licence_is_whole():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.lstrip().startswith("Apache License")
    assert text.rstrip().endswith("limitations under the License.")


@pytest.mark.skipif(
    not (ROOT / ".git").exists() or shutil.which("git") is None,
    reason="needs a clone and git to list what is committed",
)
def test_no_committed_file_names_a_folder_of_one_machine():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    private = re.compile(rb"(?<![\w.~/-])/(?:root|work|home/\w+)(?![\w-])")
    files = [ROOT / os.fsdecode(name) for name in listed if name]
    found = {str(path.relative_to(ROOT)): private.findall(path.read_bytes()) for path in files if path.is_file()}
    assert {name: paths for name, paths in found.items() if paths} == {}


def _files(folder):
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name for name in names if not name.endswith(".pyc") and not name.startswith(".") and "/." not in name}
