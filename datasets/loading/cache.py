"""Decoded data sets on disk: one checked file each, written whole, safe against several processes at once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.place import expanded

Arrays = Mapping[str, np.ndarray]
Build = Callable[[], Arrays]
MAGIC = b"lnlbench-arrays-1\n"
ALIGNMENT = 64


class CorruptError(Exception):
    """A cache file that is not what was written; it is made anew."""


def cache_root(cache_dir: Path | None) -> Path:
    """Return the cache directory: the one given, ``$LNLBENCH_HOME/cache`` or ``~/.lnlbench/cache``."""
    if cache_dir is not None:
        return expanded(cache_dir)
    return expanded(os.environ.get("LNLBENCH_HOME") or "~/.lnlbench") / "cache"


def fingerprint(arrays: Arrays) -> str:
    """Return the SHA-256 (hex) over names, types, shapes and bytes of the arrays, in the order of their names."""
    return _combined(_described(arrays))


def write_whole(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write a file completely or not at all: into a neighbour first, which then takes its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write(path: Path, arrays: Arrays) -> str:
    """Write arrays into one file and return their fingerprint."""
    described = _described(arrays)
    header = json.dumps(described).encode()
    parts: list[bytes | memoryview] = [MAGIC, len(header).to_bytes(8, "little"), header]
    position = sum(len(part) for part in parts)
    for name in sorted(arrays):
        parts.append(b"\0" * (-position % ALIGNMENT))
        content = np.ascontiguousarray(arrays[name])
        parts.append(_bytes(content))
        position += len(parts[-2]) + content.nbytes
    write_whole(path, parts)
    return _combined(described)


def read(path: Path, leave: Callable[[str], bool] | None = None) -> tuple[dict[str, np.ndarray], str]:
    """Return the arrays of a file that ``write`` made, and their fingerprint.

    Every byte is checked against the hashes in the header.

    Args:
        path: of the file.
        leave: says which arrays to leave out, of which no byte enters this process; the others are then copied.
            Without it all are memory-mapped, copy-on-write.

    Raises:
        FileNotFoundError: there is no such file.
        CorruptError: the file is not what was written.
    """
    with path.open("rb", buffering=0) as file:  # a buffer would hold what lies beside that which is asked for
        size = os.fstat(file.fileno()).st_size
        if file.read(len(MAGIC)) != MAGIC:
            raise CorruptError("no header")
        length = int.from_bytes(file.read(8), "little")
        position = len(MAGIC) + 8 + length
        if position > size:
            raise CorruptError("cut short")
        try:
            described: dict[str, dict[str, Any]] = json.loads(file.read(length))
            arrays: dict[str, np.ndarray] = {}
            for name, entry in described.items():
                position += -position % ALIGNMENT
                dtype, shape = np.dtype(entry["dtype"]), tuple(entry["shape"])
                nbytes = dtype.itemsize * int(np.prod(shape))
                if position + nbytes > size:
                    raise CorruptError("cut short")
                if leave is None or not leave(name):
                    array = (_mapped if leave is None else _copied)(file, dtype, position, shape)
                    if hashlib.sha256(_bytes(array)).hexdigest() != entry["sha256"]:
                        raise CorruptError(f"{name} has changed")
                    arrays[name] = array
                position += nbytes
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptError("unreadable header") from error
    if position != size:
        raise CorruptError("too long")
    return arrays, _combined(described)


def through(path: Path, build: Build) -> tuple[dict[str, np.ndarray], str]:
    """Read ``path``; where it is missing or corrupt, build it once, however many processes ask at the same time.

    Raises:
        DataError: the cache directory cannot be written to.
    """
    import filelock

    try:
        with contextlib.suppress(FileNotFoundError, CorruptError):
            return read(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path.with_suffix(".lock")):
            with contextlib.suppress(FileNotFoundError, CorruptError):
                return read(path)  # another process was first
            write(path, build())
            return read(path)
    except OSError as error:
        raise DataError(f"cannot write the cache {path}: {error.strerror or error}") from error
    except CorruptError as error:
        raise DataError(f"the cache {path} is corrupt just after it was written ({error}); check the disk") from error


def hash_files(files: Iterable[Path], index: Path) -> str:
    """Return one SHA-256 (hex) of the content of ``files``, in their order.

    ``index`` remembers the hash of a file by path, size and time of change, so that 100 MB are not read at each
    start. It may be lost or deleted at any time.
    """
    try:
        known: dict[str, list[Any]] = dict(json.loads(index.read_text()))
    except (OSError, ValueError, TypeError):
        known = {}
    digests, learned = [], False
    for path in files:
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns]
        entry = known.get(str(path))
        if not (isinstance(entry, list) and len(entry) == 3 and entry[:2] == stamp):
            with path.open("rb") as file:
                entry = [*stamp, hashlib.file_digest(file, "sha256").hexdigest()]
            # A file that changed a moment ago may change again within one tick of its clock: do not remember it.
            if time.time_ns() - stat.st_mtime_ns > 2_000_000_000:
                known[str(path)], learned = entry, True
        digests.append(str(entry[2]))
    if learned:
        with contextlib.suppress(OSError):  # a lost index costs time, nothing else
            write_whole(index, [json.dumps(known, indent=0).encode()])
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _mapped(file: FileIO, dtype: np.dtype[Any], position: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.memmap(file, dtype, mode="c", offset=position, shape=shape).view(np.ndarray)


def _copied(file: FileIO, dtype: np.dtype[Any], position: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return the array alone: a mapping goes by whole pages, which begin and end with its neighbours."""
    array = np.empty(shape, dtype)
    left = _bytes(array)
    file.seek(position)
    while left:
        left = left[file.readinto(left) or len(left) :]  # of gigabytes one call reads a part
    return array


def _bytes(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _described(arrays: Arrays) -> dict[str, dict[str, Any]]:
    described = {}
    for name in sorted(arrays):
        content = np.ascontiguousarray(arrays[name])
        little = content.astype(content.dtype.newbyteorder("<"), copy=False)
        digest = hashlib.sha256(_bytes(little)).hexdigest()
        described[name] = {"dtype": little.dtype.str, "shape": list(content.shape), "sha256": digest}
    return described


def _combined(described: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [f"{n} {d['dtype']} {tuple(d['shape'])} {d['sha256']}\n" for n, d in sorted(described.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
