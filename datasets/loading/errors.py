"""The one error of this folder, and how a name that nobody knows is reported."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DataError(ValueError):
    """A data set, a noise model or a label file that cannot be used; the message is one line for the user."""


def unknown(what: str, name: str, known: Iterable[str], where: str = "") -> DataError:
    """Return the error for a name that is not registered (``where``), with the closest one that is."""
    names = sorted(known)
    place = f" {where}" if where else ""
    if not names:
        return DataError(f"there is no {what}{place}, so not {name!r} either")
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return DataError(f"unknown {what} {name!r}{place}; {hint}known: {', '.join(names)}")
