"""Data of the user's own: an image folder or parquet files in Hugging Face's conventions, kept under its content."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lnlbench.datasets.card import Card
from lnlbench.datasets.loading import cache
from lnlbench.datasets.loading.errors import DataError, unknown
from lnlbench.datasets.loading.source import SPLITS

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
IMAGES, GIVEN, TRUE = ("image", "img"), ("given_label", "noisy_label", "label"), ("true_label", "clean_label")
LARGEST = 1024  # pixels a side; more is a mistake, or needs resizing first


@dataclass(frozen=True)
class Table:
    """One split as it lies on disk: encoded images and columns of labels."""

    images: Sequence[Any]  # bytes or paths
    columns: Mapping[str, Sequence[Any]]


def is_own(name: str) -> bool:
    """Whether a data set's name is one that `bring_in` gave."""
    return re.fullmatch(r"[\w.-]+@[0-9a-f]{12}", name) is not None


def bring_in(text: str, cache_dir: Path | None = None) -> str:
    """Read a data set into the cache, and return its name there: the folder's, and the hash of the content.

    Args:
        text: a folder with `train/<class>/*.png` and `test/<class>/*.png` (labels also from a `metadata.csv` beside the
            images), or with `train*.parquet` and `test*.parquet`. `folder#given=a,true=b` names the columns of the
            given and of the true labels; without names: given_label, noisy_label or label, and true_label or
            clean_label, if there is one. Test labels are the true ones.
        cache_dir: as in `load`.

    Raises:
        DataError: no such folder, no test split, an unknown column, images of mixed sizes, labels that are missing.
    """
    place, _, chosen = text.partition("#")
    names = dict(part.partition("=")[::2] for part in chosen.split(",") if part)
    if wrong := names.keys() - {"given", "true", "image"}:
        raise unknown("column", wrong.pop(), ("given", "true", "image"), f"after '#' in {text!r}")
    folder = Path(place).expanduser()
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}")
    tables = {split: _table(folder, split, names.get("image", "")) for split in SPLITS}
    true = {s: _column(tables[s], names.get("true", ""), TRUE, f"{folder} ({s})", needed=False) for s in SPLITS}
    given = _column(tables["train"], names.get("given", ""), GIVEN, f"{folder} (train)")
    scored = true["test"] or _column(tables["test"], names.get("given", ""), GIVEN, f"{folder} (test)")
    told = [labels for labels in (given, true["train"], scored) if labels]
    classes, index = _classes([label for labels in told for label in labels], str(folder))
    pixels = {split: _decoded(tables[split].images, f"{folder} ({split})") for split in SPLITS}
    if pixels["train"].shape[1:] != pixels["test"].shape[1:]:
        shapes = [" × ".join(map(str, pixels[split].shape[1:])) for split in SPLITS]
        raise DataError(f"{folder}: training images are {shapes[0]}, test images {shapes[1]}; all must be of one size")
    arrays = {
        "train_images": pixels["train"],
        "train_labels": _indices(true["train"] or given or [], index),
        "train_given": _indices(given or [], index),
        "test_images": pixels["test"],
        "test_labels": _indices(scored or [], index),
        "known": np.array([true["train"] is not None]),
        "class_names": np.frombuffer(json.dumps(classes).encode(), np.uint8).copy(),
    }
    title = re.sub(r"[^\w.-]+", "-", folder.resolve().name) or "data"
    name = f"{title}@{cache.fingerprint(arrays)[:12]}"
    path = _path(name, cache_dir)
    if not path.exists():
        cache.write(path, arrays)
    return name


