"""Boards as Markdown, LaTeX, CSV, JSON and a table for the terminal; accuracies in percent, but fractions in JSON."""

import csv
import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from lnlbench.leaderboard.ranking.board import Board, Cell, Column, Row
from lnlbench.leaderboard.results.markdown import table

if TYPE_CHECKING:
    from rich.console import Group


def to_markdown(board: Board) -> str:
    """Return the board as a Markdown section: title, table, notes."""
    rows = table(_header(board, "<br>"), _body(board), "lr")
    notes = "\n".join(f"- {note}" for note in board.notes)
    return f"### {board.title}\n\n{rows}\n" + (f"\n{notes}\n" if notes else "")


def to_rich(board: Board) -> "Group":
    """Return the board for a terminal: title, table, notes; settings that do not fit beside the others follow below."""
    from rich.console import Group
    from rich.text import Text

    from lnlbench.leaderboard.show.terminal import Fitted, glued

    rows = [[name, *map(glued, cells)] for name, *cells in _body(board)]
    table = Fitted([*map(glued, _header(board, "\n"))], rows, repeated=1, right=True)
    return Group(Text(board.title, "bold"), "", table, "", *(Text(note, "dim") for note in board.notes))


def to_csv(board: Board) -> str:
    """Return one line per method and setting; accuracies in percent with two decimals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["protocol", "length", "track", "rule", "method", "setting", "accuracy_percent", "half_width_percent"]
    writer.writerow([*head, "n", "rank", "groups", "mean_rank", "diverged", "same_as_host", "told", "networks"])
    for row in board.rows:
        for column in board.columns:
            if cell := row.cells.get(column.setting):
                group = [board.protocol, board.length, board.track, board.rule, row.name, column.setting]
                half = "" if cell.half is None else _percent(cell.half)
                flags = [cell.diverged, int(cell.same_as_host), " ".join(row.told), row.networks]
                rank, mean_rank = ("" if value is None else f"{value:g}" for value in (cell.rank, row.mean_rank))
                ranks = [rank, cell.letters or "", mean_rank]
                writer.writerow([*group, _percent(cell.mean), half, cell.n, *ranks, *flags])
    return text.getvalue()


def to_json(board: Board) -> str:
    """Return everything the board holds; accuracies are fractions in full precision."""
    found = asdict(board)
    found["across"]["p"] = [[a, b, p] for (a, b), p in board.across.p.items() if a < b]
    found["across"]["higher"] = sorted(map(list, board.across.higher))
    return json.dumps(found, indent=1, allow_nan=False)


def to_latex(board: Board) -> str:
    """Return the board as a table of LaTeX's package booktabs, for `\\input`; group letters are superscripts."""
    used = {column.setting: _usual_n(board, column) for column in board.columns}
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{Test accuracy in percent, mean $\pm$ 95\,\% interval: {_tex(board.title)}.}}",
        rf"\begin{{tabular}}{{lr{'r' * len(board.columns)}}}",
        r"\toprule",
        " & ".join(["method", "mean rank", *(_tex(c.setting) + _doubt(board, c, r"$^\dagger$") for c in board.columns)])
        + r" \\",
        r"\midrule",
    ]
    for row in board.rows:
        cells = [_tex_cell(row.cells.get(name), n) for name, n in used.items()]
        rank = "--" if row.mean_rank is None else f"{row.mean_rank:.2f}"
        lines.append(" & ".join([_tex(row.name), rank, *cells]) + r" \\")
    lines += [
        r"\bottomrule",
        r"\end{tabular}",
        *(f"% {' '.join(note.split())}" for note in board.notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


_TEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


def _tex(text: str) -> str:
    return " ".join(text.split()).translate(_TEX)


def _tex_cell(cell: Cell | None, usual: int) -> str:
    if cell is None:
        return "--"
    half = "" if cell.half is None else rf" \pm {_percent(cell.half)}"
    groups = f"^{{{cell.letters}}}" if cell.letters else ""
    n = "" if cell.n == usual else f" ($n={cell.n}$)"
    return f"${_percent(cell.mean)}{half}{groups}${n}{_flags(cell)}"


def _header(board: Board, newline: str) -> list[str]:
    return ["method", "mean rank", *(_column_name(board, column, newline) for column in board.columns)]


def _column_name(board: Board, column: Column, newline: str) -> str:
    mark = _doubt(board, column, " †")
    lines = [column.setting + mark]
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
            _mean_rank(row),
            *(_cell(row, column.setting, usual[column.setting]) for column in board.columns),
        ]
        for row in board.rows
    ]


def _doubt(board: Board, column: Column, mark: str) -> str:
    """The mark of a setting in which the rule is not guaranteed."""
    return mark if board.rule == "noisy_val" and not column.guaranteed else ""


def _mean_rank(row: Row) -> str:
    if row.mean_rank is None:
        return "—"
    span = "" if row.rank_interval is None else " [{:.2f}, {:.2f}]".format(*row.rank_interval)
    return f"{row.mean_rank:.2f}{span}" + (f" {row.letters}" if row.letters else "")


def _cell(row: Row, setting: str, usual: int) -> str:
    cell = row.cells.get(setting)
    if cell is None:
        return "—"
    half = "" if cell.half is None else f" ± {_percent(cell.half)}"
    rank = "" if cell.rank is None else f" ({cell.rank}{f' {cell.letters}' if cell.letters else ''})"
    n = "" if cell.n == usual else f" n = {cell.n}"
    return f"{_percent(cell.mean)}{half}{rank}{n}{_flags(cell)}"


def _flags(cell: Cell) -> str:
    return (f" !{cell.diverged}" if cell.diverged else "") + (" =" if cell.same_as_host else "")


def _usual_n(board: Board, column: Column) -> int:
    return max((row.cells[column.setting].n for row in board.rows if column.setting in row.cells), default=0)


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"
