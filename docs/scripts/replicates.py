"""Hold the verdicts of a board's first replicates against those of more: what fewer runs would have said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lnlbench.leaderboard.ranking.board import Board, Cell, Tests
from lnlbench.leaderboard.ranking.build import build
from lnlbench.leaderboard.results.result import Result


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Verdicts on the same pairs of methods by fewer and by more replicates, each by Holm over all pairs.

    Attributes:
        where: the setting, or the name of the score over all.
        pairs: how many are compared.
        fewer, more: how many are decided.
        kept: how many are decided by both in the same direction.
        contradicted: how many are decided by both in opposite directions.
        best_fewer, best_more: the methods that could be best.
    """

    where: str
    pairs: int
    fewer: int
    more: int
    kept: int
    contradicted: int
    best_fewer: tuple[str, ...]
    best_more: tuple[str, ...]


def agreements(runs: Sequence[Result], rule: str, fewer: int, more: int) -> list[Agreement]:
    """Compare the boards of the first `fewer` and the first `more` replicates, column by column and in all.

    Both are of the methods that have all of these replicates in every setting.
    """
    held: dict[str, set[tuple[str, int]]] = {}
    for run in runs:
        held.setdefault(run.method, set()).add((run.setting, run.replicate))
    due = {(setting, replicate) for setting in {run.setting for run in runs} for replicate in range(more)}
    whole = [run for run in runs if due <= held[run.method]]
    return [*_columns(*(build([run for run in whole if run.replicate < n], rule) for n in (fewer, more)))]


def to_markdown(found: Sequence[Agreement], fewer: int, more: int) -> str:
    """Return what became of the verdicts as a table, and a list of the methods that could be best."""
    table = [
        f"| | pairs | decided at {fewer} | decided at {more} | kept | undecided at {more} | contradicted |",
        "| --- |" + " --: |" * 6,
    ]
    best = []
    for one in found:
        numbers = one.pairs, one.fewer, one.more, one.kept, one.fewer - one.kept - one.contradicted, one.contradicted
        table.append(f"| {one.where} | {' | '.join(map(str, numbers))} |")
        before, after = (", ".join(f"`{name}`" for name in names) for names in (one.best_fewer, one.best_more))
        best.append(f"- {one.where}, could be best: at {fewer} {before}; at {more} {after}.")
    return "\n".join([*table, "", *best, ""])


def _columns(few: Board, many: Board) -> Iterator[Agreement]:
    for one, other in zip(few.columns, many.columns, strict=True):
        cells = [{row.name: row.cells[one.setting] for row in board.rows} for board in (few, many)]
        yield _agreement(one.setting, [(one.tests, cells[0]), (other.tests, cells[1])], few.alpha)
    scores = [{row.name: row.score for row in board.rows if row.score} for board in (few, many)]
    yield _agreement(few.score_name, [(few.tests, scores[0]), (many.tests, scores[1])], few.alpha)


def _agreement(where: str, boards: Sequence[tuple[Tests | None, dict[str, Cell]]], alpha: float) -> Agreement:
    few, many = (_decided(tests, alpha) for tests, _ in boards)
    best = [tuple(name for name, cell in cells.items() if cell.could_be_best) for _, cells in boards]
    kept = sum(many.get(pair) is above for pair, above in few.items() if above is not None)
    both = sum(above is not None and many.get(pair) is not None for pair, above in few.items())
    return Agreement(
        where=where,
        pairs=len(few),
        fewer=sum(above is not None for above in few.values()),
        more=sum(above is not None for above in many.values()),
        kept=kept,
        contradicted=both - kept,
        best_fewer=best[0],
        best_more=best[1],
    )


def _decided(tests: Tests | None, alpha: float) -> dict[tuple[str, str], bool | None]:
    """Return of each pair whether the one that is first by name is above the other; None where it is not decided."""
    return {
        (min(pair.a, pair.b), max(pair.a, pair.b)): pair.a < pair.b if pair.decided(alpha) else None
        for pair in (tests.pairs if tests else ())
    }
