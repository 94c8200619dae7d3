"""What the value of an option must be: each kind refuses another value in one line, before anything is made."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

LONGEST = 100
"""Characters of a name."""
LONGEST_LINE = 1_000
"""Characters of a line."""


def named(value: Any) -> str:
    """Return a name of the user's own.

    Raises:
        typer.BadParameter: it is empty, long, or has characters that do not print.
    """
    text = str(value)
    if not text.strip() or len(text) > LONGEST or not text.isprintable():
        raise typer.BadParameter(f"a name has 1 to {LONGEST} printable characters, but got {text[:LONGEST]!r}")
    return text


def line(value: Any) -> str:
    """Return a line of text; it may be empty.

    Raises:
        typer.BadParameter: it is long, or has characters that do not print.
    """
    text = str(value)
    if len(text) > LONGEST_LINE or not text.isprintable():
        raise typer.BadParameter(f"a line has {LONGEST_LINE} printable characters at most, but got {text[:LONGEST]!r}")
    return text


def source_file(value: Any) -> Path:
    """Return the path of a file to read.

    Raises:
        typer.BadParameter: there is no such file, or it is a folder or a device.
    """
    path = _path(value, "a file")
    if not _tested(path, Path.exists):
        raise typer.BadParameter(f"there is no file {str(path)[:LONGEST]!r}")
    if not path.is_file() and not path.is_fifo():
        raise typer.BadParameter(f"{str(path)!r} is {'a folder' if path.is_dir() else 'a device'}, not a file")
    if not os.access(path, os.R_OK):
        raise typer.BadParameter(f"{str(path)!r} cannot be read: Permission denied")
    return path


def source(value: Any) -> Path:
    """Return the path of a file of results, or of a folder of submissions, that of the package among them.

    Raises:
        typer.BadParameter: there is neither.
    """
    from lnlbench.leaderboard.shipped import located

    path = _path(value, "a file or a folder")
    if not _tested(path, Path.exists):
        path = located(path)
    return path if _tested(path, Path.is_dir) else source_file(path)


def target_file(value: Any) -> Path:
    """Return the path of a file to write, found to be possible before the work whose result it is to hold.

    Raises:
        typer.BadParameter: it is a folder, or no file can be made there.
    """
    from lnlbench.leaderboard.results.errors import StoreError
    from lnlbench.leaderboard.results.files import check_target

    path = _path(value, "a file")
    try:
        check_target(path)
    except StoreError as error:
        raise typer.BadParameter(str(error)) from None
    return path


def folder(value: Any) -> Path:
    """Return the path of a folder that is there.

    Raises:
        typer.BadParameter: there is none.
    """
    path = _path(value, "a folder")
    if not _tested(path, Path.is_dir):
        raise typer.BadParameter(f"{str(path)[:LONGEST]!r} is not a directory")
    return path


def target_folder(value: Any) -> Path:
    """Return the path of a folder that is there or can be made.

    Raises:
        typer.BadParameter: something else is there, or it cannot be made.
    """
    path = _path(value, "a folder")
    if _tested(path, Path.is_dir):
        return path
    if _tested(path, os.path.lexists):
        raise typer.BadParameter(f"{str(path)[:LONGEST]!r} is not a directory")
    target_file(path)
    return path


def _path(value: Any, what: str) -> Path:
    """Return a path with its home in place of `~`; an empty text would be the current folder."""
    if not str(value):
        raise typer.BadParameter(f"it names {what}, but is empty")
    try:
        return Path(value).expanduser()
    except RuntimeError:  # a user that is not there
        return Path(value)


def _tested(path: Path, test: Callable[[Path], bool]) -> bool:
    """Return what a test says of a path; no for a name that no file system allows."""
    try:
        return test(path)
    except (OSError, ValueError):
        return False
