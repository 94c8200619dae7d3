"""The form of a record: what its values may be, so that a malformed one is refused by name and stops nothing else."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.text import CONTROL

TRIAL = "tuning"
"""The track of a trial of a search, which has no test accuracy and is on no board."""
TRAINED = ("default", "paper", "open")
"""The tracks of what `lnlbench run` trains: a setting is of one of them."""
TUNED, UNCONFIRMED = "tuned", "unconfirmed"
SEARCHED = (TUNED, UNCONFIRMED)
"""The tracks of what a search chose, and of what it would have chosen without its confirming stage."""
LONGEST = 10_000
"""Characters of a text; the method of a long composition has a few hundred."""
DEEPEST = 8
"""Levels of a record's nested values."""

_RANGES = {
    "protocol": (1, 1_000_000),
    "replicate": (0, 10**12),
    "networks": (1, 1_000),
    "classes": (1, 1_000_000),
    "report": (-1, 1_000_000),
    "epochs": (0, 1_000_000),
}
_PARTS = ("setting", "seeds", "dataset", "noise", "split", "told", "tuning", "diagnostics")
_FACTS: dict[str, Mapping[str, tuple[float, float]]] = {
    "noise": {"nominal_rate": (0, 1), "realised_rate": (0, 1), "classes": (1, 1e6), "samples": (0, 1e12)},
    "split": {"train": (0, 1e12), "validation": (0, 1e12), "test": (0, 1e12)},
}


def check_form(record: Mapping[str, Any]) -> None:
    """Refuse a record that no run can have written.

    Args:
        record: its fields by name, of the right types, its curves as lists of numbers.

    Raises:
        StoreError: naming the field, what came, and what would be right.
    """
    for name, value in record.items():
        if name not in ("curves", "predictions"):
            _plain(value, name, 0)
    for name, (low, high) in _RANGES.items():
        if not low <= record[name] <= high:
            raise StoreError(f"the field {name!r} of a record is in {low} to {high}, got {record[name]}")
    for name in ("key", "dataset", "setting", "noise", "length", "track", "method", "label"):
        if not record[name]:
            raise StoreError(f"the field {name!r} of a record is empty")
    if not all(isinstance(told, str) for told in record["told"]):
        raise StoreError(f"what a method is told is named by texts, got {record['told']!r}")
    _curves(record["curves"], record["track"] == TRIAL)
    _identity(record["identity"])
    for name, value in record["cost"].items():
        if not (is_number(value) and value >= 0):
            raise StoreError(f"the cost {name!r} of a record is a number from 0, got {value!r}")


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a finite number, which a truth value is not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _curves(curves: Mapping[str, Sequence[float | None]], trial: bool) -> None:
    for name, curve in curves.items():
        _text(name, "curves")
        least = 0.0 if name.startswith("seconds") or name.endswith("passes") else -math.inf
        most = math.inf
        if "accuracy" in name:
            least, most = 0.0, 1.0
        elif least < 0:
            continue  # losses and distances of a diverged run may be anything
        for epoch, value in enumerate(curve):
            if value is not None and not least <= value <= most:
                raise StoreError(f"{name} of epoch {epoch} is in {least:g} to {most:g}, got {value!r}")
    needed = ("validation_accuracy",) if trial else ("validation_accuracy", "test_accuracy")
    for name in needed:
        if None in curves[name]:
            raise StoreError(f"{name} of epoch {curves[name].index(None)} is missing")


def _identity(identity: Mapping[str, Any]) -> None:
    for part in _PARTS:
        if part in identity and not isinstance(identity[part], dict):
            raise StoreError(f"the part {part!r} of a record's identity is an object, got {identity[part]!r:.60}")
    for part, facts in _FACTS.items():
        for name, (low, high) in facts.items():
            value = identity.get(part, {}).get(name)
            if value is not None and not (is_number(value) and low <= value <= high):
                raise StoreError(f"{part}.{name} of a record's identity is in {low:g} to {high:g}, got {value!r}")
    sources = identity.get("sources", [])
    if not (isinstance(sources, list) and all(isinstance(source, str) for source in sources)):
        raise StoreError(f"the sources of a record's method are a list of texts, got {sources!r:.60}")
    scores = identity.get("tuning", {}).get("scores", [])
    if not isinstance(scores, Sequence) or not all(map(_is_pair, scores)):
        raise StoreError("the scores of a record's tuning are pairs of accuracies in 0 to 1")
    confirming = identity.get("tuning", {}).get("confirming", [])
    if not isinstance(confirming, Sequence) or not all(map(_is_confirming, confirming)):
        raise StoreError("what confirms a record's tuning is a trial with as many validation as test accuracies, each")


def _plain(value: object, name: str, depth: int) -> None:
    """Refuse texts that would command a terminal, and nesting without end."""
    if isinstance(value, str):
        _text(value, name)
    elif isinstance(value, (Mapping, list, tuple)):
        if depth > DEEPEST:
            raise StoreError(f"the field {name!r} of a record is nested more than {DEEPEST} levels deep")
        if isinstance(value, Mapping):
            for inner, part in value.items():
                _text(inner, name)
                _plain(part, name, depth + 1)
        else:
            for part in value:
                if type(part) is not float:  # a transition matrix of 100 classes has ten thousand
                    _plain(part, name, depth + 1)


def _text(text: str, name: str) -> None:
    if found := CONTROL.search(text):
        raise StoreError(f"the field {name!r} of a record holds the control character {found[0]!a}")
    if len(text) > LONGEST:
        raise StoreError(f"the field {name!r} of a record has {len(text)} characters, over the limit of {LONGEST}")


def _is_confirming(value: object) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("trial"), int):
        return False
    rows = [value.get("validation"), value.get("test")]
    known = all(isinstance(row, Sequence) and all(is_number(x) and 0 <= x <= 1 for x in row) for row in rows)
    return known and len(rows[0] or ()) == len(rows[1] or ()) > 1


def _is_pair(value: object) -> bool:
    return isinstance(value, Sequence) and len(value) == 2 and all(is_number(part) and 0 <= part <= 1 for part in value)
