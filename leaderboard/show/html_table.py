"""A board as a plain HTML table, for notebooks."""

from __future__ import annotations

from html import escape

from lnlbench.leaderboard.ranking.board import Board
from lnlbench.leaderboard.results.text import visible
from lnlbench.leaderboard.show.words import DOT, interval, mark, percent, rank_range, shown_name, state


def to_html(board: Board) -> str:
    """Return the board as one table element with its title, its first sentence below it; every text is escaped."""
    heads = ["method", board.score_name, "rank", f"vs {board.reference or '—'}"]
    heads += [column.setting for column in board.columns] if len(board.columns) > 1 else []
    heads += ["checked"] if board.standings_differ else []
    rows = []
    for row in (*board.rows, *board.below):
        score = row.score
        cells = [
            f"{DOT} {shown_name(row)}" if score and score.could_be_best else shown_name(row),
            interval(score) if score else state(board, row),
            rank_range(score) if score else "",
            mark(score) if score else "",
        ]
        if len(board.columns) > 1:
            for cell in (row.cells.get(column.setting) for column in board.columns):
                dot = DOT if cell and cell.could_be_best else ""
                cells.append("" if cell is None else dot + percent(cell.mean) + mark(cell))
        cells += [row.standing] if board.standings_differ else []
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    head = "<tr>" + "".join(f"<th>{escape(text)}</th>" for text in heads) + "</tr>"
    first = f"<p>{escape(board.sentences[0])}</p>" if board.sentences else ""
    caption = board.title + (f"; every row {board.standing}" if board.standing else "")
    body = f"<thead>{head}</thead><tbody>{''.join(rows)}</tbody>"
    return visible(f"<table><caption>{escape(caption)}</caption>{body}</table>{first}")
