"""Find the card of a data set by its name."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from pathlib import Path

from lnlbench.datasets.card import Card
from lnlbench.datasets.loading import own
from lnlbench.datasets.loading.errors import DataError, unknown

FOLDER = Path(__file__).parents[1]  # where the cards are
PACKAGE = __package__.rpartition(".")[0]


@functools.cache
def cards() -> dict[str, Card]:
    """Return every data set's card by name: each module of ``FOLDER`` that defines ``CARD`` is one.

    Raises:
        DataError: two modules define cards of one name.
    """
    by_name: dict[str, Card] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules([str(FOLDER)])):
        card = getattr(importlib.import_module(f"{PACKAGE}.{module}"), "CARD", None)
        if card is None:
            continue
        if card.name in by_name:
            raise DataError(f"two data sets are called {card.name!r}; the second is in {module}.py")
        by_name[card.name] = card
    return by_name


def card(name: str) -> Card:
    """Return the card of one data set.

    Raises:
        DataError: the name is not known; the message names the closest one.
    """
    if own.is_own(name):
        return own.read(name)[0]
    known = cards()
    if name not in known:
        raise unknown("data set", name, known)
    return known[name]
