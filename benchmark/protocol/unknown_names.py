"""What is said of a name that nothing bears: the closest match, and the names there are."""

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name that is most like another one, None where none is similar enough (0 to 1)."""
    close = get_close_matches(name, list(known), n=9, cutoff=cutoff)
    close.sort(key=lambda other: sorted(other) != sorted(name))  # two letters exchanged, as in gec, before all else
    return close[0] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `did you mean 'gce'? ` with a space behind it, or nothing where no name is close."""
    close = closest(name, known)
    return f"did you mean {close!r}? " if close else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the message for an unknown name: kind, name, closest match, and all known names in their order."""
    names = list(known)
    return f"unknown {kind} {name!r}; {did_you_mean(name, names)}known: {', '.join(names)}"
