"""What the project knows about a data set before it is loaded: its card, and the registry of cards."""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


class DataError(ValueError):
    """A data set, a noise model or a label file that cannot be used; the message is one line for the user."""


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
        embedded: reads the arrays of a data set that needs no files.
        true_labels: whether the true labels of the training set are known.
        licence: terms of use.
        citation: whom to cite.
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
    citation: str
    true_labels: bool = True
    extra_columns: tuple[str, ...] = ()
    asymmetric: Mapping[str, tuple[int, ...]] = field(default_factory=dict, hash=False)
    human: Mapping[str, str] = field(default_factory=dict, hash=False)
    label_folder: str | None = None
    clean_columns: tuple[str, ...] = ("clean", "clean_label")
    embedded: Callable[[], Mapping[str, np.ndarray]] | None = None

    @property
    def classes(self) -> int:
        """Number of classes K."""
        return len(self.class_names)


def unknown(what: str, name: str, known: Iterable[str], where: str = "") -> DataError:
    """Return the error for a name that is not registered (``where``), with the closest one that is."""
    names = sorted(known)
    place = f" {where}" if where else ""
    if not names:
        return DataError(f"there is no {what}{place}, so not {name!r} either")
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return DataError(f"unknown {what} {name!r}{place}; {hint}known: {', '.join(names)}")


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


@functools.cache
def cards() -> dict[str, Card]:
    """Return every data set's card by name: each module of this folder that defines ``CARD`` is one."""
    found: dict[str, Card] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)])):
        card = getattr(importlib.import_module(f"{__package__}.{module}"), "CARD", None)
        if card is None:
            continue
        if card.name in found:
            raise DataError(f"two data sets are called {card.name!r}; the second is in {module}.py")
        found[card.name] = card
    return found


def card(name: str) -> Card:
    """Return the card of one data set.

    Raises:
        DataError: the name is not known; the message names the closest one.
    """
    from lnlbench.datasets.loading import own

    if own.is_own(name):
        return own.read(name)[0]
    known = cards()
    if name not in known:
        raise unknown("data set", name, known)
    return known[name]
