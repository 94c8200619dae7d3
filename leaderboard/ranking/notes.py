"""What else must be known of a board, one sentence each: what is not compared and why, and what the flags mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lnlbench.leaderboard.ranking.board import BETTER, Board, Row
from lnlbench.leaderboard.ranking.scored import Scored
from lnlbench.leaderboard.results.precision import mixed_precisions
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import EVERY, RANKED, cyclic


def upper_bounds(runs: Iterable[Result]) -> dict[str, str]:
    """Return what estimates were hardly below the errors of the networks that made them, by setting."""
    told: dict[str, list[tuple[float, float]]] = {}
    for run in runs:
        facts = run.identity.get("told", {})
        if facts.get("upper_bound") and "noise_rate" in facts:
            told.setdefault(run.setting, []).append((facts["noise_rate"], facts["out_of_fold_accuracy"]))
    return {
        setting: f"{_span([rate for rate, _ in pairs])}, by networks right on {_span([right for _, right in pairs])}"
        for setting, pairs in told.items()
    }


def _span(values: list[float]) -> str:
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"


def doubtful(board: Board) -> list[str]:
    """Return the settings of a board in which noisy validation chooses the epochs and is not guaranteed."""
    return [column.setting for column in board.columns if board.doubtful(column)]


def doubt(setting: str) -> str:
    """Say that noisy validation is not guaranteed in a setting; † stands there in tables."""
    return f"† {setting}: its noise may depend on the image, so noisy validation is not guaranteed."


def common_to_all(shares: Mapping[str, float]) -> str:
    """Say, for a sentence that goes on, what share of the variance is common to all methods, by setting."""
    where = ", ".join(f"{100 * share:.0f} % in {setting}" for setting, share in shares.items())
    return f"Of the variance between replicates {where} is common to all methods"


def notes(board: Board, found: Scored) -> Iterator[str]:
    """Yield the sentences.

    Args:
        board: with rows and columns.
        found: the results behind it.
    """
    if board.rule not in RANKED:
        yield f"The rule {board.rule!r} looks at the test set and ranks nobody."
    every = (*board.rows, *board.below)
    yield from _both(board)
    left_out = [column.setting for column in board.columns if not column.counted]
    if left_out and len(board.counted) > 1:  # beside the one that counts they are in a sentence
        yield f"Not in the mean, since fewer than nine in ten methods have results there: {', '.join(left_out)}."
    incomplete = [row for row in board.below if row.status == "incomplete"]
    once = {row.name: _next(board, row) for row in incomplete if board.held(row) == "n = 1"}
    for replicate in sorted({*once.values()}):
        names = [name for name, following in once.items() if following == replicate]
        have = "has" if len(names) == 1 else "have"
        yield f"{', '.join(names)} {have} one replicate; two are needed for an interval (`--replicates {replicate}`)."
    if incomplete := [row for row in incomplete if row.name not in once]:
        held = "; ".join(f"{row.name}: {board.held(row)}" for row in incomplete)
        yield f"Incomplete, and not compared with the others: {held}."
    if fewer := [f"{row.name} {row.score.n}" for row in every if row.score and row.score.n < _most_shown(board, row)]:
        yield f"Means over the replicates that all settings have, fewer than some settings show: {', '.join(fewer)}."
    yield from map(doubt, doubtful(board))
    yield from _common(board)
    if lost := [row for row in every if row.diverged]:
        who = ", ".join(f"{row.name} {row.diverged}" for row in lost)
        yield f"! diverged runs score chance and count: {who}."
    if same := [row for row in board.rows if row.status == "same"]:
        yield f"= the same runs as their host's under this rule, not compared: {', '.join(row.name for row in same)}."
    if cells := [*_as_host(row for row in every if row.status != "same")]:
        yield f"= in that setting the same runs as their host's: {', '.join(cells)}."
    if alone := [f"{row.name} {count}" for row in every if (count := found.unscored(row.name))]:
        yield f"Without the runs that they were read off, and so without a score under this rule: {', '.join(alone)}."
    if longer := [row.name for row in board.below if row.status == "reference"]:
        yield f"Trained longer, for comparison at equal passes, and not compared: {', '.join(longer)}."
    if told := [row for row in every if row.told]:
        yield "Told beyond the labels: " + "; ".join(f"{row.name}: {', '.join(row.told)}" for row in told) + "."
    if bounds := upper_bounds([run for name in found.grid for run in found.runs(name)]):
        said = "; ".join(f"{setting}: {text}" for setting, text in bounds.items())
        yield f"Noise rates that methods were told are upper bounds: {said}."
    cycles = sorted({run.label for name in found.grid for run in found.runs(name) if cyclic(run)})
    if EVERY[board.rule].over_epochs and cycles:
        yield f"Means of ten epochs within a cycle of the learning rate: {', '.join(cycles)}."
    yield from mixed_precisions(run for name in found.grid for run in found.runs(name))


def _both(board: Board) -> Iterator[str]:
    """Yield why the reference could be best and is marked as below the first, where it is."""
    scores = {row.name: row.score for row in board.rows if row.status == "ranked" and row.score}
    first, held = next(iter(scores), None), scores.get(board.reference or "")
    if first and held and held.could_be_best and (mark := scores[first].against) and mark.mark == BETTER:
        yield (
            f"{board.reference} holds ● although {first} is + against it: a range of ranks allows for comparisons with "
            "all others, readings too, and is wider than a mark, which allows for those with cross-entropy alone."
        )


def _common(board: Board) -> Iterator[str]:
    """Yield where the tests compare methods on the same draws."""
    where = [(column.setting, column.tests) for column in board.columns]
    if len(board.counted) > 1:
        where.append(("the mean", board.tests))
    if shares := {name: tests.common for name, tests in where if tests and tests.common}:
        yield (
            f"{common_to_all(shares)}: one draw is harder than another. The tests compare methods on the same draws "
            "and leave it out, the intervals of means do not. Means are as on all draws, also of who lacks some."
        )
    if apart := dict.fromkeys(name for _, tests in where if tests for name in tests.apart):
        yield f"Without two draws that others have, and compared as they are: {', '.join(apart)}."


def _as_host(rows: Iterable[Row]) -> Iterator[str]:
    """Yield the rows of which some cells are their host's, with the settings of these."""
    for row in rows:
        if settings := [setting for setting, cell in row.cells.items() if cell.same_as_host]:
            yield f"{row.name} ({', '.join(settings)})"


def _next(board: Board, row: Row) -> int:
    """Return the replicate that a row of one lacks: the first that other rows have, else the one after its own."""
    own = {replicate for cell in row.cells.values() for replicate in cell.scores}
    others = {i for other in board.rows for cell in other.cells.values() for i in cell.scores}
    return min(others - own, default=max(own) + 1)


def _most_shown(board: Board, row: Row) -> int:
    return max(row.cells[column.setting].n for column in board.counted if column.setting in row.cells)
