"""Tables for a terminal of any width: words stay whole, and what does not fit side by side goes on below."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

GLUE = "\N{NO-BREAK SPACE}"  # shown as a space, but no line ends there
_ENDS = re.compile(r"(?<= )|(?<=\w/)|(?<=\w\()")  # where a line may end: `digits/`, `gce(`
_JOINED = re.compile(
    r"(?<=[\d=%±]) (?![(\[!a-z])| (?=[±=%])"  # 96.86 ± 1.27, n = 2
    r"|(?<=%) (?=wrong)| (?=points)"  # 50.01 % wrong, 1.45 points
    r"|(?<=\d) (?=[a-z]+\))|(?<=\d,) (?=[+-]?[\d.]+\])"  # (1 ab), [-1.00, +2.00]
)


@dataclass(frozen=True)
class Fitted:
    """A table of texts as wide as the terminal allows.

    Lines end at spaces, or behind the `/` or `(` of a long word. Where even so the columns do not fit, the first
    `repeated` ones stand before every part of the others; without such columns words are cut, as the last resort.
    """

    header: Sequence[str]  # none: a table without one
    rows: Sequence[Sequence[str]]
    repeated: int = 0
    right: bool = False  # align all columns but the first to the right

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table | str]:
        """Yield the table, or its parts from left to right with an empty line between two."""
        if not self.header and not self.rows:
            return
        columns = list(zip(self.header or [""] * len(self.rows[0]), *self.rows, strict=True))
        least = [max(cell_len(piece.rstrip(" ")) for text in texts for piece in _pieces(text)) for texts in columns]
        most = [max(cell_len(line) for text in texts for line in text.split("\n")) for texts in columns]
        for number, part in enumerate(self._parts(least, options.max_width)):
            if number:
                yield ""
            space = options.max_width - _frame(len(part))
            chosen = widths([least[i] for i in part], [most[i] for i in part], space)
            yield self._table([columns[i] for i in part], chosen)

    def _parts(self, least: Sequence[int], space: int) -> Iterator[list[int]]:
        first = list(range(self.repeated))
        part = [*first]
        for i in range(self.repeated, len(least)):
            wide = sum(least[j] for j in (*part, i)) + _frame(len(part) + 1)
            if self.repeated and len(part) > self.repeated and wide > space:
                yield part
                part = [*first]
            part.append(i)
        yield part

    def _table(self, columns: Sequence[Sequence[str]], chosen: Sequence[int]) -> Table:
        table = Table(show_edge=False, show_header=bool(self.header), header_style="bold")
        for i, (texts, width) in enumerate(zip(columns, chosen, strict=True)):
            justify: Literal["left", "right"] = "right" if self.right and i else "left"
            table.add_column(_text(texts[0], width), width=width, justify=justify, overflow="fold")
        for line in zip(*(texts[1:] for texts in columns), strict=True):
            table.add_row(*map(_text, line, chosen))
        return table


def glued(text: str) -> str:
    """Return the text with numbers held together with their signs and units: `96.86 ± 1.27`, `(1 ab)`, `n = 2`."""
    return _JOINED.sub(GLUE, text)


def wrapped(text: str, width: int) -> str:
    """Return the text in lines of at most `width` cells, but for words that are longer."""
    lines: list[str] = []
    for line in text.split("\n"):
        now = ""
        for piece in _ENDS.split(line):
            if now and cell_len((now + piece).rstrip(" ")) > width:
                lines.append(now.rstrip(" "))
                now = ""
            now += piece
        lines.append(now.rstrip(" "))
    return "\n".join(lines)


def widths(least: Sequence[int], most: Sequence[int], space: int) -> list[int]:
    """Widths between the least and the most that each column needs, the widest ones cut to the same width.

    Where the least ones do not fit either, they are cut in the same way.
    """
    if sum(most) <= space:
        return [*most]
    if sum(least) > space:
        least, most = [1] * len(least), least
    for cap in range(max(most), 0, -1):
        found = [max(low, min(high, cap)) for low, high in zip(least, most, strict=True)]
        if sum(found) <= space:
            return found
    return [*least]


def _frame(columns: int) -> int:
    """Cells that lines and margins take: a space on both sides of each column, and a line between two."""
    return 3 * columns - 1


def _pieces(text: str) -> list[str]:
    return [piece for line in text.split("\n") for piece in _ENDS.split(line)]


def _text(text: str, width: int) -> Text:
    return Text(wrapped(text, width).replace(GLUE, " "))  # a Text: brackets are no markup
