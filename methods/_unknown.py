"""Suggestions for unknown names of methods and hyper-parameters."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str], most: int = 1) -> str:
    """Return `did you mean 'gce' or 'sce'? `, with a trailing space; empty if no name is close."""
    close = get_close_matches(name, list(known), n=9)
    close.sort(key=lambda other: sorted(other) != sorted(name))  # two letters exchanged, as in gec, before all else
    return f"did you mean {' or '.join(map(repr, close[:most]))}? " if close else ""
