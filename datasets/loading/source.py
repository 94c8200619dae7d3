"""Where the files of a data set lie, and how they become arrays: Hub or local parquet in, uint8 images out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lnlbench.datasets.card import Card
from lnlbench.datasets.loading.errors import DataError, one_line
from lnlbench.datasets.loading.pixels import decode_picture
from lnlbench.datasets.loading.place import expanded, is_folder

if TYPE_CHECKING:
    import pyarrow as pa

SPLITS = ("train", "test")


def data_dirs(data_dir: Path | None) -> tuple[Path, ...]:
    """Return the local directories to look in: the one given, then ``$LNLBENCH_DATA``.

    Raises:
        DataError: one of them is not a directory.
    """
    named = [("data directory", data_dir), ("LNLBENCH_DATA", os.environ.get("LNLBENCH_DATA") or None)]
    folders: list[Path] = []
    for what, value in named:
        if value is None:
            continue
        folder = Path(os.path.realpath(expanded(value)))  # of a link to itself `resolve` is an error
        if not is_folder(folder):
            raise DataError(f"{what} {str(value)!r} is not a directory")
        if folder not in folders:
            folders.append(folder)
    return tuple(folders)


def local_files(card: Card, folder: Path) -> dict[str, list[Path]] | None:
    """Return the parquet files of each split under ``folder`` in the Hub's layout, or None if there are none.

    Raises:
        DataError: a split or a shard of it is missing.
    """
    if card.hub_id is None or card.config is None:
        return None
    place = folder / card.hub_id / card.config
    files = {split: sorted(place.glob(f"{split}-*.parquet")) for split in SPLITS}
    if not any(files.values()):
        return None
    for split, paths in files.items():
        # train-00000-of-00002.parquet says how many there should be: half a download is not a data set.
        shards = {int(p.stem.rpartition("-of-")[2]) for p in paths if p.stem.rpartition("-of-")[2].isdigit()}
        if not paths or (shards and shards != {len(paths)}):
            raise DataError(f"{place} holds {len(paths)} of its {split} files; {download_hint(card, folder)}")
    return files


def hub_cache(card: Card) -> Path | None:
    """Return where Hugging Face ``datasets`` keeps the pinned revision, or None if it has not been downloaded."""
    if card.hub_id is None or card.config is None:
        return None
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    root = os.environ.get("HF_DATASETS_CACHE") or Path(home) / "datasets"
    place = Path(root).expanduser() / card.hub_id.replace("/", "___") / card.config / "0.0.0" / card.revision
    return place if place.is_dir() else None


def download_hint(card: Card, folder: Path | None) -> str:
    """Return the sentence that says which folder to fill, and how."""
    target = f"{folder or '<data-dir>'}/{card.hub_id}"
    command = f"hf download {card.hub_id} --repo-type dataset --revision {card.revision} --local-dir {target}"
    where = "" if folder else ", with --data-dir <data-dir> or LNLBENCH_DATA=<data-dir>"
    return f"fill {target} with `{command}`{where}"


def read_local(card: Card, files: Mapping[str, list[Path]]) -> dict[str, np.ndarray]:
    """Decode local parquet files.

    They are read as they are: Hugging Face ``datasets`` would first copy all of it into a cache of its own.

    Raises:
        DataError: a file is not parquet, or not this data set.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = {}
    for split, paths in files.items():
        try:
            tables[split] = pa.concat_tables([pq.read_table(path, partitioning=None) for path in paths])
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"cannot read {card.name} ({split}) from {paths[0].parent}: {one_line(error)}") from error
    return decode(card, tables)


def read_hub(card: Card, folder: Path | None) -> dict[str, np.ndarray]:
    """Download (or take from Hugging Face's cache) and decode the pinned revision; ``folder`` is for the advice.

    Raises:
        DataError: the Hub cannot be reached and nothing is cached, or the cache holds another revision only.
    """
    import datasets
    from huggingface_hub import HfApi

    looked = f"is not in {folder} and" if folder else "is not at hand:"
    try:
        if hub_cache(card) is None:
            # Asked once with a short patience: load_dataset tries for half a minute before it gives up.
            HfApi().dataset_info(str(card.hub_id), revision=card.revision, timeout=10)
        loaded = datasets.load_dataset(card.hub_id, card.config, revision=card.revision)
    except Exception as error:  # its HTTP client, and with it the errors, differ between versions
        raise DataError(
            f"data set {card.name!r} {looked} the Hub cannot be used ({type(error).__name__}); "
            f"{download_hint(card, folder)}"
        ) from error
    # Without a connection load_dataset takes the latest revision in its cache, whatever was asked for.
    places = [Path(entry["filename"]).parts for split in SPLITS for entry in loaded[split].cache_files]
    if not all(card.revision in parts for parts in places):
        raise DataError(
            f"data set {card.name!r} {looked} Hugging Face's cache holds another revision than {card.revision}; "
            f"{download_hint(card, folder)}"
        )
    return decode(card, {split: loaded[split].with_format("arrow")[:] for split in SPLITS})


def decode(card: Card, tables: Mapping[str, pa.Table]) -> dict[str, np.ndarray]:
    """Return ``{split}_images`` uint8 ``[N, C, H, W]`` and ``{split}_labels`` int64 ``[N]`` of both splits.

    Raises:
        DataError: a column is missing, or an image or label is not what the card says.
    """
    arrays: dict[str, np.ndarray] = {}
    for split, table in tables.items():
        for name in (card.image_column, card.label_column, *card.extra_columns):
            if name not in table.column_names:
                raise DataError(f"{card.name} ({split}) has no column {name!r}; it has {', '.join(table.column_names)}")
        labels = _integers(card, split, table, card.label_column)
        if len(labels) and not (labels.min() >= 0 and labels.max() < card.classes):
            raise DataError(
                f"{card.name} ({split}) has labels {labels.min()} to {labels.max()}; expected 0 to {card.classes - 1}"
            )
        arrays[f"{split}_labels"] = labels
        for name in card.extra_columns:
            arrays[f"{split}_{name}"] = _integers(card, split, table, name)
        arrays[f"{split}_images"] = decode_images(card, table.column(card.image_column))
    return arrays


def decode_images(card: Card, encoded: pa.ChunkedArray) -> np.ndarray:
    """Decode a column of encoded images (bytes, or the Hub's bytes and path) into uint8 ``[N, C, H, W]``."""
    mode = "L" if card.channels == 1 else "RGB"
    images = np.empty((len(encoded), card.size, card.size, card.channels), np.uint8)
    for i, item in enumerate(encoded):
        value = item.as_py()
        content = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(content, bytes):
            raise DataError(f"image {i} of {card.name} cannot be decoded: it is {type(content).__name__}, not bytes")
        picture = decode_picture(content, f"image {i} of {card.name}", Counter())
        if picture.size != (card.size, card.size):
            width, height = picture.size
            raise DataError(f"image {i} of {card.name} is {width} × {height}; expected {card.size} × {card.size}")
        images[i] = np.asarray(picture.convert(mode)).reshape(images.shape[1:])
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def _integers(card: Card, split: str, table: pa.Table, name: str) -> np.ndarray:
    column = table.column(name)
    if column.null_count:
        raise DataError(f"{card.name} ({split}) has {column.null_count} images without a value in {name!r}")
    values: np.ndarray = column.to_numpy()
    if values.dtype.kind not in "iu":
        raise DataError(f"{card.name} ({split}) has {values.dtype} values in {name!r}; labels are integers")
    return values.astype(np.int64)
