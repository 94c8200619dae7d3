"""Boards as Markdown, CSV and JSON; accuracies in percent, differences in points."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from typing import Any

from lnlbench.leaderboard.ranking.board import BETTER, OPEN, WORSE, Board, Cell, Column, Pair, Row, Tests
from lnlbench.leaderboard.results.markdown import table
from lnlbench.leaderboard.results.text import cell as safe
from lnlbench.leaderboard.results.text import visible
from lnlbench.leaderboard.show.words import (
    DOT,
    flags,
    interval,
    mark,
    percent,
    rank_range,
    shown_name,
    state,
)

VERDICTS = {BETTER: "better", WORSE: "worse", OPEN: "open"}
OVERALL = "overall"
"""What CSV calls the setting of a score over several."""

_GROUP = ("suite", "protocol", "length", "track", "rule")
_FIELDS = ("mean", "half_width", "low", "high", "n", "rank_best", "rank_worst", "could_be_best", "against_reference",
           "difference_to_reference", "p_holm", "family", "points_below_first", "practically_equal",
           "chance_of_first", "diverged", "same_as_host")  # fmt: skip


def to_markdown(board: Board) -> str:
    """Return the board as a Markdown section: title, table, sentences, notes."""
    rows = markdown_rows(board, [_heading(board, column) for column in board.columns])
    return visible(f"### {board.title}\n\n{rows}\n\n{markdown_texts(board)}\n")


def markdown_rows(board: Board, headings: Sequence[str], align: str = "") -> str:
    """Return the table of a board in Markdown.

    Args:
        board: to show.
        headings: one per column of the board.
        align: as for `table`, of all but a last column that says how far rows were checked; numbers to the right and
            words to the left without it.
    """
    several = len(board.counted) > 1
    header = ["", "method", *([board.score_name] if several else []), "rank", "vs ce", *headings]
    lines = [_line(board, row, several) for row in (*board.rows, *board.below)]
    align = align or ("llrlr" if several else "lllr")
    if board.standings_differ:
        lines = [[*line, row.standing] for line, row in zip(lines, (*board.rows, *board.below), strict=True)]
        align = align.ljust(len(header), "r") + "l"
        header.append("checked")
    return table(header, lines, align)


def markdown_texts(board: Board) -> str:
    """Return what a board says below its table as a list in Markdown: sentences, legend, standing, notes."""
    checked = [f"every row {board.standing}"] if board.standing else []
    return "\n".join(f"- {text}" for text in (*board.sentences, _legend(board), *checked, *board.notes))


def _legend(board: Board) -> str:
    return (
        f"{DOT} could be best: its range of ranks begins at 1. Mean {board.measure} in percent ± half of the 95 % "
        "interval, or [its ends] where these are cut to 0 and 100. "
        "Against cross-entropy: + better, − worse, · cannot be told apart yet."
    )


def to_csv(board: Board) -> str:
    """Return one line per method and setting, and one per method for the mean over settings."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_GROUP, "method", "status", "told", "networks", "setting", "counted", *_FIELDS, "checked"])
    group = [board.suite, board.protocol, board.length, board.track, board.rule]
    for row in (*board.rows, *board.below):
        about = [row.name, row.status, " ".join(row.told), row.networks]
        if row.score and len(board.counted) > 1:
            writer.writerow(map(_safe, [*group, *about, OVERALL, 1, *_values(row.score), row.standing]))
        for column in board.columns:
            if cell := row.cells.get(column.setting):
                values = [column.setting, int(column.counted), *_values(cell), row.standing]
                writer.writerow(map(_safe, [*group, *about, *values]))
    return text.getvalue()


def pairs_to_csv(board: Board) -> str:
    """Return one line per setting and pair of methods, the higher one first; p by Holm over all pairs of a setting."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(Pair)]
    writer.writerow([*_GROUP, "setting", "pairs", *names, "decided"])
    group = [board.suite, board.protocol, board.length, board.track, board.rule]
    for setting, tests in _tests(board):
        for pair in tests.pairs:
            values = [_number(getattr(pair, name)) for name in names]
            decided = int(pair.decided(board.alpha))
            writer.writerow(map(_safe, [*group, setting, len(tests.pairs), *values, decided]))
    return text.getvalue()


def to_json(board: Board) -> str:
    """Return everything the board holds; of all pairs the fields are named once, in `pair_fields`."""
    record = asdict(board) | {"title": board.title, "score_name": board.score_name, "tests": _record(board.tests)}
    for column, shown in zip(board.columns, record["columns"], strict=True):
        shown["tests"] = _record(column.tests)
    return json.dumps(record, indent=1, allow_nan=False)


def _record(tests: Tests | None) -> dict[str, Any] | None:
    if tests is None:
        return None
    names = [field.name for field in fields(Pair)]
    pairs = [[getattr(pair, name) for name in names] for pair in tests.pairs]
    return {
        "names": tests.names,
        "borrowed": tests.borrowed,
        "common": tests.common,
        "apart": tests.apart,
        "pair_fields": names,
        "pairs": pairs,
    }


def _tests(board: Board) -> Iterator[tuple[str, Tests]]:
    if board.tests and len(board.counted) > 1:
        yield OVERALL, board.tests
    for column in board.columns:
        if column.tests:
            yield column.setting, column.tests


def _values(cell: Cell) -> list[Any]:
    """Return the values under `_FIELDS`."""
    ends, held, gap = cell.ends or (None, None), cell.against, cell.gap
    return [
        *map(_number, (cell.mean, cell.half, *ends)),
        cell.n,
        *(cell.rank or ("", "")),
        int(cell.could_be_best),
        VERDICTS[held.mark] if held else "",
        *(map(_number, (held.difference, held.p, held.family)) if held else ("", "", "")),
        *((_number(-gap.points), int(gap.practically_equal)) if gap else ("", "")),
        _number(cell.chance_of_first),
        cell.diverged,
        int(cell.same_as_host),
    ]


def _number(value: Any) -> Any:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else value


def _safe(value: Any) -> Any:
    """Return a cell of one line that no spreadsheet takes for a formula."""
    return safe(value) if isinstance(value, str) and not _is_number(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _heading(board: Board, column: Column) -> str:
    return "<br>".join([column.setting + (" †" if board.doubtful(column) else ""), *about(column)])


def about(column: Column) -> list[str]:
    """Return what must be known of a setting: wrong labels, resolution, replicates."""
    said = []
    if column.realised_rate is not None:
        said.append(f"{percent(100 * column.realised_rate)} % wrong")
    if column.resolution is not None:
        said.append(f"resolution {percent(column.resolution)} points")
    return [*said, f"n = {column.n}" if column.counted else f"n = {column.n}, not counted"]


def _line(board: Board, row: Row, several: bool) -> Sequence[str]:
    score = row.score
    best = DOT if score and score.could_be_best else ""
    first = [interval(score) + flags(score, board.n) if score else "—"] if several else []
    rank = state(board, row) or (rank_range(score) if score else "")
    cells = [_cell(row.cells.get(column.setting), column) for column in board.columns]
    return [best, shown_name(row), *first, rank, mark(score).strip() if score else "", *cells]


def _cell(cell: Cell | None, column: Column) -> str:
    if cell is None:
        return "—"
    dot = f"{DOT} " if cell.could_be_best else ""
    return f"{dot}{interval(cell)} {mark(cell)}".rstrip() + flags(cell, column.n)
