"""Read the four files in which MNIST and its kin were first published: the idx format, gzipped or not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lnlbench.datasets.card import Card
from lnlbench.datasets.loading import cache
from lnlbench.datasets.loading.errors import DataError, one_line

NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
UNSIGNED_BYTES = 8  # the third byte of a file says what follows, the fourth how many dimensions


def idx_files(card: Card, folders: Sequence[Path]) -> dict[str, list[Path]] | None:
    """Return images and labels of each split where one of the card's folders holds them all, or None.

    Args:
        card: names the folders, absolute or below one of ``folders``.
        folders: local data directories.
    """
    bases = [*folders, Path("/")]
    places = [base / name for base in bases for name in card.idx_folders if base != Path("/") or name.startswith("/")]
    for place in dict.fromkeys(places):
        files = {split: [_written(place / name) for name in names] for split, names in NAMES.items()}
        if all(path.is_file() for paths in files.values() for path in paths):
            return files
    return None


def read_idx(card: Card, files: Mapping[str, Sequence[Path]]) -> dict[str, np.ndarray]:
    """Return ``{split}_images`` uint8 ``[N, 1, H, W]`` and ``{split}_labels`` int64 ``[N]`` of both splits.

    Raises:
        DataError: a file is damaged, or the content is not the card's: all kin of MNIST call their files the same.
    """
    arrays: dict[str, np.ndarray] = {}
    for split, (images, labels) in files.items():
        size = card.train_size if split == "train" else card.test_size
        arrays[f"{split}_images"] = _array(images, (size, card.size, card.size))[:, None]
        arrays[f"{split}_labels"] = _array(labels, (size,)).astype(np.int64)
    if cache.fingerprint(arrays) != card.fingerprint:
        raise DataError(f"the idx files in {files['train'][0].parent} are not the official {card.title}")
    return arrays


def _written(path: Path) -> Path:
    """Return the path as it is, or with the ending of gzip where that one is there."""
    packed = path.with_name(f"{path.name}.gz")
    return packed if packed.is_file() and not path.is_file() else path


def _array(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    header = bytes([0, 0, UNSIGNED_BYTES, len(shape)]) + b"".join(side.to_bytes(4, "big") for side in shape)
    expected = len(header) + int(np.prod(shape))
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(expected + 1)  # never more, however much a small file unpacks to
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {one_line(error)}") from error
    if len(content) != expected or not content.startswith(header):
        raise DataError(f"{path} is not an idx file of {' × '.join(map(str, shape))} bytes, or is damaged")
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)
