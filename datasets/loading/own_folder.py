"""Turn a folder of the user's own into arrays: images, given labels, true labels where they are known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.labels import check_sides, class_names, is_missing, label_notes, label_texts
from lnlbench.datasets.loading.layout import find_splits
from lnlbench.datasets.loading.pixels import decode_picture, refuse_constant, stacked
from lnlbench.datasets.loading.source import SPLITS
from lnlbench.datasets.loading.split_table import SplitTable, read_split

if TYPE_CHECKING:
    from PIL.Image import Image

GIVEN, TRUE = ("given_label", "noisy_label", "label"), ("true_label", "clean_label")
LARGEST = 1024  # pixels a side; more is a mistake, or needs resizing first


def read_folder(folder: Path, columns: Mapping[str, str]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the arrays of a folder, and what is to be said of it, one line each.

    Args:
        folder: as described in `own.bring_in`.
        columns: names of columns under ``given``, ``true`` and ``image``, where they are not the usual ones.

    Raises:
        DataError: it cannot be used.
    """
    layout = find_splits(folder)
    tables = {
        split: read_split(layout.splits[split], layout.metadata, folder, split, columns.get("image", ""))
        for split in SPLITS
    }
    train, test, notes = tables["train"], tables["test"], layout.notes
    true = _known(train, columns.get("true", ""))
    given = _needed(train, columns.get("given", ""), GIVEN)
    order = (columns.get("true", ""), *TRUE, columns.get("given", ""), *GIVEN)
    scored = _needed(test, "", order)  # of the test split the first of these, so that it may have one column alone
    sides = {"given": given} | ({} if true is None else {"true": true})
    names = class_names([*sides.values(), scored], str(folder))
    check_sides(sides, scored, str(folder))
    notes += label_notes(names, [*given, *(true or ())], scored, str(folder))
    index = {name: i for i, name in enumerate(names)}
    pixels = {split: _decoded(tables[split], notes) for split in SPLITS}
    if pixels["train"].shape[2:] != pixels["test"].shape[2:]:
        shapes = [" × ".join(map(str, pixels[split].shape[2:])) for split in SPLITS]
        raise DataError(f"{folder}: training images are {shapes[0]}, test images {shapes[1]}; all must be of one size")
    if pixels["train"].shape[1] != pixels["test"].shape[1]:  # one split is grey: as if it had been stored in colour
        pixels = {split: images.repeat(3 // images.shape[1], axis=1) for split, images in pixels.items()}
    arrays = {
        "train_images": pixels["train"],
        "train_labels": _indices(given if true is None else true, index),
        "train_given": _indices(given, index),
        "test_images": pixels["test"],
        "test_labels": _indices(scored, index),
        "known": np.array([true is not None]),
        "class_names": np.frombuffer(json.dumps(names).encode(), np.uint8).copy(),
    }
    return arrays, notes


def _known(train: SplitTable, wanted: str) -> list[str] | None:
    """Return the true labels of the training split; None without a usual column that some row has a value in.

    A table of both splits has the column empty there where the test images alone were looked at again.
    """
    chosen = train.column(wanted, TRUE)
    if not wanted and chosen is not None and all(map(is_missing, chosen[1])):
        return None
    return _optional(train, wanted, TRUE)


def _optional(table: SplitTable, wanted: str, usual: Sequence[str]) -> list[str] | None:
    chosen = table.column(wanted, usual)
    return None if chosen is None else label_texts(chosen[1], f"{table.where}, column {chosen[0]!r},")


def _needed(table: SplitTable, wanted: str, usual: Sequence[str]) -> list[str]:
    labels = _optional(table, wanted, usual)
    if labels is None:
        raise DataError(
            f"{table.where} has no column {' or '.join(filter(None, usual))}; it has {', '.join(table.columns)}"
        )
    return labels


def _indices(labels: Sequence[str], index: dict[str, int]) -> np.ndarray:
    return np.array([index[label] for label in labels], np.int64)


def _decoded(table: SplitTable, notes: list[str]) -> np.ndarray:
    """Return a split's images, uint8 ``[N, C, H, W]``: grey where all are, of one size and square."""
    pictures: list[Image] = []
    remarks: Counter[str] = Counter()
    for content, name in zip(table.images, table.names, strict=True):
        picture = decode_picture(content, name, remarks, LARGEST)
        width, height = picture.size
        if width != height:
            raise DataError(f"{name} is {width} × {height}; images are square, {LARGEST} at most")
        if pictures and picture.size != pictures[0].size:
            first = pictures[0].size[0]
            raise DataError(
                f"{table.where} mixes sizes: {table.names[0]} is {first} × {first}, {name} is {width} × {height}; "
                "resize them first"
            )
        pictures.append(picture)
    images = stacked(pictures)
    constant = refuse_constant(images, table.where)
    notes += [f"{table.where}: {count} of {len(images)} images have {what}" for what, count in remarks.items() if count]
    notes += [constant] if constant else []
    return images
