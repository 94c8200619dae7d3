"""Turn columns of labels into classes: names, or numbers where all sides are numbers."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lnlbench.datasets.card import MOST_CLASSES
from lnlbench.datasets.loading.errors import DataError, listed

WHOLE = re.compile(r"-?\d+(?:\.0*)?")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def is_missing(value: Any) -> bool:
    """Say whether a row of a column has no value: nothing, an empty text or no number."""
    return bool(value is None or value != value or value == "")


def label_texts(values: Sequence[Any], where: str) -> list[str]:
    """Return a column of labels as text: whole numbers without fraction, booleans as False and True.

    Raises:
        DataError: a row without a value, a number with a fraction, or values that are no labels.
    """
    if missing := sum(map(is_missing, values)):
        raise DataError(f"{where} has {missing} rows without a value")
    texts = [_text(value, where) for value in values]
    if all(map(NUMBER.fullmatch, texts)):
        if fractions := [text for text in texts if not WHOLE.fullmatch(text)]:
            raise DataError(f"{where} has the label {fractions[0]}; labels are names or whole numbers")
        numbers = [str(int(text.partition(".")[0])) for text in texts]
        # 01 and 1 in one column are two names: as numbers they would be one class.
        if len({text.partition(".")[0] for text in texts}) == len(set(numbers)):
            return numbers
    return texts


def class_names(sides: Iterable[Sequence[str]], where: str) -> list[str]:
    """Return the classes of all sides in order: numbers by size where all are numbers, else names.

    A number that no row has makes no class.

    Raises:
        DataError: a negative number, or fewer than 2 or more than 256 classes.
    """
    labels = sorted({label for side in sides for label in side})
    if all(map(WHOLE.fullmatch, labels)):
        labels.sort(key=int)
        if int(labels[0]) < 0:
            raise DataError(
                f"{where} has the label {labels[0]}, which often marks rows without a label; labels are names, or "
                "numbers from 0"
            )
    if not 2 <= len(labels) <= MOST_CLASSES:
        raise DataError(f"{where} has {len(labels)} classes; 2 to {MOST_CLASSES} can be trained on")
    return labels


def check_sides(train: Mapping[str, Sequence[str]], test: Sequence[str], where: str) -> None:
    """Refuse sides that name their classes in different ways.

    Args:
        train: columns of the training split by what they are, ``given`` and perhaps ``true``.
        test: the labels that scores are made of.
        where: what messages call the data set.

    Raises:
        DataError: two sides have no label in common.
    """
    sides = [("given labels", train["given"]), ("test labels", test)]
    sides += [("true labels", train["true"])] if "true" in train else []
    first, labels = sides[0][0], set(sides[0][1])
    for name, others in sides[1:]:
        if not labels & set(others):
            raise DataError(
                f"{where}: no label is both among the {first} ({listed(sorted(labels))}) and the {name} "
                f"({listed(sorted(set(others)))}); write them alike"
            )


def label_notes(names: Sequence[str], train: Sequence[str], test: Sequence[str], where: str) -> list[str]:
    """Return what is to be said about classes: look-alikes, classes of one split only, numbers with gaps."""
    notes = []
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(_folded(name), []).append(name)
    notes += [
        f"{where}: {' and '.join(map(repr, group))} differ in case, spaces or zeros alone, and are {len(group)} classes"
        for group in alike.values()
        if len(group) > 1
    ]
    if untaught := sorted(set(test) - set(train)):
        notes.append(f"{where}: {_classes(untaught)} test images and no training image")
    if untested := sorted(set(train) - set(test)):
        notes.append(f"{where}: {_classes(untested)} training images and no test image")
    if all(map(WHOLE.fullmatch, names)) and [*names] != [str(i) for i in range(len(names))]:
        notes.append(f"{where}: the labels {listed(names, 5)} are {len(names)} classes, numbered from 0 in training")
    return notes


def _text(value: Any, where: str) -> str:
    if isinstance(value, str):
        text = unicodedata.normalize("NFC", value)
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
            raise DataError(f"{where} has the label {value!a}, with a character that cannot be shown")
        return text
    if isinstance(value, float) and not math.isfinite(value):
        raise DataError(f"{where} has the label {value}; labels are names or whole numbers")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, (bool, int)):
        return str(value)
    kind = type(value).__name__
    raise DataError(f"{where} has labels of type {kind}; labels are text, whole numbers or booleans")


def _folded(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split()).lstrip("0") or "0"


def _classes(names: Sequence[str]) -> str:
    return f"the class {names[0]} has" if len(names) == 1 else f"the {len(names)} classes {listed(names)} have"
