"""The house: each folder is a room on a floor, and a room imports from lower floors alone; no circle of files."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOPS = ("benchmark", "datasets", "leaderboard", "methods")

FLOORS = {  # lowest first; rooms of one floor do not know each other
    "benchmark": [
        ("protocol", "results.py"),
        ("engine",),
        ("runs",),
        ("sweep/executors",),
        ("sweep",),
        ("verification", "conformance", "tuning", "studies", "bench", "api.py"),
        ("cli",),
    ],
    "leaderboard": [("home.py", "results"), ("ranking",), ("published", "shipped"), ("show",), ("store",)],
}
# Folders that are part of the room they lie in.
WITHIN = {"bench/gpu": "bench", "studies/simulators": "studies", "show/page": "show", "show/site": "show"}


def files() -> dict[str, Path]:
    """Full module names and paths of all code of ours."""
    modules = {}
    for top in TOPS:
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            modules[".".join(("lnlbench", *(parts[:-1] if parts[-1] == "__init__" else parts)))] = path
    return modules


FILES = files()


def statements(node: ast.AST) -> Iterator[ast.ImportFrom]:
    """Every `from … import …` that runs, inside functions too; what only a type checker reads is left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if isinstance(child, ast.ImportFrom):
            yield child
        yield from statements(child)


def targets(path: Path) -> set[str]:
    """Modules of ours that a file imports; a package's own `__init__` is a door and no room."""
    modules = set()
    for statement in statements(ast.parse(path.read_text(encoding="utf-8"))):
        for alias in statement.names:
            name = f"{statement.module}.{alias.name}"
            name = name if name in FILES else str(statement.module)
            if name in FILES and FILES[name] != path and FILES[name].name != "__init__.py":
                modules.add(name)
    return modules


@cache
def imports() -> dict[str, set[str]]:
    """What every module of ours imports of ours."""
    return {module: targets(path) for module, path in FILES.items()}


def room(module: str) -> tuple[str, str]:
    """The top folder and the room of a module."""
    top, *rest = FILES[module].relative_to(ROOT).parts
    name = "/".join(rest[:-1]) or rest[-1]
    return top, WITHIN.get(name, name)


def test_no_circle_of_files():
    try:
        tuple(TopologicalSorter(imports()).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("top", FLOORS)
def test_every_room_is_on_a_floor(top):
    rooms = {room(module)[1] for module in FILES if room(module)[0] == top} - {"__init__.py"}
    assert rooms == {name for floor in FLOORS[top] for name in floor}


@pytest.mark.parametrize("top", FLOORS)
def test_every_arrow_goes_down(top):
    level = {name: number for number, floor in enumerate(FLOORS[top]) for name in floor}
    climbing = [
        f"{module} -> {target}"
        for module, modules in imports().items()
        for target in modules
        if room(module)[0] == room(target)[0] == top
        and room(module) != room(target)
        and "__init__.py" not in (room(module)[1], room(target)[1])
        and level[room(target)[1]] >= level[room(module)[1]]
    ]
    assert climbing == []


@pytest.mark.parametrize(("top", "most"), [("benchmark", 7), ("leaderboard", 5)])
def test_the_house_stays_low(top, most):
    assert len(FLOORS[top]) <= most
