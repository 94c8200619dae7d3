"""The registry of methods by name: one file each, in this folder, in a user's file or in an installed package."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import os
import pkgutil
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar, dataclass_transform

from lnlbench.methods._errors import MethodError, NoMethod
from lnlbench.methods._unknown import did_you_mean
from lnlbench.methods.base import Method

M = TypeVar("M", bound=Method)
_METHODS: dict[str, type[Method]] = {}
_USER = "lnlbench_user_"  # begins the names of the modules of users' files
_CONTENT = "__lnlbench_content__"  # of a user's module: the hash of the file that it was made of
_BROUGHT = "__lnlbench_methods__"  # of a user's module: the methods that its loads registered, in it and in its imports


@dataclass_transform(frozen_default=True)
def register(name: str) -> Callable[[type[M]], type[M]]:
    """Turn a class into a dataclass and register it as a method under `name`.

    Raises:
        MethodError: the name is taken by another class, or is not an identifier.
    """

    def add(method: type[M]) -> type[M]:
        if not name.isidentifier():
            raise MethodError(f"a method's name must be an identifier, but got {name!r}")
        if name in _METHODS:
            raise MethodError(_twice(name, _METHODS[name], method))
        method.name, method.source = name, _source(method)
        _METHODS[name] = dataclass(frozen=True)(method)
        return method

    return add


def methods() -> dict[str, type[Method]]:
    """Return all registered methods by name, sorted."""
    _discover()
    return dict(sorted(_METHODS.items()))


def method_class(name: str) -> type[Method]:
    """Return the method registered under a name.

    Raises:
        MethodError: there is no such method; the message names the closest ones, and where to see all.
    """
    known = methods()
    if name not in known:
        hint = did_you_mean(name, known, most=3)
        raise MethodError(f"unknown method {name!r}; {hint}`lnlbench list methods` shows them all")
    return known[name]


def load_file(path: Path) -> list[str]:
    """Register the methods in a user's Python file, and in what it imports.

    The file is executed once for each of its contents: a second call with an unchanged file answers from the registry,
    and a call after an edit replaces what the earlier one registered.

    Returns:
        their names, sorted.

    Raises:
        MethodError: the file does not exist, cannot be imported, ends the program, or registers nothing.
    """
    methods()  # ours come first, so that a file cannot take their names
    place = zlib.crc32(os.path.realpath(path).encode())  # files of one name in two folders are two modules
    spec = importlib.util.spec_from_file_location(f"{_USER}{path.stem}_{place:08x}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise MethodError(f"no Python file at {path}")
    content = _content_of(path)
    last = sys.modules.get(spec.name)
    held: list[type[Method]] = getattr(last, _BROUGHT, [])
    brought: list[type[Method]] = [method for method in held if _METHODS.get(method.name) is method]
    if not brought or getattr(last, _CONTENT, None) != content:
        for name in [name for name, method in _METHODS.items() if method.__module__ == spec.name]:
            del _METHODS[name]
        before = {name for name, method in _METHODS.items() if method not in brought}  # imports are executed once
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up
        try:
            with _explained(str(path)):
                # Its text alone: bytecode beside it could be of another text, and none is left in the folder.
                exec(compile(path.read_bytes(), str(module.__file__), "exec"), vars(module))
        finally:
            brought = [method for name, method in _METHODS.items() if name not in before]
            setattr(module, _BROUGHT, brought)
        setattr(module, _CONTENT, content)
    if not brought:
        raise NoMethod(f"{path} registers no method; is there a @register(...) in it?")
    return sorted(method.name for method in brought)


def file_of(method: type[Method]) -> Path | None:
    """Return the file that `load_file` registered a method from; None for built-in methods and installed packages."""
    module = sys.modules.get(method.__module__)
    return Path(str(module.__file__)) if module is not None and hasattr(module, _CONTENT) else None


@cache
def _discover() -> None:
    for found in pkgutil.iter_modules([str(Path(__file__).parent)], "lnlbench.methods."):
        importlib.import_module(found.name)
    for entry in entry_points(group="lnlbench.methods"):
        with _explained(f"the installed plug-in {entry.value}"):
            entry.load()


def _content_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise MethodError(f"{path} cannot be read: {error.strerror or error}") from error


@contextmanager
def _explained(plugin: str) -> Iterator[None]:
    """Turn whatever the code of a plug-in raises into one line; `sys.exit(0)` would pass for success."""
    try:
        yield
    except MethodError:
        raise
    except SystemExit as error:
        raise MethodError(
            f"{plugin} ends the program: it calls sys.exit({error.code!r}) when it is imported"
        ) from error
    except Exception as error:
        raise MethodError(f"{plugin} does not import: {type(error).__name__}: {error}") from error


def _source(method: type[Method]) -> str:
    """Return a hash of a user's method file, ignoring comments and layout; empty for built-in methods."""
    file = getattr(sys.modules.get(method.__module__), "__file__", None)
    if method.__module__.startswith("lnlbench.methods.") or file is None:
        return ""
    return hashlib.sha256(ast.dump(ast.parse(Path(file).read_bytes())).encode()).hexdigest()[:16]


def _twice(name: str, first: type[Method], second: type[Method]) -> str:
    """Say which two classes have one name, and what to do where one is the user's own."""
    files = {_where(method) for method in (first, second) if method.__module__.startswith(_USER)}
    rename = f"rename {'yours' if len(files) == 1 else 'one'} in its @register(...)"
    if first.__module__ == second.__module__ and files:
        return f"{files.pop()} registers {name!r} twice; rename one of them"
    if len(files) == 2:
        return f"{_where(first)} and {_where(second)} both register {name!r}; {rename}"
    return f"two methods are called {name!r}: {_where(first)} and {_where(second)}" + (f"; {rename}" if files else "")


def _where(method: type[Method]) -> str:
    """Return the file of a user's method, as short as it can be named from here; of others the class."""
    if not method.__module__.startswith(_USER):
        return f"{method.__module__}.{method.__qualname__}"
    path = Path(str(sys.modules[method.__module__].__file__))
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
