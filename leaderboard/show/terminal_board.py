"""Boards for a terminal of any width: one line per method, settings that do not fit go on below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.text import Text

from lnlbench.leaderboard.ranking.board import BETTER, OPEN, WORSE, Board, Cell, Column, Row
from lnlbench.leaderboard.show.terminal import wrapped
from lnlbench.leaderboard.show.words import (
    DOT,
    interval,
    mark,
    percent,
    rank_range,
    short_noise,
    tasks,
)

HEAD = "method"  # above the names
NAME = 24  # cells for names; longer ones go on in the next line
COLOURS = {DOT: "bold cyan", BETTER: "green", WORSE: "red", OPEN: "dim"}
LEGEND = (
    f"{DOT} could be best: its rank range begins at 1 · rank: the ranks it may have, 95 %",
    "mean ± half of its 95 % interval, [its ends] where cut · !2 two runs diverged",
    "against ce: + better, − worse, · cannot be told apart yet · = runs of its host",
)


@dataclass(frozen=True)
class TerminalBoard:
    """A board as rich shows it.

    Args:
        board: what to show.
        wide: whether settings have intervals too.
        legend: whether the signs are explained and the sentences follow.
    """

    board: Board
    wide: bool = False
    legend: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Yield title, table, legend, sentences and notes."""
        yield Text(self.board.title, "bold")
        yield Text()
        yield from self._table(options.max_width)
        if not self.legend:
            return
        yield Text()
        yield from (Text(line, "dim") for line in LEGEND)
        yield Text()
        yield from (Text(text) for text in self.board.sentences)
        if self.board.standing:
            yield Text(f"every row {self.board.standing}")
        else:
            yield from (Text(f"{words}: {', '.join(names)}") for words, names in self.board.standings.items())
        yield from (Text(text, "dim") for text in self.board.notes)

    def _table(self, width: int) -> Iterator[Text]:
        rows = (*self.board.rows, *self.board.below)
        names = min(NAME, max(map(cell_len, (HEAD, *(row.name for row in rows)))))
        fixed = self._fixed(rows)
        settings = [self._setting(i, rows) for i in range(len(self.board.columns))]
        if len(self.board.counted) == 1:  # the score is that setting
            settings = [texts for texts, column in zip(settings, self.board.columns, strict=True) if not column.counted]
        parts = self._parts(fixed, settings, width - names - 2)
        for number, part in enumerate(parts):
            if number:
                yield Text()
            yield from self._part(rows, names, part)

    def _parts(
        self, fixed: Sequence[Sequence[str]], settings: Sequence[Sequence[str]], space: int
    ) -> list[list[Sequence[str]]]:
        """Columns of text, in parts that fit side by side; the score stands in the first, alone where it must."""
        rule = [" │"] * len(fixed[0])
        parts, part = [], [*fixed, rule]
        for texts in settings:
            if len(part) > 1 and sum(map(_width, (*part, texts))) > space:
                parts.append(part if part[-1] is not rule else part[:-1])
                part = [rule]
            part.append(texts)
        return [*parts, part if part[-1] is not rule else part[:-1]]

    def _part(self, rows: Sequence[Row], names: int, part: Sequence[Sequence[str]]) -> Iterator[Text]:
        widths = [_width(texts) for texts in part]

        def line(at: int) -> str:
            return "".join(" " * (w - cell_len(texts[at])) + texts[at] for texts, w in zip(part, widths, strict=True))

        several = len(tasks(self.board)) > 1
        for head in range(2 if several else 1, 0, -1):
            yield Text(("  " + (HEAD if head == 1 else "").ljust(names) + line(2 - head)).rstrip(), "bold")
        yield Text("─" * (2 + names + sum(widths)))
        for i, row in enumerate(rows):
            if i == len(self.board.rows):
                yield Text("  not compared".ljust(2 + names), "dim")
            first, *others = wrapped(row.name, names).split("\n")
            dot = DOT if row.score and row.score.could_be_best else " "
            yield _signed(dot) + Text(f" {first.ljust(names)}") + _signed(line(2 + i).rstrip())
            yield from (Text(f"    {text}") for text in others)

    def _fixed(self, rows: Sequence[Row]) -> list[list[str]]:
        """Return the texts of the score, the rank range and the mark: two lines of heading, then the rows."""
        counted = self.board.counted
        name = self._noise(counted[0]) if len(counted) == 1 else self.board.score_name
        lost = [f"!{row.diverged}" if row.diverged else "" for row in rows]
        room = max(map(len, lost), default=0)
        scores = [interval(row.score) if row.score else self.board.held(row) for row in rows]
        score = [f"  {text}{mark.ljust(room)}" for text, mark in zip(("", name, *scores), ("", "", *lost), strict=True)]
        ranks = [" =" if row.status == "same" else f" {rank_range(row.score)}" if row.score else "" for row in rows]
        marks = [f" {mark(row.score)}" if row.score else "" for row in rows]
        return [score, ["", " rank", *ranks], ["", " ce", *marks]]

    def _setting(self, at: int, rows: Sequence[Row]) -> list[str]:
        """Return the texts of a setting: task, noise, and a cell for every row."""
        column = self.board.columns[at]
        task = column.setting.partition("/")[0]
        sign = "" if column.counted else "*"
        heads = [f" {task} " if len(tasks(self.board)) > 1 else "", f" {self._noise(column)}{sign}"]
        return [*heads, *(self._cell(row.cells.get(column.setting)) for row in rows)]

    def _noise(self, column: Column) -> str:
        return short_noise(column.noise) + ("†" if self.board.doubtful(column) else "")

    def _cell(self, cell: Cell | None) -> str:
        if cell is None:
            return "— "
        sign = "=" if cell.same_as_host else mark(cell)
        return f" {DOT if cell.could_be_best else ' '}{interval(cell) if self.wide else percent(cell.mean)}{sign}"


def _width(texts: Sequence[str]) -> int:
    return max(map(cell_len, texts))


def _signed(text: str) -> Text:
    """Return a text without names, its signs in colour."""
    shown = Text(text)
    for at, sign in enumerate(text):
        if sign in COLOURS:
            shown.stylize(COLOURS[sign], at, at + 1)
    return shown
