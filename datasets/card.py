"""What the project knows about a data set before it is loaded: its card."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

MOST_CLASSES = 256  # predictions are kept as a byte each


@dataclass(frozen=True)
class Card:
    """A data set as published: where it lies, what is in it, and which version is meant.

    Attributes:
        name: the name in settings, for example ``cifar10``.
        title: the name in prose.
        hub_id: owner/name on the Hugging Face Hub; None for embedded data.
        revision: the pinned commit on the Hub, or the version of the embedded data.
        config: the Hub's configuration, also the folder of the parquet files.
        image_column: column that holds the encoded images.
        label_column: column that holds the labels.
        extra_columns: further integer columns that are kept beside the labels.
        class_names: names in the order of the labels.
        channels, size: images are ``[channels, size, size]``.
        train_size, test_size: number of images of the official splits.
        mean, std: per channel over the training images, in units of [0, 1].
        fingerprint: of the official content (see ``Images.fingerprint``); None where it is not known.
        augment: whether random crop and flip leave the label as it is.
        asymmetric: per variant of asymmetric noise, the class that each class turns into (itself: never).
        human: per short name, the column of ``noise/<name>/train.parquet`` with people's labels.
        label_folder: the folder in ``noise`` where it is not the name.
        clean_columns: columns of label files that hold the true labels, the first as in ``noise/<name>``.
        idx_folders: where the original files in the idx format may lie: below a data directory, or absolute.
        embedded: reads the arrays of a data set that needs no files.
        true_labels: whether the true labels of the training set are known.
        licence: terms of use.
        bibtex: what to cite, as a BibTeX entry; empty where there is nothing.
    """

    name: str
    title: str
    hub_id: str | None
    revision: str
    config: str | None
    image_column: str
    label_column: str
    class_names: tuple[str, ...]
    channels: int
    size: int
    train_size: int
    test_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fingerprint: str | None
    augment: bool
    licence: str
    bibtex: str = ""
    true_labels: bool = True
    extra_columns: tuple[str, ...] = ()
    asymmetric: Mapping[str, tuple[int, ...]] = field(default_factory=dict, hash=False)
    human: Mapping[str, str] = field(default_factory=dict, hash=False)
    label_folder: str | None = None
    clean_columns: tuple[str, ...] = ("clean", "clean_label")
    idx_folders: tuple[str, ...] = ()
    embedded: Callable[[], Mapping[str, np.ndarray]] | None = None

    def __post_init__(self) -> None:
        """Refuse more classes than a prediction's byte holds.

        Raises:
            ValueError: there are more than `MOST_CLASSES`.
        """
        if self.classes > MOST_CLASSES:
            raise ValueError(f"{self.name} has {self.classes} classes; at most {MOST_CLASSES} can be trained on")

    @property
    def classes(self) -> int:
        """Number of classes K."""
        return len(self.class_names)


def swapped(classes: int, moves: Mapping[int, int]) -> tuple[int, ...]:
    """Return the target of each class: ``moves`` where given, the class itself elsewhere."""
    return tuple(moves.get(k, k) for k in range(classes))


def cycled(cycles: Iterable[Iterable[int]], classes: int) -> tuple[int, ...]:
    """Return the target of each class when each group of classes turns into its next, the last into the first."""
    moves: dict[int, int] = {}
    for cycle in cycles:
        group = list(cycle)
        moves.update(zip(group, group[1:] + group[:1], strict=True))
    return swapped(classes, moves)
