"""Results in one compressed file, a JSON line each, streamed: no file is too large for the memory."""

import lzma
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lnlbench.leaderboard.results import files
from lnlbench.leaderboard.results.errors import StoreError, one_line
from lnlbench.leaderboard.results.result import Result, from_json, to_json

EFFORT = 0
"""Preset of xz. The predictions are compressed already: 9 takes five times as long for 10 % fewer bytes."""
MOST = 200
"""Times its own size that a file may unpack to; real files have 1.6 to 5."""
LONGEST = 64 << 20
"""Bytes of a line; 150 epochs, 10,000 test images and two networks take about one million."""

_MAGIC = b"\xfd7zXZ\0"
_FREE = 1 << 20  # bytes that any file may unpack to, however small it is
_CHUNK = 1 << 16
_MEMORY = 128 << 20  # bytes that unpacking may take; the largest preset takes 65 MB


class Written(NamedTuple):
    """What was written: how many results, in how many bytes."""

    results: int
    size: int


def write(path: Path, results: Iterable[Result], *, predictions: bool = True) -> Written:
    """Write results, one JSON line each, compressed with xz; the file appears whole or not at all.

    Args:
        path: of the file; what a link names is replaced, and a device is written to.
        results: in the order to keep; they are taken one by one, and never held together.
        predictions: whether to keep the test predictions, most of the size. Boards do not need them; without them no
            score can be verified, and `import` refuses the file.

    Raises:
        StoreError: nothing to write, a key twice, a result that no reader would take, or the file cannot be written.
    """
    results = iter(results)
    first = next(results, None)
    if first is None:  # found before a folder is made for nothing
        raise StoreError("there are no results to export")
    results = chain([first], results)
    try:
        with files.replacing(path) as unfinished, unfinished.open("wb") as file:
            return _write(file, results, predictions)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or one_line(error)}") from error


def read(path: Path, *, predictions: bool = True) -> list[Result]:
    """Return the results that `write` wrote; arguments and errors as of `stream`."""
    return list(stream(path, predictions=predictions))


def stream(path: Path, *, predictions: bool = True, leave_out: Callable[[str], None] | None = None) -> Iterator[Result]:
    """Yield the results that `write` wrote, one by one.

    Args:
        path: of the file.
        predictions: whether to read the test predictions, which boards do not need.
        leave_out: is told of each malformed record and of each key that is there again, and reading goes on; without
            it one of them refuses the file.

    Raises:
        StoreError: no such file; it is damaged, holds nothing, a key twice or a malformed record; or it unpacks to more
            than `MOST` times its size. What was yielded before is not to be used then.
    """
    keys: set[str] = set()
    for number, line in enumerate(_lines(path), 1):
        try:
            result = _result(line, f"line {number} of {path}", keys, predictions)
        except StoreError as error:
            if leave_out is None:
                raise
            leave_out(str(error))
            continue
        keys.add(result.key)
        yield result
    if not keys:
        raise StoreError(f"{path} holds no result")


def _result(line: bytes, where: str, keys: Collection[str], predictions: bool) -> Result:
    try:
        result = from_json(line, predictions=predictions)
    except StoreError as error:
        raise StoreError(f"{where} is no result: {error}") from error
    if result.key in keys:
        raise StoreError(f"{where}: the key {result.key} is there twice")
    return result


def _write(file: BinaryIO, results: Iterable[Result], predictions: bool) -> Written:
    packer = lzma.LZMACompressor(preset=EFFORT)
    keys: set[str] = set()
    size = unpacked = 0
    for result in results:
        line = to_json(result if predictions else replace(result, predictions="")).encode() + b"\n"
        try:
            from_json(line, predictions=False)
        except StoreError as error:
            raise StoreError(f"the result {result.key} cannot be exported: {error}") from error
        if result.key in keys or len(line) > LONGEST:
            why = "is there twice" if result.key in keys else f"takes {len(line) >> 20} MB, over {LONGEST >> 20}"
            raise StoreError(f"the result {result.key} cannot be exported: it {why}")
        keys.add(result.key)
        unpacked += len(line)
        size += file.write(packer.compress(line))
    size += file.write(packer.flush())
    # Null bytes behind a stream mean nothing in the format xz: they make a file as large as its readers ask for.
    lacking = -(-(unpacked - _FREE) // MOST) - size
    size += file.write(b"\0" * (lacking + -lacking % 4 if lacking > 0 else 0))
    return Written(len(keys), size)


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a compressed file; no more than `LONGEST` bytes of it are held at any time."""
    held: list[bytes] = []  # the pieces of a line; to join them one by one would take the square of its length
    size = 0
    for part in _unpacked(path):
        first, *others = part.split(b"\n")
        held.append(first)
        size += len(first)
        if size > LONGEST:
            raise StoreError(f"{path} holds a line of more than {LONGEST >> 20} MB")
        for other in others:
            yield b"".join(held)
            held, size = [other], len(other)
    if size:
        yield b"".join(held)


def _unpacked(path: Path) -> Iterator[bytes]:
    """Yield the content of a file of one or more xz streams, in pieces of at most `_CHUNK` bytes."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            packed = status.st_size if stat.S_ISREG(status.st_mode) else 0  # of a pipe, what was read so far
            data, unpacker, ended, total = b"", None, 0, 0
            while True:
                if not data and (unpacker is None or unpacker.needs_input):
                    data = file.read(_CHUNK)
                    packed += 0 if stat.S_ISREG(status.st_mode) else len(data)
                    if not data:
                        break
                if unpacker is None:
                    data = data.lstrip(b"\0") if ended else data  # between two streams null bytes mean nothing
                    if not data:
                        continue
                    if not data.startswith(_MAGIC[: len(data)]):
                        raise lzma.LZMAError("its format is not xz")
                    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY)
                part, data = unpacker.decompress(data, _CHUNK), b""
                if unpacker.eof:
                    data, unpacker, ended = unpacker.unused_data, None, ended + 1
                total += len(part)
                if total > _FREE + MOST * packed:
                    raise StoreError(f"{path} is refused: it unpacks to more than {MOST} times its size")
                yield part
            if unpacker is not None or not ended:
                raise StoreError(f"{path} is {'empty' if unpacker is None else 'cut off'}")
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or one_line(error)}") from error
    except lzma.LZMAError as error:
        raise StoreError(f"{path} is no archive of results: {one_line(error)}") from error
