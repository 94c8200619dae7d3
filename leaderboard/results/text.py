"""Text from outside, made safe to show: control characters are spelled out, cells of tables begin no formula."""

import re

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 and C1 controls, line and paragraph separators, marks that turn the direction of a text, lone surrogates."""

_SHOWN = re.compile(f"(?!\n){CONTROL.pattern}")
_FORMULA = ("=", "+", "-", "@")


def visible(text: str) -> str:
    r"""Return the text with every control character but the newline spelled out, `\x1b` for Escape.

    A terminal obeys such characters: they move the cursor, rewrite the title, hide or forge what is shown.
    """
    return _SHOWN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def cell(text: str) -> str:
    """Return a text for a cell of CSV: visible, and with an apostrophe before what a spreadsheet would calculate."""
    shown = visible(text).replace("\n", "\\n")
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
