"""Compares the methods of one column: from scores by replicate to cells and tests."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from lnlbench.leaderboard.ranking.board import BETTER, OPEN, WORSE, Against, Cell, Gap, Pair, Tests
from lnlbench.leaderboard.ranking.draws import SameDraws, same_draws
from lnlbench.leaderboard.ranking.families import against, all_pairs, chances_of_first, gap_bounds, rank_ranges
from lnlbench.leaderboard.ranking.moderation import FEWEST, Moderated, moderate
from lnlbench.leaderboard.ranking.thresholds import ALPHA, MARGIN
from lnlbench.leaderboard.ranking.welch import Welch

Scores = Mapping[int, float]
"""Replicate → accuracy in percent."""


def compare(
    scores: Mapping[str, Scores],
    compared: Collection[str],
    *,
    sources: Collection[str],
    reference: str | None,
    family: Collection[str],
    trend: bool = True,
    margin: float = MARGIN,
    alpha: float = ALPHA,
) -> tuple[dict[str, Cell], Tests | None]:
    """Return a cell of every method, and how those that are compared were compared.

    Args:
        scores: of every method, none of them empty; those that are not compared get an interval alone.
        compared: methods with two replicates or more; none of them: nothing is compared.
        sources: whose variances tell of the others', of those compared.
        reference: whom all are held against, where it is among those compared.
        family: who is held against it.
        trend: whether the prior of the variances may follow the mean.
        margin: points within which two methods are practically equal.
        alpha: level of every family of tests.
    """
    told = [name for name in sources if name in compared]
    means = {name: math.fsum(row.values()) / len(row) for name, row in scores.items()}
    names = _best_first(means, compared)
    every, welch = columns(names, compared, scores, told, trend=trend)
    if isinstance(welch, SameDraws):  # on all draws, so that no order contradicts a test
        known = zip(names, welch.means.tolist(), strict=False)  # of those that are compared, which come first
        means = {name: welch.on_all(row) for name, row in scores.items()} | dict(known)
        names = _best_first(means, compared)
        every, welch = columns(names, compared, scores, told, trend=trend)
    order = [name for name in names if name in compared]
    halves = every.mean_half_widths()
    cells = {
        name: Cell(
            mean=means[name],
            half=_finite(halves[i]) if len(scores[name]) > 1 else None,
            freedom=float(every.moderated.freedom[i]) if len(scores[name]) > 1 else None,
            n=len(scores[name]),
            scores=dict(scores[name]),
        )
        for i, name in enumerate(names)
    }
    if not order:
        return cells, None
    ranges = rank_ranges(welch, alpha)
    bounds, chances = gap_bounds(welch, 0, alpha), chances_of_first(welch)
    held = _against(welch, order, reference, family, alpha)
    for i, name in enumerate(order):
        gap = Gap(
            points=float(welch.difference[i, 0]),
            bound=_finite(bounds[i]),
            practically_equal=bool(bounds[i] > -margin),
        )
        cells[name] = replace(
            cells[name],
            rank=(int(ranges.best[i]), int(ranges.worst[i])),
            could_be_best=bool(ranges.best[i] == 1),
            against=held.get(name),
            gap=gap if i else None,
            chance_of_first=float(chances[i]),
            variance=_finite(welch.moderated.variance[i]),
        )
    return cells, Tests(
        names=tuple(order),
        borrowed=welch.moderated.borrowed,
        pairs=_pairs(welch, order),
        common=welch.common if isinstance(welch, SameDraws) else 0.0,
        apart=tuple(np.array(order)[welch.apart].tolist()) if isinstance(welch, SameDraws) else (),
    )


def with_diverged(cells: Mapping[str, Cell], diverged: Mapping[str, int]) -> dict[str, Cell]:
    """Return cells that say how many of their runs diverged: then none could be best, and chance has no spread."""
    return {
        name: replace(
            cell,
            half=None if diverged[name] and len({*cell.scores.values()}) == 1 else cell.half,
            diverged=diverged[name],
            could_be_best=cell.could_be_best and not diverged[name],
        )
        for name, cell in cells.items()
    }


def columns(
    names: Sequence[str],
    compared: Collection[str],
    scores: Mapping[str, Scores],
    sources: Collection[str],
    *,
    trend: bool = True,
) -> tuple[Welch, Welch]:
    """Return the column that intervals of means are of, and the one that tests are of: of the first methods alone.

    Args:
        names: of the methods, those that are compared first.
        compared: these.
        scores: of each, none of them empty.
        sources: as for `column_of`, of those compared.
        trend: as for `column_of`.
    """
    alone, count = column_of(names, scores, (), trend=trend), sum(name in compared for name in names)
    if same := same_draws(names[:count], scores, sources, _first(alone, count), trend=trend):
        # Methods that draws move together tell one thing of the variance of a mean, not one each.
        return alone, same
    every = column_of(names, scores, sources, trend=trend)
    return every, _first(every, count)


def _best_first(means: Mapping[str, float], compared: Collection[str]) -> list[str]:
    """Return the names of those compared, best first, and after them all others."""
    order = sorted((name for name in means if name in compared), key=lambda name: (-means[name], name))
    return [*order, *(name for name in means if name not in compared)]


def common(rows: Sequence[Scores]) -> dict[int, float]:
    """Return the mean over settings of each replicate that all settings have.

    Args:
        rows: scores of one method, a mapping per setting.
    """
    shared = sorted(set.intersection(*(set(row) for row in rows))) if rows else []
    return {i: math.fsum(row[i] for row in rows) / len(rows) for i in shared}


def column_of(
    names: Sequence[str], scores: Mapping[str, Scores], sources: Collection[str], *, trend: bool = True
) -> Welch:
    """Return methods as a column whose tests can be asked for.

    Args:
        names: of the methods, in order.
        scores: of each, none of them empty.
        sources: whose variances tell of the others', where enough of them differ: a copy of a method tells nothing new.
        trend: whether the prior of the variances may follow the mean.
    """
    distinct = {frozenset(scores[name].items()) for name in sources}
    values = [np.array(list(scores[name].values()), float) for name in names]
    replicates = np.array([len(row) for row in values], float)
    variances = np.array([row.var(ddof=1) if len(row) > 1 else np.nan for row in values])
    variances[variances < 1e-18] = 0.0  # rounding of equal scores
    means = np.array([math.fsum(row) / len(row) for row in values])
    told = np.array([name in sources and len(distinct) >= FEWEST for name in names], bool)
    return Welch(means, replicates, moderate(means, variances, replicates, told, trend=trend))


def _first(welch: Welch, count: int) -> Welch:
    """Return the tests between the first so many methods alone."""
    own = welch.moderated
    kept = Moderated(
        variance=own.variance[:count],
        freedom=own.freedom[:count],
        prior=own.prior[:count],
        borrowed=own.borrowed,
        estimated=own.estimated,
    )
    return Welch(welch.means[:count], welch.replicates[:count], kept)


def _against(
    welch: Welch, order: Sequence[str], reference: str | None, family: Collection[str], alpha: float
) -> dict[str, Against]:
    if reference is None or reference not in order:
        return {}
    at = order.index(reference)
    members = np.array([name in family and name != reference for name in order])
    p, halves = against(welch, at, members), welch.half_widths()[:, at]
    found = {}
    for i in map(int, np.flatnonzero(members)):
        difference = float(welch.difference[i, at])
        mark = OPEN if not p[i] < alpha else BETTER if difference > 0 else WORSE
        found[order[i]] = Against(
            reference=reference,
            difference=difference,
            half=_finite(halves[i]),
            p=float(p[i]),
            family=int(members.sum()),
            mark=mark,
        )
    return found


def _pairs(welch: Welch, order: Sequence[str]) -> tuple[Pair, ...]:
    holm, half = all_pairs(welch), welch.half_widths()
    p, difference, higher = welch.p, welch.difference, welch.higher
    return tuple(
        Pair(
            a=order[i],
            b=order[j],
            difference=float(difference[i, j]),
            half=_finite(half[i, j]),
            p=float(p[i, j]),
            p_holm=float(holm[i, j]),
            a_higher=float(higher[i, j]),
        )
        for i in range(len(order))
        for j in range(i + 1, len(order))
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
