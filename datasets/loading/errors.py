"""The error and the warning of this folder, and how a name that nobody knows is reported."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class DataError(ValueError):
    """A data set, a noise model or a label file that cannot be used; the message is one line for the user."""


class DataWarning(UserWarning):
    """Something about a data set that its owner must know, but that can be worked with; one line for the user."""


def unknown(what: str, name: str, known: Iterable[str], where: str = "") -> DataError:
    """Return the error for a name that is not registered (``where``), with the closest one that is."""
    names = sorted(known)
    place = f" {where}" if where else ""
    if not names:
        return DataError(f"there is no {what}{place}, so not {name!r} either")
    close = difflib.get_close_matches(name, names, n=9)
    close.sort(key=lambda other: sorted(other) != sorted(name))  # two letters exchanged come before all else
    hint = f"did you mean {close[0]!r}? " if close else ""
    return DataError(f"unknown {what} {name!r}{place}; {hint}known: {', '.join(names)}")


def listed(names: Sequence[object], shown: int = 3) -> str:
    """Return the first names and the number of the others: ``a, b, c and 12 more``."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(map(str, names[:shown])) + more


def one_line(error: BaseException) -> str:
    """Return an error's message on one line, or its type where it has none."""
    return " ".join(str(error).split()) or type(error).__name__
