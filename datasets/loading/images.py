"""Load a data set by name: from a local directory, the Hub, or the package it is embedded in."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lnlbench.datasets.card import Card
from lnlbench.datasets.loading import cache, elsewhere, idx, own, source
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.registry import card

MAIN = ("train_images", "train_labels", "test_images", "test_labels")


@dataclass(frozen=True, eq=False)
class Images:
    """A decoded data set.

    Attributes:
        name: as on the card.
        revision: the pinned revision that was asked for.
        source: where it came from, for people.
        fingerprint: SHA-256 (hex) of the decoded content: pixels, labels and extra columns of both splits.
        card: what is known of the data set.
        train_images, test_images: uint8 ``[N, C, H, W]``, values 0 to 255.
        train_labels, test_labels: the true labels, int64 ``[N]``.
        extra: further int64 columns, ``train_<column>`` and ``test_<column>``.
        data_dirs: local directories that were looked in, where label files may lie.
    """

    name: str
    revision: str
    source: str
    fingerprint: str
    card: Card
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)
    data_dirs: tuple[Path, ...] = ()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names in the order of the labels."""
        return self.card.class_names

    @property
    def official(self) -> bool | None:
        """Whether the content is the official one; None where the official fingerprint is not known."""
        full = (len(self.train_labels), len(self.test_images)) == (self.card.train_size, self.card.test_size)
        if not full:
            return False
        return None if self.card.fingerprint is None else self.fingerprint == self.card.fingerprint


def load(name: str, data_dir: Path | None = None, cache_dir: Path | None = None) -> Images:
    """Load a data set; the first time decodes it, later ones read the cache (50,000 images: 0.2 s).

    The order is ``data_dir``, ``$LNLBENCH_DATA``, the original idx files there or where a system keeps them, then the
    Hub at the pinned revision. The cache is keyed by the
    content of the files, so that two directories with the same data share it and others never do.

    Raises:
        DataError: the name is unknown, or the data set is nowhere; the message says which folder to fill.
    """
    dirs = source.data_dirs(data_dir)
    if own.is_own(name):
        inferred, contents, digest = own.read(name, cache_dir)
        return _images(inferred, contents, digest, "the user's own", dirs)
    wanted = card(name)
    path, build, origin = _way(wanted, dirs, cache.cache_root(cache_dir))
    arrays: cache.Arrays
    try:
        arrays, digest = cache.through(path, build)
    except DataError:
        if wanted.embedded is None:
            raise
        arrays = wanted.embedded()  # a home that cannot be written is no reason to have no data
        digest = cache.fingerprint(arrays)
    return _images(wanted, arrays, digest, origin, dirs)


def load_blind(name: str, data_dir: Path | None = None, cache_dir: Path | None = None) -> Images:
    """Load a data set as `load` does, but for the labels of its test set, which never enter this process.

    Another process decodes it, and names the file of the cache. Arrays are copied, not shared with other processes.

    Raises:
        DataError: as from `load`; the cache cannot be written.
    """
    path, origin = elsewhere.cached(name, data_dir, cache_dir)
    try:
        arrays, digest = cache.read(path, leave=lambda one: one.startswith("test_") and one != "test_images")
    except (OSError, cache.CorruptError) as error:
        raise DataError(f"the cache {path} cannot be read just after it was written: {error}") from error
    wanted = own.card_of(name, arrays, digest) if own.is_own(name) else card(name)
    arrays["test_labels"] = np.empty(0, np.int64)
    return _images(wanted, arrays, digest, origin, source.data_dirs(data_dir))


def cached(name: str, data_dir: Path | None = None, cache_dir: Path | None = None) -> tuple[Path, str]:
    """Return the file of the cache that `load` reads, made if need be, and where the data set came from.

    Raises:
        DataError: as from `load`; the cache cannot be written.
    """
    dirs = source.data_dirs(data_dir)
    if own.is_own(name):
        own.read_arrays(name, cache_dir)
        return own.path_of(name, cache_dir), "the user's own"
    path, build, origin = _way(card(name), dirs, cache.cache_root(cache_dir))
    cache.through(path, build)
    return path, origin


