"""Walk a folder of data: links are followed, hidden and system names passed over, no folder read twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lnlbench.datasets.loading.errors import DataError, one_line

Identity = tuple[int, int]  # device and inode: the same for a folder and all links to it
SYSTEM_NAMES = {
    "__macosx",
    "__pycache__",
    "@eadir",
    "$recycle.bin",
    "desktop.ini",
    "lost+found",
    "system volume information",
    "thumbs.db",
}


@dataclass
class Contents:
    """What lies below a folder: its files, sorted, and what was passed over although it may be meant as data."""

    files: list[Path] = field(default_factory=list)
    loops: list[Path] = field(default_factory=list)  # links to a folder above them
    special: list[Path] = field(default_factory=list)  # pipes, devices, sockets
    empty: list[Path] = field(default_factory=list)  # folders without any file of data below them


def is_data(name: str) -> bool:
    """Return whether a file or folder of this name can be data: not hidden, not of an operating system."""
    return not name.startswith((".", "~$")) and name.casefold() not in SYSTEM_NAMES


def walk(root: Path) -> Contents:
    """Return all files of data below a folder.

    Raises:
        DataError: a folder that cannot be read or is reached twice, a link to nothing, a name that is not UTF-8.
    """
    contents = Contents()
    _enter(root, (), {}, contents)
    contents.files.sort()
    return contents


def _enter(folder: Path, above: tuple[Identity, ...], seen: dict[Identity, Path], contents: Contents) -> None:
    status = folder.stat()
    identity = status.st_dev, status.st_ino
    if identity in above:
        contents.loops.append(folder)
        return
    if identity in seen:
        raise DataError(f"{folder} and {seen[identity]} are the same folder; its images would count twice")
    seen[identity] = folder
    before = len(contents.files)
    for path in _members(folder):
        if path.is_dir():
            _enter(path, (*above, identity), seen, contents)
        elif path.is_file():
            contents.files.append(path)
        elif path.is_symlink():
            raise DataError(f"{path} is a link to {path.readlink()}, which does not exist")
        else:
            contents.special.append(path)
    if len(contents.files) == before:
        contents.empty.append(folder)


def _members(folder: Path) -> Iterator[Path]:
    try:
        paths = sorted(path for path in folder.iterdir() if is_data(path.name))
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be read: {error.strerror or one_line(error)}") from error
    for path in paths:
        try:
            path.name.encode()
        except UnicodeEncodeError:
            raise DataError(f"the name {path.name!a} in {folder!s} is not UTF-8; rename it") from None
        yield path
