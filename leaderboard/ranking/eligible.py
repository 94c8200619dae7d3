"""Which settings count and which methods are compared: a missing cell takes out its own row alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from lnlbench.leaderboard.ranking.compare import Scores, common

SHARE = 0.9
"""Of the rows, that must have a setting for it to count."""


@dataclass(frozen=True, kw_only=True)
class Eligible:
    """Counted settings, rows that have them all, in how many of them each row has enough, and what enough is."""

    counted: tuple[str, ...]
    rows: tuple[str, ...]
    have: Mapping[str, int]
    least: int  # replicates


def eligible(
    scores: Mapping[str, Mapping[str, Scores]],
    candidates: Collection[str],
    settings: Sequence[str],
    complete: bool = False,
) -> Eligible:
    """Return what is compared: with two replicates or more, or, where hardly any row has two, with one and no test.

    A setting counts where nine rows in ten have it, or all but one: one exploratory run changes nothing for others.

    Args:
        scores: row → setting → replicate → accuracy.
        candidates: rows that may be compared.
        settings: in the order of the board.
        complete: whether only settings count that all candidates have.
    """
    two, one = (_eligible(scores, candidates, settings, complete, least) for least in (2, 1))
    return two if len(two.rows) >= min(2, len(one.rows)) else one


def _eligible(
    scores: Mapping[str, Mapping[str, Scores]],
    candidates: Collection[str],
    settings: Sequence[str],
    complete: bool,
    least: int,
) -> Eligible:
    def has(name: str, setting: str) -> bool:
        return len(scores[name].get(setting, ())) >= least

    held = {setting: sum(has(name, setting) for name in candidates) for setting in settings}
    most, count = max(held.values(), default=0), len(candidates)
    needed = count if complete else min(SHARE * count, count - 1 if count > 2 else count)
    # Where no setting is had by so many, those count that most rows have.
    counted = [setting for setting in settings if held[setting] >= min(needed, most) > 0]
    have = {name: sum(has(name, setting) for setting in counted) for name in candidates}
    rows = [
        name
        for name in candidates
        if counted and have[name] == len(counted) and len(common([scores[name][s] for s in counted])) >= least
    ]
    return Eligible(counted=tuple(counted), rows=tuple(rows), have=have, least=least)