def locate(name: str, data_dir: Path | None = None, cache_dir: Path | None = None) -> str | None:
    """Return where ``load`` would find a data set, without decoding or network; None if it must be downloaded.

    Raises:
        DataError: the name is unknown, or ``data_dir`` is not a directory.
    """
    if own.is_own(name):
        return cached(name, data_dir, cache_dir)[1]
    wanted = card(name)
    if wanted.embedded is not None:
        return "embedded"
    dirs = source.data_dirs(data_dir)
    try:
        local = _local_copy(wanted, dirs)
    except DataError:  # an incomplete copy, which load reports
        return None
    if local:
        return f"local directory {local[0]}"
    path = _cache_path(cache.cache_root(cache_dir), wanted, f"{wanted.hub_id}@{wanted.revision}")
    if path.is_file():
        return f"cache {path}"
    place = source.hub_cache(wanted)
    return None if place is None else f"Hub cache {place}"


def _local_copy(
    wanted: Card, dirs: tuple[Path, ...]
) -> tuple[Path, Mapping[str, list[Path]], Callable[..., Mapping[str, np.ndarray]]] | None:
    """Return place, files and reader of a copy on this machine: in the Hub's layout, or the original idx files."""
    for folder in dirs:
        if files := source.local_files(wanted, folder):
            return folder / str(wanted.hub_id), files, source.read_local
    if files := idx.idx_files(wanted, dirs):
        return files["train"][0].parent, files, idx.read_idx
    return None


def _way(wanted: Card, dirs: tuple[Path, ...], root: Path) -> tuple[Path, cache.Build, str]:
    """Return the cache file of a data set, what fills it, and where that has it from."""
    if wanted.embedded is not None:  # its package takes a second to import, and is not asked where the file is there
        return embedded_cache(wanted, root), wanted.embedded, "embedded"
    if local := _local_copy(wanted, dirs):
        place, files, reader = local
        content = cache.hash_files([p for split in source.SPLITS for p in files[split]], root / "sources.json")
        return _cache_path(root, wanted, content), functools.partial(reader, wanted, files), str(place)
    hub = f"{wanted.hub_id}@{wanted.revision}"
    return _cache_path(root, wanted, hub), functools.partial(_from_hub, wanted, dirs), f"Hub {hub}"


def embedded_cache(wanted: Card, root: Path) -> Path:
    """Return the cache file of a data set that a package brings."""
    return _cache_path(root, wanted, wanted.revision)


def _cache_path(root: Path, wanted: Card, content: str) -> Path:
    # All that decides what the decoded arrays are, and nothing else.
    asked = [cache.MAGIC.decode(), content, wanted.image_column, wanted.label_column, *wanted.extra_columns]
    key = hashlib.sha256("\n".join([*asked, f"{wanted.channels}x{wanted.size}"]).encode()).hexdigest()
    return root / f"{wanted.name}-{key[:24]}.arrays"


def _from_hub(wanted: Card, dirs: tuple[Path, ...]) -> Mapping[str, np.ndarray]:
    arrays = source.read_hub(wanted, dirs[0] if dirs else None)
    # A local directory may hold a part on purpose; what the Hub sends must be the whole, or results do not compare.
    sizes, digest = (len(arrays["train_labels"]), len(arrays["test_labels"])), cache.fingerprint(arrays)
    if sizes != (wanted.train_size, wanted.test_size) or wanted.fingerprint not in (None, digest):
        raise DataError(
            f"what the Hub holds as {wanted.hub_id}@{wanted.revision} is not the official {wanted.title}: "
            f"{sizes[0]} + {sizes[1]} images with fingerprint {digest[:12]}"
        )
    return arrays


def _images(wanted: Card, arrays: Mapping[str, np.ndarray], digest: str, origin: str, dirs: tuple[Path, ...]) -> Images:
    main = {name: arrays[name] for name in MAIN}
    extra = {name: array for name, array in arrays.items() if name not in MAIN}
    return Images(wanted.name, wanted.revision, origin, digest, wanted, **main, extra=extra, data_dirs=dirs)
