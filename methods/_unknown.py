"""Suggestions for unknown names of methods and hyper-parameters, and of all that the benchmark knows by name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def close_to(name: str, known: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """Return the known names that are like another one by at least a cutoff (0 to 1), the most like first."""
    close = get_close_matches(name, list(known), n=9, cutoff=cutoff)
    return sorted(close, key=lambda other: sorted(other) != sorted(name))  # exchanged letters, as in gec, come first


def did_you_mean(name: str, known: Iterable[str], most: int = 1) -> str:
    """Return `did you mean 'gce' or 'sce'? `, with a trailing space; empty if no name is close."""
    close = close_to(name, known)[:most]
    return f"did you mean {' or '.join(map(repr, close))}? " if close else ""
