"""Say setting by setting, and over all of a task, which methods could be best, beside what cross-entropy has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lnlbench.leaderboard.ranking.board import Board, Cell
from lnlbench.leaderboard.results.markdown import table

NONE = "no result yet"
FEW = "too few replicates to tell"


def to_markdown(found: Mapping[str, Sequence[Board]], settings: Sequence[str], most: int) -> str:
    """Return a table with a row per setting and one per mean of a task, and a column per rule.

    Args:
        found: the boards by rule, of the same suites in the same order.
        settings: in the order to show; those that no board has are rows without result.
        most: how many methods a cell names before it counts the others.
    """
    cells = {rule: dict(pair for board in boards for pair in _cells(board, most)) for rule, boards in found.items()}
    sizes = {key: size for boards in reversed(found.values()) for board in boards for key, size in _sizes(board)}
    keys = dict.fromkeys(
        key for name in settings for key in (name.partition("/")[0], name) if key in sizes or "/" in key
    )
    rows = [[_shown(key), sizes.get(key, ""), *(cells[rule].get(key, NONE) for rule in found)] for key in keys]
    return table(["", "rows / replicates", *(f"`{rule}`" for rule in found)], rows) + "\n"


def _cells(board: Board, most: int) -> Iterator[tuple[str, str]]:
    """Yield settings, and the suite where several of them count, with those that could be best there."""
    for column in board.columns:
        held = {row.name: row.cells[column.setting] for row in board.rows if column.setting in row.cells}
        yield column.setting, _best(held, board.reference, most)
    if len(board.counted) > 1:
        yield board.suite, _best({row.name: row.score for row in board.rows if row.score}, board.reference, most)


def _sizes(board: Board) -> Iterator[tuple[str, str]]:
    """Yield settings, and the suite where several of them count, with how many rows and replicates there are."""
    for column in board.columns:
        yield column.setting, f"{sum(column.setting in row.cells for row in board.rows)} / {column.n}"
    if len(board.counted) > 1:
        yield board.suite, f"{len(board.rows)} / {board.n}"


def _best(cells: Mapping[str, Cell], reference: str | None, most: int) -> str:
    """Return the first, its mean and that of the reference, and the others that could be best."""
    own = [name for name, cell in cells.items() if cell.could_be_best and not cell.same_as_host]
    if not own:
        return FEW
    first, *others = sorted(own, key=lambda name: -cells[name].mean)
    words = [f"`{name}`" for name in others[:most]]
    if more := len(others) - len(words):
        words.append(f"{more} more")
    beside = f" (`{reference}` {cells[reference].mean:.2f})" if reference in cells else ""
    return f"**`{first}`** {cells[first].mean:.2f}{beside}" + (f", or {', '.join(words)}" if words else "")


def _shown(key: str) -> str:
    task, _, noise = key.partition("/")
    return f"{task}, {noise.replace('-', ' ')}" if noise else f"**{task}**, mean"
