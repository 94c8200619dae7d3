"""What a board says, in the order in which a reader needs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lnlbench.leaderboard.ranking.board import BETTER, OPEN, WORSE, Board, Contender, Row
from lnlbench.leaderboard.ranking.equal import equal
from lnlbench.leaderboard.ranking.moderation import FEWEST
from lnlbench.leaderboard.ranking.scored import Scored
from lnlbench.leaderboard.ranking.uncounted import at_the_one, uncounted
from lnlbench.leaderboard.results.interval import mean_text
from lnlbench.leaderboard.results.listing import NAMED, be, listed
from lnlbench.leaderboard.results.rules import RANKED

EQUAL = 1e-9
"""Points within which two means are the same number."""


def sentences(board: Board, whole: Board, found: Scored) -> Iterator[str]:
    """Yield who is first, what is better and worse than cross-entropy, what would decide, whence the intervals come.

    Args:
        board: with rows, tests and plan; with some rows alone, where a reader asked for them.
        whole: with all rows.
        found: the results behind it.
    """
    some, every = (len(one.rows) + len(one.below) for one in (board, whole))
    yield from _of_all(board, found) if some == every else _of_some(board, whole, found)


def _of_all(board: Board, found: Scored) -> Iterator[str]:
    ranked = [row for row in board.rows if row.status == "ranked" and row.score]
    if not ranked:
        return
    if board.tests is None:
        if board.rule in RANKED and len(ranked) > 1:
            names = _leaders(ranked)
            have = "has" if len(names) == 1 else "have"
            first = f"{at_the_one(board)}{listed(names, 'and')} {have} the highest mean"
            yield f"{first}; with one replicate this is an order, not a result."
        yield from uncounted(board)
        return
    if len(ranked) > 1:
        yield from _first(board, ranked, found)
    yield from uncounted(board)
    if len(ranked) > 1:
        yield from _against(board, ranked)
        yield from _plan(board)
    yield _intervals(board, ranked)


def _of_some(board: Board, whole: Board, found: Scored) -> Iterator[str]:
    some, every = (len(one.rows) + len(one.below) for one in (board, whole))
    ranks = sum(row.status == "ranked" for row in whole.rows)
    among = f"; ranks are among all {ranks}" if whole.tests else ""
    yield f"Shown {some} of {every}{among}."
    yield from uncounted(board)
    ranked = [row for row in board.rows if row.status == "ranked" and row.score]
    if whole.tests is None or not ranked:
        return
    best = [row.name for row in ranked if row.score and row.score.could_be_best]
    apart = _apart(ranked)
    none = "No stable one of these" if apart else "None of these"
    yield f"Of these, {listed(best, 'and')} could be best{apart}." if best else f"{none} could be best{apart}."
    if len(names := _leaders(ranked)) > 1:
        yield f"{listed(names, 'and')} have equal scores."
    yield from equal(board, whole, found)
    yield from _against(board, ranked)
    yield from _plan(board)
    yield _intervals(whole, [row for row in whole.rows if row.status == "ranked" and row.score])


def _first(board: Board, ranked: Sequence[Row], found: Scored) -> Iterator[str]:
    first, best = _leaders(ranked), [row.name for row in ranked if row.score and row.score.could_be_best]
    score, alone = ranked[0].score, len(first) == 1
    assert score is not None
    shown = f"{at_the_one(board)}{listed(first, 'and')} {be(first)} first{'' if alone else ' with equal scores'}"
    shown += f" ({mean_text(score.mean, score.half if alone else None)})"
    others = [name for name in best if name not in first]
    left = sum(bool(row.score and row.score.rank and row.score.rank[0] > 1) for row in ranked)
    if lost := sum(row.score.diverged for row in ranked[: len(first)] if row.score):
        yield f"{shown}, but {lost} of {'its' if alone else 'their'} runs diverged."
        yield f"Without such methods, {listed(best, 'or') or 'none'} could be best."
        return
    rest = f"; the other {left} {'is' if left == 1 else 'are'} surely not" if left else ""
    apart = _apart(ranked)
    if not others:
        yield f"{shown}, and no other {'stable one ' if apart else ''}could be best{apart}."
    else:
        yield f"{shown}; it could also be {listed(others, 'or')}{rest}{apart}."
    yield from equal(board, board, found)


def _leaders(ranked: Sequence[Row]) -> list[str]:
    """Return the names of the rows that share the highest mean: the first of them stands there by its name alone."""
    means = [row.score.mean for row in ranked if row.score]
    return [row.name for row, mean in zip(ranked, means, strict=True) if means[0] - mean < EQUAL]


def _apart(ranked: Sequence[Row]) -> str:
    """Return what is said of rows that the tests leave in question, and that are not best for a divergence alone."""
    possible = [row for row in ranked if row.score and row.score.rank and row.score.rank[0] == 1]
    lost = [row.name for row in possible if row.score and row.score.diverged]
    return f"; {listed(lost, 'and')} {be(lost)} not ruled out, but had runs that diverged" if lost else ""


def _against(board: Board, ranked: Sequence[Row]) -> Iterator[str]:
    held = [row.score.against for row in ranked if row.score and row.score.against]
    if not held:
        return
    counts = {mark: sum(one.mark == mark for one in held) for mark in (BETTER, WORSE, OPEN)}
    family = f"Holm over {held[0].family} comparison{'s' if held[0].family != 1 else ''}"
    text = f"Against {board.reference}: {counts[BETTER]} better, {counts[WORSE]} worse"
    text += f", {counts[OPEN]} cannot be told apart yet ({family})."
    clean = [column for column in board.counted if column.noise == "clean" and column.tests]
    if clean and len(board.counted) > 1:
        cells = [row.cells[clean[0].setting].against for row in ranked]
        marks = [cell.mark for cell in cells if cell]
        text += f" On clean labels {marks.count(WORSE)} cost accuracy and {marks.count(BETTER)} gain some."
    yield text


def _plan(board: Board) -> Iterator[str]:
    plan = board.plan
    if plan is None:
        return
    if plan.command:
        time = "" if plan.seconds is None else f", about {duration(plan.seconds)} of device time"
        step = ", a first step" if plan.first_step else ""
        yield (
            f"More replicates of those that could be best{step}: `{plan.command}` "
            f"({plan.runs} run{'s' if plan.runs != 1 else ''}{time})."
        )
    others = [one for one in plan.contenders if one.gap >= EQUAL]
    told = [_contender(one) for one in others[:NAMED]]
    more = len(others) - len(told)
    if told:
        yield "What would decide at the gaps seen: " + "; ".join(told) + (f"; and {more} more." if more else ".")


def _contender(contender: Contender) -> str:
    if contender.replicates is None:
        return f"{contender.name} is within {max(contender.gap, 0.01):.2f} points: more runs will not tell"
    return f"{contender.name} ({contender.gap:.2f} points behind) at {contender.replicates} replicates"


def _intervals(board: Board, ranked: Sequence[Row]) -> str:
    assert board.tests is not None
    borrowed = board.tests.borrowed
    text = "Intervals are 95 %; "
    if board.tests.common:
        text += "each uses its method's replicates alone, since one draw is harder than another for all methods."
    elif borrowed:
        text += f"their variances are partly borrowed from the other methods, worth {borrowed:.1f} replicates."
    elif (count := sum(map(_tells, ranked))) < FEWEST:
        text += (
            f"each uses its method's replicates alone: pooling needs at least {FEWEST} methods whose replicates "
            f"differ, and there {'is' if count == 1 else 'are'} {count}."
        )
    else:
        text += "nothing is borrowed from the other methods, whose variances are too unlike."
    cells = [row.score for row in ranked if row.score]
    if min(cell.n for cell in cells) == 2:
        text += " With two replicates the order of neighbours is a guess."
    return text


def _tells(row: Row) -> bool:
    return not row.reading and not row.diverged and row.score is not None and len({*row.score.scores.values()}) > 1


def duration(seconds: float) -> str:
    """Return a time in the unit that fits it."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.2g} {unit}" if seconds < 100 * size else f"{seconds / size:.0f} {unit}"
    return f"{max(1.0, seconds):.0f} s"
