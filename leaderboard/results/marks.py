"""The mark behind a method: how it is told what it must know beyond the labels, as in `forward [true+0.2]`."""

import re

_MARKED = re.compile(r"(.*?)(?: \[([\w.+-]+)\])?")


def marked(text: str) -> tuple[str, str | None]:
    """Return a method or a label without its mark, and the mark; None where it has none."""
    found = _MARKED.fullmatch(text)
    return (text, None) if found is None else (found[1], found[2])
