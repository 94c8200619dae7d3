"""Labels that others made: human annotators, shipped files of papers, a file of the user's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from lnlbench.datasets.card import Card
from lnlbench.datasets.loading.errors import DataError, unknown
from lnlbench.datasets.loading.images import Images
from lnlbench.datasets.loading.label_reader import is_whole, read_columns
from lnlbench.datasets.loading.place import expanded, split_place
from lnlbench.datasets.noise.base import Noise, register


def fitting(columns: dict[str, np.ndarray], column: str, images: Images, path: Path) -> np.ndarray:
    """Return one column as given labels, int64 ``[N]``, after checking that it belongs to this training set.

    Raises:
        DataError: wrong length, out of range, not integers; or the file's clean labels are not the data set's
            (the files of CIFAR-N exist in two orders), or agree with the true labels by chance alone.
    """
    true, classes, clean = images.train_labels, images.card.classes, images.card.clean_columns
    for name in (column, *(c for c in clean if c in columns)):
        labels = columns[name]
        where = f"{path} ({name})" if name else str(path)
        if labels.shape != true.shape:
            raise DataError(f"{where} has shape {labels.shape}; {images.name} has {len(true)} training images")
        if labels.dtype.kind not in "iu":
            raise DataError(f"{where} holds {_no_label_in(labels)}; labels are integers from 0 to {classes - 1}")
        if len(labels) and not (labels.min() >= 0 and labels.max() < classes):
            raise DataError(f"{where} holds labels {labels.min()} to {labels.max()}; expected 0 to {classes - 1}")
        if name in clean and (wrong := int((labels != true).sum())):
            raise DataError(
                f"the clean labels of {path} differ from those of {images.name} in {wrong} of {len(true)} places: "
                "another order or another data set"
            )
    given = columns[column].astype(np.int64)
    _refuse_chance(given, images, f"{path} ({column})" if column else str(path))
    return given


def _no_label_in(labels: np.ndarray) -> str:
    """Return what labels [N] hold that are no integers: of texts the first that is none, where it can be told."""
    if labels.dtype.kind not in "US":
        return f"{labels.dtype} values"
    row = next((row for row, text in enumerate(labels) if not is_whole(str(text))), 0)
    return f"the text {str(labels[row])!r} in row {row + 1}"


def _refuse_chance(given: np.ndarray, images: Images, where: str) -> None:
    """Refuse labels that agree with the true ones no better than if their rows were shuffled.

    Raises:
        DataError: the agreement is less than three standard deviations above what chance gives.
    """
    true, classes = images.train_labels, images.card.classes
    if not len(true):
        return
    shares = [np.bincount(labels, minlength=classes) / len(true) for labels in (true, given)]
    chance = float(shares[0] @ shares[1])
    agreement = float((given == true).mean())
    if agreement - chance <= 3 * np.sqrt(chance * (1 - chance) / len(true)) and agreement < 1:
        raise DataError(
            f"{where} agrees with the true labels of {images.name} in {agreement:.1%} of {len(true)} places, no more "
            f"than by chance ({chance:.1%}): another order, or another data set? Its rows are those of "
            f"lnlbench.benchmark.images_of({images.name!r}).train_labels"
        )


@dataclass(frozen=True)
class Fixed(Noise):
    """Given labels that are read, not drawn: the same for every seed."""

    guaranteed: ClassVar[bool] = False
    drawn: ClassVar[bool] = False
    whole: ClassVar[bool] = True

    def column(self, card: Card) -> str:
        """Return the column of ``noise/<data set>/train.parquet``."""
        return self.option

    def draw(self, images: Images, generator: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the column of the first local directory that has the file."""
        column, clean = self.column(images.card), images.card.clean_columns[0]
        relative = Path("noise") / (images.card.label_folder or images.name) / "train.parquet"
        places = [folder / relative for folder in images.data_dirs]
        path = next((place for place in places if place.is_file()), None)
        if path is None:
            looked = f"; looked for {', '.join(map(str, places))}" if places else ""
            raise DataError(
                f"'{self}' needs the label file <data-dir>/{relative} with the columns {clean!r} and {column!r}; "
                f"give --data-dir or LNLBENCH_DATA{looked}"
            )
        columns = read_columns(path)
        if column not in columns:
            raise unknown("label column", column, columns, f"in {path}")
        if clean not in columns:
            raise DataError(f"{path} has no column {clean!r} to check the order of its rows against")
        return fitting(columns, column, images, path), {"file": str(relative), "column": column}


@register("labels")
class Labels(Fixed):
    """``labels-<column>``: any column of ``<data-dir>/noise/<data set>/train.parquet``."""

    family = "file"

    @classmethod
    def parse(cls, rest: str) -> Self:
        """Return the model for a column."""
        if not rest:
            raise DataError("write labels-<column>, for example labels-dal_sym40")
        return cls(option=rest)


@register("human")
class Human(Fixed):
    """``human-worst`` and the like: labels of human annotators (CIFAR-N; Wei et al., ICLR 2022)."""

    family = "human"

    @classmethod
    def parse(cls, rest: str) -> Self:
        """Return the model for one of the card's names."""
        if not rest:
            raise DataError("write human-<name>, for example human-worst")
        return cls(option=rest)

    def check(self, card: Card) -> None:
        """Refuse a data set without these labels."""
        self.column(card)

    def reference(self, card: Card) -> Noise:
        """Return the set with the most wrong labels, "worst"; where there is one set, that one."""
        return replace(self, option="worst") if "worst" in card.human else self

    def column(self, card: Card) -> str:
        """Return the column behind the short name."""
        if self.option not in card.human:
            raise unknown("set of human labels", self.option, card.human, f"for {card.name}")
        return card.human[self.option]


@register("file")
@dataclass(frozen=True)
class File(Fixed):
    """``file:PATH`` or ``file:PATH#COLUMN``: a label file (see `label_reader`), or a column of it."""

    family: ClassVar[str] = "file"
    separator: ClassVar[str] = ":"
    path: str = ""

    @classmethod
    def parse(cls, rest: str) -> Self:
        """Return the model for a path."""
        path, column = split_place(rest)
        if not path:
            raise DataError("write file:PATH or file:PATH#COLUMN")
        return cls(option=column, path=path)

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}" + (f"#{self.option}" if self.option else "")

    def draw(self, images: Images, generator: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the labels of the file."""
        path = expanded(self.path)
        columns = read_columns(path)
        column = self.option
        if not column:
            noisy = [name for name in columns if name not in images.card.clean_columns]
            if len(noisy) != 1:
                what = "several columns" if noisy else "clean labels alone"
                raise DataError(f"{path} has {what}; write file:{self.path}#COLUMN, one of {', '.join(columns)}")
            column = noisy[0]
        if column not in columns:
            raise unknown("label column", column, filter(None, columns), f"in {path}")
        return fitting(columns, column, images, path), {"file": path.name, "column": column or None}
