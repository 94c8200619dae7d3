"""What is said of a name that nothing bears: the closest match, and the names there are or where to see them."""

from collections.abc import Iterable

from lnlbench.methods._unknown import did_you_mean


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
