"""Boards as Markdown, CSV, JSON and a table for the terminal; accuracies in percent, but fractions in JSON."""

import csv
import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from lnlbench.leaderboard.board import Board, Cell, Column, Row

if TYPE_CHECKING:
    from rich.table import Table


def to_markdown(board: Board) -> str:
    """Return the board as a Markdown section: title, table, notes."""
    header = _header(board, "<br>")
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *_body(board)]
    table = "\n".join("| " + " | ".join(text.replace("|", "\\|") for text in line) + " |" for line in lines)
    notes = "\n".join(f"- {note}" for note in board.notes)
    return f"### {board.title}\n\n{table}\n" + (f"\n{notes}\n" if notes else "")


def to_rich(board: Board) -> "Table":
    """Return the board as a table of rich, to be printed in a terminal."""
    from rich.table import Table
    from rich.text import Text  # plain text: brackets in a method's name are no markup

    table = Table(title=Text(board.title), caption=Text("\n".join(board.notes)), caption_justify="left")
    for i, name in enumerate(_header(board, "\n")):
        table.add_column(Text(name), justify="right" if i else "left", overflow="fold")
    for line in _body(board):
        table.add_row(*map(Text, line))
    return table


def to_csv(board: Board) -> str:
    """Return one line per method and setting; accuracies in percent with two decimals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["protocol", "length", "track", "rule", "method", "setting", "accuracy_percent", "half_width_percent"]
    writer.writerow([*head, "n", "rank", "mean_rank", "diverged", "same_as_host", "told", "networks"])
    for row in board.rows:
        for column in board.columns:
            if cell := row.cells.get(column.setting):
                group = [board.protocol, board.length, board.track, board.rule, row.name, column.setting]
                half = "" if cell.half is None else _percent(cell.half)
                flags = [cell.diverged, int(cell.same_as_host), " ".join(row.told), row.networks]
                ranks = ["" if rank is None else f"{rank:g}" for rank in (cell.rank, row.mean_rank)]
                writer.writerow([*group, _percent(cell.mean), half, cell.n, *ranks, *flags])
    return text.getvalue()


def to_json(board: Board) -> str:
    """Return everything the board holds; accuracies are fractions in full precision."""
    return json.dumps(asdict(board), indent=1, allow_nan=False)


def _header(board: Board, newline: str) -> list[str]:
    return ["method", "mean rank", *(_column_name(board, column, newline) for column in board.columns)]


def _column_name(board: Board, column: Column, newline: str) -> str:
    mark = " †" if board.rule == "noisy_val" and not column.guaranteed else ""
    name = column.setting.replace("/", "/\n") if newline == "\n" else column.setting  # narrow columns in a terminal
    lines = [name + mark]
    if column.realised_rate is not None:
        lines.append(f"{_percent(column.realised_rate)} % wrong")
    if column.resolution is not None:
        lines.append(f"resolution {_percent(column.resolution)} points")
    if n := _usual_n(board, column):
        lines.append(f"n = {n}")
    return newline.join(lines)


def _body(board: Board) -> list[list[str]]:
    usual = {column.setting: _usual_n(board, column) for column in board.columns}
    return [
        [
            row.name + (f" [told {', '.join(row.told)}]" if row.told else ""),
            "—" if row.mean_rank is None else f"{row.mean_rank:.2f}",
            *(_cell(row, column.setting, usual[column.setting]) for column in board.columns),
        ]
        for row in board.rows
    ]


def _cell(row: Row, setting: str, usual: int) -> str:
    cell = row.cells.get(setting)
    if cell is None:
        return "—"
    half = "" if cell.half is None else f" ± {_percent(cell.half)}"
    rank = "" if cell.rank is None else f" ({cell.rank})"
    n = "" if cell.n == usual else f" n = {cell.n}"
    return f"{_percent(cell.mean)}{half}{rank}{n}{_flags(cell)}"


def _flags(cell: Cell) -> str:
    return (f" !{cell.diverged}" if cell.diverged else "") + (" =" if cell.same_as_host else "")


def _usual_n(board: Board, column: Column) -> int:
    return max((row.cells[column.setting].n for row in board.rows if column.setting in row.cells), default=0)


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"
