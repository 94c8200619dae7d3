"""Boards as tables of LaTeX's package booktabs: bold could be best, protocol and notes stand below."""

from __future__ import annotations

from lnlbench.leaderboard.ranking.board import Board, Cell, Row
from lnlbench.leaderboard.results.text import visible
from lnlbench.leaderboard.show.words import flags, interval, rank_range, state

_TEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"±": r"$\pm$", "−": "$-$", "–": "--", "·": r"$\cdot$", "†": r"$^\dagger$", "●": r"$\bullet$"}
)
_MARKS = {"+": "^{+}", "−": "^{-}", "·": r"^{\cdot}"}


def to_latex(board: Board) -> str:
    """Return the board as a table for `\\input`; marks against cross-entropy are superscripts."""
    several = len(board.counted) > 1
    header = ["method", *([board.score_name] if several else []), "rank"]
    header += [column.setting + (" †" if board.doubtful(column) else "") for column in board.columns]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{Mean {board.measure} in percent, {_tex(board.place)}.}}",
        rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
        r"\toprule",
        " & ".join(map(_tex, header)) + r" \\",
        r"\midrule",
        *(_line(board, row, several) for row in board.rows),
    ]
    if board.below:
        lines += [r"\midrule", *(_line(board, row, several) for row in board.below)]
    lines += [
        r"\bottomrule",
        r"\end{tabular}",
        rf"\par\smallskip\footnotesize\raggedright {_tex(_footnote(board))}",
        *(f"% {' '.join(text.split())}" for text in board.sentences),
        r"\end{table}",
    ]
    return visible("\n".join(lines) + "\n")


def _footnote(board: Board) -> str:
    held = next((row.score.against for row in board.rows if row.score and row.score.against), None)
    text = "Mean ± half of the 95 % interval, or [its ends] where these are cut to 0 and 100"
    text += f"; n = {', '.join(map(str, sorted({column.n for column in board.columns})))} replicates"
    text += f"; rule {board.rule}, track {board.track}, length {board.length}, protocol {board.protocol}."
    if board.tests:
        others = len(board.tests.names) - 1
        test = "moderated Welch t" if board.tests.borrowed else "Welch t"
        text += (
            f" Bold: could be best, its range of ranks begins at 1 ({test}, 5 %, Bonferroni over the other "
            f"{others} method{'s' if others != 1 else ''})."
        )
    if held:
        text += f" Superscripts: +, − significantly better, worse than {held.reference} (Holm over {held.family}); · cannot be told apart yet."  # noqa: E501
    return " ".join([text, *board.notes])


def _line(board: Board, row: Row, several: bool) -> str:
    score = row.score
    best = bool(score and score.could_be_best)
    name = rf"\textbf{{{_tex(row.name)}}}" if best else _tex(row.name)
    first = [_cell(score)] if several else []
    rank = state(board, row) or (rank_range(score) if score else "")
    return " & ".join([name, *first, _tex(rank), *(_cell(row.cells.get(c.setting)) for c in board.columns)]) + r" \\"


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "--"
    number = interval(cell).replace("±", r"\pm").replace(" [", r"\ [")
    number = rf"\mathbf{{{number}}}" if cell.could_be_best else number
    mark = _MARKS[cell.against.mark] if cell.against else ""
    return f"${number}{mark}$" + flags(cell)


def _tex(text: str) -> str:
    return " ".join(text.split()).translate(_TEX)
