"""Results in one compressed file, to keep beside code and to rank without a store."""

import lzma
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lnlbench.leaderboard.results import files
from lnlbench.leaderboard.results.errors import StoreError, one_line
from lnlbench.leaderboard.results.result import Result, from_json, to_json

LARGEST = 1 << 30  # bytes, unpacked: more than any archive of ours, less than the memory


def write(path: Path, results: Sequence[Result], *, predictions: bool = True) -> int:
    """Write results, one JSON line each, compressed with xz; the file appears whole or not at all.

    Args:
        path: of the file.
        results: in the order to keep.
        predictions: whether to keep the test predictions, most of the size; scores need them only to be verified.

    Returns:
        its size in bytes.

    Raises:
        StoreError: nothing to write, or the file cannot be written.
    """
    if not results:
        raise StoreError("there are no results to export")
    kept = results if predictions else [replace(result, predictions="") for result in results]
    content = lzma.compress("".join(to_json(result) + "\n" for result in kept).encode(), preset=9)
    files.write_all(path.absolute().parent, {path.name: content})
    return len(content)


def read(path: Path) -> list[Result]:
    """Read the results that `write` wrote.

    Raises:
        StoreError: no such file, or it is damaged.
    """
    unpacker = lzma.LZMADecompressor()
    try:
        text = unpacker.decompress(files.read(path), max_length=LARGEST)
    except lzma.LZMAError as error:
        raise StoreError(f"{path} is no archive of results: {one_line(error)}") from error
    if not unpacker.eof:
        raise StoreError(f"{path} is cut off, or unpacks to more than {LARGEST >> 20} MB")
    return [from_json(line) for line in text.splitlines()]
