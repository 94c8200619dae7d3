"""What is said of a name that no method, and no value of a method, bears."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str], most: int = 1) -> str:
    """Return `did you mean 'gce' or 'sce'? ` with a space behind it, so many at most; nothing if none is close."""
    close = get_close_matches(name, list(known), n=9)
    close.sort(key=lambda other: sorted(other) != sorted(name))  # two letters exchanged, as in gec, before all else
    return f"did you mean {' or '.join(map(repr, close[:most]))}? " if close else ""
