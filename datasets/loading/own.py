"""Data of the user's own: an image folder or parquet files in Hugging Face's conventions, kept under its content."""

from __future__ import annotations

import contextlib
import json
import re
import warnings
from pathlib import Path

import numpy as np

from lnlbench.datasets.card import Card
from lnlbench.datasets.loading import cache
from lnlbench.datasets.loading.errors import DataError, DataWarning, unknown
from lnlbench.datasets.loading.own_folder import read_folder
from lnlbench.datasets.loading.pixel_statistics import Statistics, pixel_statistics
from lnlbench.datasets.loading.place import expanded, is_folder, split_place

NOISE = re.compile(r"clean|given|[a-z]+-[0-9.]+|(file|human):?.*")
"""What stands behind the slash of a setting, and not of a folder."""
LONGEST_TITLE = 150  # bytes of a folder's name in the data set's
MEASURED = 5000  # images of training, or up to twice as many, that mean and standard deviation are of

_statistics: dict[str, Statistics] = {}  # by fingerprint: one command reads a data set several times


def is_own(name: str) -> bool:
    """Return whether a data set's name is one that `bring_in` gave."""
    return re.fullmatch(r"[\w.-]+@[0-9a-f]{12}", name) is not None


def bring_in(text: str, cache_dir: Path | None = None) -> str:
    """Read a data set into the cache, and return its name there: the folder's, and the hash of the content.

    Args:
        text: a folder with `train/<class>/*.png` and `test/<class>/*.png` (labels also from a `metadata.csv`, `.jsonl`
            or `.parquet` beside the images), or with `train*.parquet` and `test*.parquet`. `folder#given=a,true=b`
            names the columns of the given and of the true labels; without names: given_label, noisy_label or label,
            and true_label or clean_label, if there is one. Test labels are the true ones.
        cache_dir: as in `load`.

    Warns:
        DataWarning: what was left out, classes of one split only, labels that look alike.

    Raises:
        DataError: no such folder, no test split, an unknown column, images of mixed sizes, labels that are missing.
    """
    place, asked = split_place(text)
    columns = dict(part.partition("=")[::2] for part in asked.split(",") if part)
    if wrong := columns.keys() - {"given", "true", "image"}:
        raise unknown("column", wrong.pop(), ("given", "true", "image"), f"after '#' in {text!r}")
    folder = expanded(place)
    if not is_folder(folder):
        if NOISE.fullmatch(folder.name) and is_folder(folder.parent):
            raise DataError(
                f"no noise is drawn on a folder, which has labels of its own: name {place.rpartition('/')[0]} alone; "
                "labels of a file go into its metadata.csv, as a column noisy_label"
            )
        raise DataError(
            f"there is no folder {folder}; a data set of one's own is a folder, and archives are unpacked first"
        )
    arrays, notes = read_folder(folder, columns)
    title = re.sub(r"[^\w.-]+", "-", folder.resolve().name).encode()[:LONGEST_TITLE].decode(errors="ignore") or "data"
    name = f"{title}@{cache.fingerprint(arrays)[:12]}"
    cache.through(path_of(name, cache_dir), lambda: arrays)
    with contextlib.suppress(OSError):  # without it a damaged cache is said, and not healed
        marked = f"#{asked}" if asked else ""
        cache.write_whole(_source_path(name, cache_dir), [f"{folder.resolve()}{marked}".encode()])
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=2)
    return name


def read(name: str, cache_dir: Path | None = None) -> tuple[Card, dict[str, np.ndarray], str]:
    """Return inferred card, arrays and fingerprint of a data set that was brought in.

    Raises:
        DataError: as from `read_arrays`.
    """
    arrays, digest = read_arrays(name, cache_dir)
    return card_of(name, arrays, digest), arrays, digest


def read_arrays(name: str, cache_dir: Path | None = None) -> tuple[dict[str, np.ndarray], str]:
    """Return arrays and fingerprint of a data set that was brought in, what its card is inferred from among them.

    Where the cache is damaged or lost, the folder is read again.

    Raises:
        DataError: it is not in the cache any more, and the folder is gone or has changed.
    """
    path = path_of(name, cache_dir)
    try:
        return cache.read(path)
    except (OSError, cache.CorruptError):
        _read_again(name, cache_dir)
        return cache.read(path)


def card_of(name: str, arrays: dict[str, np.ndarray], digest: str) -> Card:
    """Return what the arrays say of a data set; takes the names of the classes out of them."""
    names = tuple(json.loads(arrays.pop("class_names").tobytes()))
    known = bool(arrays.pop("known")[0])
    images = arrays["train_images"]
    _, channels, height, _ = images.shape
    if digest not in _statistics:
        _statistics[digest] = pixel_statistics(images[:: max(1, len(images) // MEASURED)])
    mean, std = _statistics[digest]
    return Card(
        name=name,
        title=name.partition("@")[0],
        hub_id=None,
        revision=name.partition("@")[2],
        config=None,
        image_column="",
        label_column="",
        class_names=names,
        channels=channels,
        size=height,
        train_size=len(images),
        test_size=len(arrays["test_images"]),
        mean=mean,
        std=std,
        fingerprint=digest,
        augment=False,
        true_labels=known,
        licence="the user's own",
    )


def _read_again(name: str, cache_dir: Path | None) -> None:
    """Bring in the folder that a lost or damaged cache was made of.

    Raises:
        DataError: nobody knows it any more, or it holds something else now.
    """
    lost = f"the data set {name!r} is not in the cache"
    try:
        place = _source_path(name, cache_dir).read_text()
    except (OSError, UnicodeDecodeError):
        again = f"`lnlbench run ./{name.partition('@')[0]} -m ce --dry-run`"
        raise DataError(f"{lost}; name its folder again, as in {again} where it lies") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # was said when it was brought in
        try:
            again = bring_in(place, cache_dir)
        except DataError as error:
            raise DataError(f"{lost}, and its folder cannot be read again: {error}") from error
    if again != name:
        raise DataError(f"{lost}, and what {place} holds now is another one, {again!r}")


def path_of(name: str, cache_dir: Path | None) -> Path:
    """Return the cache file of a data set that was brought in."""
    return cache.cache_root(cache_dir) / "own" / f"{name}.arrays"


def _source_path(name: str, cache_dir: Path | None) -> Path:
    return cache.cache_root(cache_dir) / "own" / f"{name}.source"
