"""Files written whole or not at all."""

import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path, PurePosixPath

from lnlbench.leaderboard.results.errors import StoreError, one_line


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path that becomes `path` if the block succeeds, and is removed if not.

    Its content is on the disk before it takes its place, and its place before this returns: what a database then says
    of it is true after a power cut.

    Of a link it becomes what the link names, and the link stays. A device or a pipe is no file that could be replaced:
    there the path given is its own.
    """
    with _folders_synced() as folders, _replacing(path, folders) as unfinished:
        yield unfinished


@contextmanager
def _replacing(path: Path, folders: set[Path]) -> Iterator[Path]:
    """Give a temporary path as `replacing` does, and add the folders whose names change."""
    if path.exists() and not path.is_file() and not path.is_dir():
        yield path
        return
    target = Path(os.path.realpath(path))
    new = list(takewhile(lambda folder: not folder.exists(), target.parents))
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        yield unfinished
        _sync(unfinished)
        os.replace(unfinished, target)  # noqa: PTH105
        folders |= {target.parent, *(made.parent for made in new)}
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _folders_synced() -> Iterator[set[Path]]:
    """Give a set for folders, whose names are on the disk once the block succeeds."""
    folders: set[Path] = set()
    yield folders
    for folder in folders:
        with suppress(OSError):  # not every file system can, or has to
            _sync(folder)


def _sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def check_target(path: Path) -> None:
    """Refuse a place where no file can be written: before the work whose result it is to hold.

    Raises:
        StoreError: it is a folder, its folder is none and cannot become one, or may not be written.
    """
    try:
        if path.is_dir():
            raise StoreError(f"{path} is a folder; name a file in it")
        try:
            there = bool(path.stat())
        except (FileNotFoundError, NotADirectoryError):  # else a link to itself, or a name that is too long
            there = False
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not folder.is_dir():
            raise StoreError(f"{path} cannot be written: {folder} is no folder")
        if not os.access(path if there else folder, os.W_OK):
            raise StoreError(f"{path} cannot be written: Permission denied")
        if not there:  # some folders take no file whatever their mode says: /proc is one
            tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise StoreError(f"{path!s:.200} cannot be written: {error.strerror or one_line(error)}") from None


def write_all(folder: Path, contents: Mapping[str, bytes | str]) -> None:
    """Write files into a folder, each of them whole or not at all.

    Raises:
        StoreError: a name leads out of the folder, or the folder cannot be written.
    """
    with _folders_synced() as folders:  # once for all of them: it takes milliseconds
        for name, content in contents.items():
            parts = PurePosixPath(name)
            if parts.is_absolute() or ".." in parts.parts or not parts.name:
                raise StoreError(f"an artifact's name must be a relative path, got {name!r}")
            try:
                with _replacing(folder / parts, folders) as unfinished:
                    unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
            except OSError as error:
                raise StoreError(f"{folder / parts} cannot be written: {error.strerror or one_line(error)}") from error


@contextmanager
def temporary(contents: Mapping[str, bytes | str]) -> Iterator[Path]:
    """Give a temporary folder with these files in it."""
    with tempfile.TemporaryDirectory(prefix="lnlbench-") as name:
        write_all(Path(name), contents)
        yield Path(name)


def read(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        StoreError: it is not there or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or one_line(error)}") from error
