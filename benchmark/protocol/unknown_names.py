"""What is said of a name that nothing bears: the closest match, and the names there are or where to see them."""

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name that is most like another one, None where none is similar enough (0 to 1)."""
    return next(iter(_close(name, known, cutoff)), None)


def did_you_mean(name: str, known: Iterable[str], most: int = 1) -> str:
    """Return `did you mean 'gce' or 'sce'? ` with a space behind it, so many at most; nothing if none is close."""
    close = _close(name, known)[:most]
    return f"did you mean {' or '.join(map(repr, close))}? " if close else ""


def unknown(kind: str, name: str, known: Iterable[str], listed: str = "") -> str:
    """Return the message for an unknown name: kind, name, closest matches, and all known names in their order.

    Args:
        kind: as in "execution".
        name: that came.
        known: that would be right.
        listed: what `lnlbench list` shows instead of them here, where they are too many for a line.
    """
    names = list(known)
    if listed:
        hint = did_you_mean(name, names, most=3)
        return f"unknown {kind} {name!r}; {hint}`lnlbench list {listed}` shows them all"
    return f"unknown {kind} {name!r}; {did_you_mean(name, names)}known: {', '.join(names)}"


def _close(name: str, known: Iterable[str], cutoff: float = 0.6) -> list[str]:
    close = get_close_matches(name, list(known), n=9, cutoff=cutoff)
    return sorted(close, key=lambda other: sorted(other) != sorted(name))  # two letters exchanged come first
