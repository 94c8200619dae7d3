"""What a page says of a method beside its numbers: where it comes from, and how to make its rows again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from lnlbench.leaderboard.ranking.board import Board, Row
from lnlbench.leaderboard.results.command import command
from lnlbench.leaderboard.results.form import SEARCHED


@dataclass(frozen=True, kw_only=True)
class About:
    """One registered method: family, idea in a line, formula, paper, code, what to cite; each may be empty."""

    family: str = ""
    idea: str = ""
    formula: str = ""
    paper: str = ""
    paper_url: str = ""
    code_url: str = ""
    bibtex: str = ""


def parts_of(row: Row, about: Mapping[str, About]) -> list[dict[str, str]]:
    """Return what is known of each part of a composition, in order: its name and the fields of its `About`."""
    names = [part.partition("(")[0].partition(" [")[0].strip() for part in row.name.split(" + ")]
    known = [(name, asdict(about[name])) for name in names if name in about]
    return [{"name": name, **{field: text for field, text in one.items() if field != "bibtex"}} for name, one in known]


def command_of(row: Row, board: Board, plugins: Sequence[str] = ()) -> str:
    """Return the command that makes the runs of a row again; nothing where no single command does.

    Args:
        row: of the board.
        board: that it is on.
        plugins: paths of the files that register its method; by default their names, as far as they are recorded.
    """
    settings = [column.setting for column in board.columns if column.setting in row.cells]
    replicates = sorted({replicate for cell in row.cells.values() for replicate in cell.scores})
    if not settings or not _consecutive(replicates) or board.track in SEARCHED:
        return ""
    return command(settings, [row.name], replicates, row.precisions, plugins or row.plugins)


def _consecutive(numbers: Sequence[int]) -> bool:
    return bool(numbers) and list(numbers) == list(range(numbers[0], numbers[-1] + 1))
