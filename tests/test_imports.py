"""Imports form a star with benchmark at its centre; heavy packages stay in one place each, and out of start-up."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEAVES = ("datasets", "leaderboard", "methods")
FOLDERS = ("benchmark", *LEAVES)
FILES = [path.relative_to(ROOT) for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
OURS = {"benchmark", "leaderboard", "methods"}  # not `datasets`: at the top level that is Hugging Face's
ONE_FILE = {
    "mlflow": "leaderboard/store/tracking.py",
    "optuna": "benchmark/tuning/optuna_",
    "ray": "benchmark/sweep/executors/ray.py",
    "timm": "benchmark/engine/timm_models.py",
    "typer": "benchmark/cli/",
}
STORE_AND_TABLES = ("mlflow", "optuna", "datasets", "sklearn", "scipy", "pandas", "matplotlib", "sqlalchemy")
NOT_NEEDED_TO_TRAIN = (*STORE_AND_TABLES, "typer", "rich")
NOT_NEEDED_TO_START = (*STORE_AND_TABLES, "torch", "timm")


def imports(path: Path, source: str) -> Iterator[str]:
    """Full names of what a file imports anywhere in it, inside functions and by `import_module("...")` too."""
    package = ("lnlbench", *path.parent.parts)
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                start = package[: len(package) - level + 1] if level else ()
                base = ".".join([*start, *([module] if module else [])])
                yield from (f"{base}.{alias.name}" for alias in names)
            case ast.Call(
                func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name


def imported(path: Path) -> list[str]:
    return list(imports(path, (ROOT / path).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("source", "names"),
    [
        pytest.param("import a.b as c, d", ["a.b", "d"], id="modules"),
        pytest.param("from a.b import c", ["a.b.c"], id="from a module"),
        pytest.param("def f():\n    if f:\n        import mlflow", ["mlflow"], id="inside a function"),
        pytest.param("from . import base", ["lnlbench.methods.base"], id="from the own folder"),
        pytest.param("from ..datasets import card", ["lnlbench.datasets.card"], id="from the folder beside it"),
        pytest.param("from ..datasets.noise import x", ["lnlbench.datasets.noise.x"], id="from a folder within that"),
        pytest.param("importlib.import_module('mlflow.x')", ["mlflow.x"], id="by a call"),
        pytest.param("import_module('mlflow')", ["mlflow"], id="by a bare call"),
    ],
)
def test_imports_are_found(source, names):
    assert list(imports(Path("methods/x.py"), source)) == names


def test_all_folders_have_files_to_check():
    assert {path.parts[0] for path in FILES} == set(FOLDERS)


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] in LEAVES], ids=str)
def test_a_leaf_imports_nothing_of_ours_but_its_own(path):
    ours = [name for name in imported(path) if name.split(".")[0] == "lnlbench"]
    assert [name for name in ours if name.split(".")[1:2] != [path.parts[0]]] == []


@pytest.mark.parametrize("path", FILES, ids=str)
def test_our_modules_are_imported_by_their_full_name(path):
    assert [name for name in imported(path) if name.split(".")[0] in OURS] == []  # `methods.x` would run it twice


@pytest.mark.slow
@pytest.mark.parametrize(("package", "home"), ONE_FILE.items(), ids=ONE_FILE)
def test_a_heavy_package_is_imported_in_one_place_at_most(package, home):
    files = [path.as_posix() for path in FILES if any(name.split(".")[0] == package for name in imported(path))]
    assert [file for file in files if not file.startswith(home)] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import lnlbench.methods", id="methods"),
        pytest.param("from lnlbench.methods._registry import methods; assert methods()", id="every registered method"),
        pytest.param("from lnlbench.benchmark import fit; assert callable(fit)", id="fit"),
    ],
)
def test_training_needs_torch_and_timm_alone(code):
    blocked = f"import sys; sys.modules.update(dict.fromkeys({NOT_NEEDED_TO_TRAIN}))"  # None: importing it raises
    done = _python(f"{blocked}\n{code}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import lnlbench.benchmark", id="the package"),
        pytest.param("import lnlbench.benchmark.cli.app", id="the command line"),
        pytest.param(
            "import lnlbench.benchmark.cli.app as cli\nsys.argv[:] = ['lnlbench', '--help']\n"
            "try:\n    cli.main()\nexcept SystemExit as done:\n    assert not done.code, done.code",
            id="its help",
        ),
    ],
)
def test_start_up_is_light(code):
    done = _python(f"import sys\n{code}\nprint('loaded:', sorted(set({NOT_NEEDED_TO_START}) & set(sys.modules)))")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("loaded: []\n")


def _python(code):
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
