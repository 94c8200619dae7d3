"""What a command writes: results on standard output, notes on standard error, in whatever encoding a terminal has."""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from lnlbench.leaderboard.results.text import visible

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment

PLAIN = {
    "±": "+-",
    "×": "x",
    "≤": "<=",
    "≥": ">=",
    "→": "->",
    "·": ".",
    "…": "...",
    "–": "-",
    "—": "-",
    "‑": "-",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "\u00a0": " ",
}
"""What stands for a character in a terminal that has none for it; any other becomes a question mark."""


def fit_encodings() -> None:
    """Let no character end a command: a terminal in ASCII or Latin-1 gets the nearest that it can show."""
    codecs.register_error("lnlbench.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="lnlbench.plain")


def show(what: Any) -> None:
    """Write a text or a table of rich to standard output; what would command a terminal is spelled out."""
    if isinstance(what, str):
        typer.echo(visible(what))
    else:
        from rich.console import Console

        Console().print(Visible(what))


@dataclass(frozen=True)
class Visible:
    """Anything of rich, its texts visible: names of methods and authors come from others, colours from here."""

    what: Any

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Yield its parts."""
        from rich.segment import Segment

        for part in console.render(self.what, options):
            yield part if part.control else Segment(visible(part.text), part.style)


def to_json(value: Any) -> str:
    """Return a value as the text that `--json` prints."""
    return json.dumps(value, indent=1)


def note(line: str) -> None:
    """Write a line to standard error: progress, and what else is no result."""
    typer.echo(visible(line), err=True)


def quiet(as_json: bool) -> bool:
    """Say whether to show no progress: nobody reads it, or a program reads the result."""
    return as_json or not sys.stderr.isatty()


def printable(text: str) -> str:
    """Return a text as one line that changes nothing of a terminal: what does not print is written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in " ".join(text.split()))


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(PLAIN.get(character, "?") for character in text), error.end
