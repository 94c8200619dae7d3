"""Where the files of a data set lie, and how they become arrays: Hub or local parquet in, uint8 images out."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lnlbench.datasets.card import Card, DataError

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import DatasetDict

SPLITS = ("train", "test")


def data_dirs(data_dir: Path | None) -> tuple[Path, ...]:
    """Return the local directories to look in: the one given, then ``$LNLBENCH_DATA``.

    Raises:
        DataError: one of them is not a directory.
    """
    named = [("data directory", data_dir), ("LNLBENCH_DATA", os.environ.get("LNLBENCH_DATA") or None)]
    found: list[Path] = []
    for what, value in named:
        if value is None:
            continue
        folder = Path(value).expanduser().resolve()
        if not folder.is_dir():
            raise DataError(f"{what} {str(value)!r} is not a directory")
        if folder not in found:
            found.append(folder)
    return tuple(found)


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


def read_local(card: Card, files: Mapping[str, list[Path]], scratch: Path) -> dict[str, np.ndarray]:
    """Decode local parquet files; ``scratch`` is a folder for the copy that Hugging Face ``datasets`` makes.

    Raises:
        DataError: a file is not parquet, or not this data set.
    """
    import datasets
    from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    shown = not are_progress_bars_disabled()
    disable_progress_bars()
    try:
        with tempfile.TemporaryDirectory(dir=scratch, prefix="decode-") as copy:
            names = {split: [str(p) for p in paths] for split, paths in files.items()}
            loaded = datasets.load_dataset("parquet", data_files=names, cache_dir=copy)
            return decode(card, loaded)
    except (datasets.exceptions.DatasetGenerationError, datasets.exceptions.DatasetsError) as error:
        place = next(iter(files.values()))[0].parent
        raise DataError(f"cannot read {card.name} from {place}: {_one_line(error.__cause__ or error)}") from error
    finally:
        if shown:
            enable_progress_bars()


def read_hub(card: Card, folder: Path | None) -> dict[str, np.ndarray]:
    """Download (or take from Hugging Face's cache) and decode the pinned revision; ``folder`` is for the advice.

    Raises:
        DataError: the Hub cannot be reached and nothing is cached.
    """
    import datasets

    try:
        loaded = datasets.load_dataset(card.hub_id, card.config, revision=card.revision)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        looked = f"is not in {folder} and" if folder else "is not at hand:"
        raise DataError(
            f"data set {card.name!r} {looked} the Hub cannot be used ({type(error).__name__}); "
            f"{download_hint(card, folder)}"
        ) from error
    return decode(card, loaded)


def decode(card: Card, loaded: DatasetDict) -> dict[str, np.ndarray]:
    """Return ``{split}_images`` uint8 ``[N, C, H, W]`` and ``{split}_labels`` int64 ``[N]`` of both splits.

    Raises:
        DataError: a column is missing, or an image or label is not what the card says.
    """
    arrays: dict[str, np.ndarray] = {}
    for split in SPLITS:
        table = loaded[split].with_format("arrow")[:]
        wanted = {card.image_column, card.label_column, *card.extra_columns}
        if missing := sorted(wanted - set(table.column_names)):
            raise DataError(
                f"{card.name} ({split}) has no column {missing[0]!r}; it has {', '.join(table.column_names)}"
            )
        column = table.column(card.image_column).combine_chunks()
        arrays[f"{split}_images"] = decode_images(card, column.field("bytes"))
        labels = table.column(card.label_column).to_numpy().astype(np.int64)
        if len(labels) and not (labels.min() >= 0 and labels.max() < card.classes):
            raise DataError(
                f"{card.name} ({split}) has labels {labels.min()} to {labels.max()}; expected 0 to {card.classes - 1}"
            )
        arrays[f"{split}_labels"] = labels
        for name in card.extra_columns:
            arrays[f"{split}_{name}"] = table.column(name).to_numpy().astype(np.int64)
    return arrays


def decode_images(card: Card, encoded: pa.Array) -> np.ndarray:
    """Decode an arrow column of encoded images, losslessly, into uint8 ``[N, C, H, W]``."""
    from PIL import Image, UnidentifiedImageError

    mode = "L" if card.channels == 1 else "RGB"
    images = np.empty((len(encoded), card.size, card.size, card.channels), np.uint8)
    for i, item in enumerate(encoded):
        try:
            with Image.open(io.BytesIO(item.as_py())) as opened:
                picture = opened if opened.mode == mode else opened.convert(mode)
                if picture.size != (card.size, card.size):
                    raise DataError(f"image {i} of {card.name} is {picture.size}; expected {card.size} × {card.size}")
                images[i] = np.asarray(picture).reshape(images.shape[1:])
        except (UnidentifiedImageError, OSError, TypeError) as error:
            raise DataError(f"image {i} of {card.name} cannot be decoded: {_one_line(error)}") from error
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
