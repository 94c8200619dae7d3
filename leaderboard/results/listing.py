"""Names in a sentence: all of a few, and of many the first with a count."""

from collections.abc import Sequence

NAMED = 6
"""Names that a sentence lists before it counts the others."""


def listed(names: Sequence[str], word: str) -> str:
    """Return names as a list in words: `a, b and c`, or `a, b, c, d, e, f and 5 more`; `word` is "and" or "or"."""
    if len(names) > NAMED + 1:
        names = [*names[:NAMED], f"{len(names) - NAMED} more"]
        word = "and" if word == "and" else "or one of"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {word} {names[-1]}"


def some(names: Sequence[object], most: int) -> str:
    """Return the first names of a list and how many more there are: `a, b, c and 12 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def be(names: Sequence[str]) -> str:
    """Return the verb of a list of names."""
    return "is" if len(names) == 1 else "are"