def read(name: str, cache_dir: Path | None = None) -> tuple[Card, dict[str, np.ndarray], str]:
    """Return inferred card, arrays and fingerprint of a data set that was brought in.

    Raises:
        DataError: it is not in the cache any more.
    """
    try:
        arrays, digest = cache.read(_path(name, cache_dir))
    except (FileNotFoundError, cache.CorruptError):
        raise DataError(f"the data set {name!r} is not in the cache; name its folder again") from None
    names = tuple(json.loads(arrays.pop("class_names").tobytes()))
    known = bool(arrays.pop("known")[0])
    images = arrays["train_images"]
    _, channels, height, _ = images.shape
    fractions = images[:: max(1, len(images) // 5000)].astype(np.float64) / 255
    card = Card(
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
        mean=tuple(fractions.mean((0, 2, 3)).tolist()),
        std=tuple(np.maximum(fractions.std((0, 2, 3)), 1e-3).tolist()),
        fingerprint=digest,
        augment=False,
        true_labels=known,
        licence="the user's own",
        citation="",
    )
    return card, arrays, digest


def _path(name: str, cache_dir: Path | None) -> Path:
    return cache.cache_root(cache_dir) / "own" / f"{name}.arrays"


def _table(folder: Path, split: str, image: str) -> Table:
    """One split of a folder, from parquet files or from a folder of images."""
    files = sorted(p for p in folder.rglob("*.parquet") if p.name.startswith(split))
    if files:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pa.concat_tables([pq.read_table(file, partitioning=None) for file in files])
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{files[0]} cannot be read: {' '.join(str(error).split())}") from error
        columns = {name: table.column(name).to_pylist() for name in table.column_names}
        images = _column(Table((), columns), image, IMAGES, f"{folder} ({split})") or []
        encoded = [one.get("bytes") if isinstance(one, dict) else one for one in images]
        return Table(encoded, columns)
    root = folder / split
    paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in ENDINGS) if root.is_dir() else []
    if not paths:
        raise DataError(f"{folder} has no {split} split: neither {split}*.parquet nor images below {split}/")
    rows = _metadata(root / "metadata.csv", [path.relative_to(root).as_posix() for path in paths])
    if not rows or not set(GIVEN) & rows.keys():
        if any(path.parent == root for path in paths):
            raise DataError(
                f"{root} has images in no class: put each into {split}/<class>/, or name labels in metadata.csv"
            )
        rows = {"label": [path.relative_to(root).parts[0] for path in paths]} | rows
    return Table(paths, rows)


def _metadata(file: Path, names: Sequence[str]) -> dict[str, list[Any]]:
    """The columns of a `metadata.csv` in the order of the images; nothing where there is none."""
    if not file.is_file():
        return {}
    import pandas as pd

    table = pd.read_csv(file)
    if "file_name" not in table.columns:
        raise DataError(f"{file} has no column 'file_name'; it has {', '.join(map(str, table.columns))}")
    table = table.set_index("file_name")
    if missing := [name for name in names if name not in table.index]:
        raise DataError(f"{file} says nothing of {missing[0]} and {len(missing) - 1} other images")
    table = table.loc[list(names)]
    return {str(name): table[name].tolist() for name in table.columns}


def _column(table: Table, name: str, usual: Sequence[str], where: str, needed: bool = True) -> list[Any] | None:
    """A column by name, or the first usual one; None where it is neither named nor there."""
    if name and name not in table.columns:
        if not needed and where.endswith("(test)"):
            return None  # test labels may have one column only
        raise unknown("column", name, table.columns, f"in {where}")
    found = name or next((one for one in usual if one in table.columns), "")
    if not found:
        if needed:
            raise DataError(f"{where} has no column {' or '.join(usual)}; it has {', '.join(table.columns)}")
        return None
    values = list(table.columns[found])
    if empty := sum(value is None or value != value for value in values):
        raise DataError(f"{where} has {empty} rows without a value in {found!r}")
    return values


def _classes(labels: Sequence[Any], where: str) -> tuple[list[str], dict[Any, int]]:
    """Names of all classes in order, and the number of each label."""
    if all(isinstance(label, int) and not isinstance(label, bool) for label in labels):
        if min(labels) < 0:
            raise DataError(f"{where} has the label {min(labels)}; labels are names, or numbers from 0")
        names: list[Any] = list(range(max(labels) + 1))
    elif all(isinstance(label, str) for label in labels):
        names = sorted(set(labels))
    else:
        raise DataError(f"{where} mixes labels of several types; labels are names, or numbers from 0, in all columns")
    if not 2 <= len(names) <= 256:
        raise DataError(f"{where} has {len(names)} classes; 2 to 256 can be trained on")
    return [str(name) for name in names], {name: i for i, name in enumerate(names)}


def _indices(labels: Sequence[Any], index: Mapping[Any, int]) -> np.ndarray:
    return np.array([index[label] for label in labels], np.int64)


def _decoded(encoded: Sequence[Any], where: str) -> np.ndarray:
    """Images uint8 [N, C, H, W], grey where all are, of one size and square."""
    from PIL import Image, UnidentifiedImageError

    pictures: list[Any] = []
    for i, one in enumerate(encoded):
        try:
            with Image.open(one if isinstance(one, Path) else io.BytesIO(one or b"")) as opened:
                if pictures and opened.size != pictures[0].size:
                    sizes = [f"{w} × {h}" for w, h in (pictures[0].size, opened.size)]
                    raise DataError(
                        f"{where} mixes sizes: image 0 is {sizes[0]}, image {i} is {sizes[1]}; resize them first"
                    )
                if opened.size[0] != opened.size[1] or opened.size[0] > LARGEST:
                    width, height = opened.size
                    raise DataError(f"image {i} of {where} is {width} × {height}; images are square, {LARGEST} at most")
                pictures.append(opened.convert("L" if opened.mode in ("1", "L") else "RGB"))
        except (UnidentifiedImageError, OSError, TypeError) as error:
            raise DataError(f"image {i} of {where} cannot be decoded: {' '.join(str(error).split())}") from error
    mode = "L" if all(picture.mode == "L" for picture in pictures) else "RGB"
    stacked = np.stack([np.asarray(picture.convert(mode)) for picture in pictures])
    return np.ascontiguousarray(stacked[:, None] if mode == "L" else stacked.transpose(0, 3, 1, 2))
