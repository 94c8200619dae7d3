"""What is said of a name that no method, and no value of a method, bears."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `did you mean 'gce'? ` with a space behind it, or nothing where no name is close."""
    close = get_close_matches(name, list(known), n=9)
    close.sort(key=lambda other: sorted(other) != sorted(name))  # two letters exchanged, as in gec, before all else
    return f"did you mean {close[0]!r}? " if close else ""
