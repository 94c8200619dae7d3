"""One method against others, by the tests of boards: the family are the others that were asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lnlbench.leaderboard.ranking.board import Against, Cell, Tests
from lnlbench.leaderboard.ranking.compare import Scores, common, compare
from lnlbench.leaderboard.ranking.needed import replicates_needed
from lnlbench.leaderboard.ranking.thresholds import ALPHA, MARGIN

Cells = Mapping[str, Mapping[str, Scores]]
"""Setting → method → replicate → accuracy in percent."""


@dataclass(frozen=True, kw_only=True)
class Versus:
    """A method beside one other, in one setting or over all of them; in percent, and points.

    `p` is adjusted by Holm over a family of `family` comparisons, None where one of the two has a single replicate
    and where they saw other data; `needed` are the replicates of both with which the gap that is seen would be decided,
    None where it is, where they are practically equal, or where more runs will not tell.
    """

    setting: str  # or `mean of 3`
    other: str
    mean: float
    other_mean: float
    half: float | None  # of the 95 % interval of the difference, not adjusted
    p: float | None
    family: int
    n: int
    other_n: int
    borrowed: float  # replicates' worth of variance from other methods
    common: float = 0.0  # share of the variance between replicates that all methods have, taken out of the test
    same: bool = False  # the scores are the same, replicate by replicate
    needed: int | None = None
    margin: float = MARGIN  # points within which they are practically equal
    apart: bool = False  # they saw other labels or another split: what differs may be that

    @property
    def difference(self) -> float:
        """Return this method minus the other, in points."""
        return self.mean - self.other_mean

    @property
    def practically_equal(self) -> bool:
        """Return whether no test tells them apart and the whole interval lies within the margin."""
        if self.half is None or self.same or self.p is None or self.p < ALPHA:
            return False
        return abs(self.difference) + self.half < self.margin

    @property
    def open(self) -> bool:
        """Return whether the question is open: more replicates may answer it."""
        return not (self.p is None or self.p < ALPHA or self.same or self.practically_equal)

    @property
    def verdict(self) -> str:
        """Return what the test says."""
        if self.apart:
            return "not compared: other data"
        if self.same:
            return "the same scores"
        if self.p is None:
            return "one replicate: an order, not a result"
        if self.practically_equal:
            return f"practically equal, within {self.margin:g} points"
        if self.p >= ALPHA:
            return "cannot be told apart yet"
        return "better" if self.difference > 0 else "worse"

    def json(self) -> dict[str, Any]:
        """Return the comparison, JSON-able."""
        return {
            "setting": self.setting,
            "against": self.other,
            "mean": self.mean,
            "against_mean": self.other_mean,
            "difference": self.difference,
            "half_interval": self.half,
            "p_holm": self.p,
            "family": self.family,
            "n": self.n,
            "against_n": self.other_n,
            "borrowed": self.borrowed,
            "common": self.common,
            "replicates_needed": self.needed,
            "margin": self.margin,
            "practically_equal": self.practically_equal,
            "verdict": self.verdict,
        }


def versus(
    cells: Cells,
    mine: str,
    others: Sequence[str],
    beside: Cells,
    unstable: Mapping[str, set[str]],
    apart: Mapping[str, set[str]] | None = None,
    margin: float = MARGIN,
) -> list[Versus]:
    """Compare a method with each of the others, setting by setting, and in the mean over all settings.

    Others without a result in a setting are left out there.

    Args:
        cells: of the methods that are compared, and perhaps of others.
        mine: the method.
        others: what it is held against, the family.
        beside: of other methods, whose variances tell of these.
        unstable: by setting, of both, the methods whose variances do not: with diverged runs, or read off others.
        apart: by setting, the others that saw other data than the method: they are shown, and not compared.
        margin: points within which two methods are practically equal.
    """
    found, apart = [], apart or {}
    for setting, row in cells.items():
        here = {name: row[name] for name in (mine, *others) if row.get(name)}
        every = {**beside.get(setting, {}), **row}
        lost, other_data = unstable.get(setting, set()), apart.get(setting, set())
        found += _held(setting, here, every, mine, lost, other_data, margin, trend=True)
    if len(cells) > 1:
        every_setting = {setting: {**beside.get(setting, {}), **row} for setting, row in cells.items()}
        means = _means(every_setting)
        here = {name: means[name] for name in (mine, *others) if name in means}
        lost = set().union(*unstable.values())
        other_data = set().union(*apart.values())
        found += _held(f"mean of {len(cells)}", here, means, mine, lost, other_data, margin, trend=False)
    return found


def _held(
    setting: str,
    here: Mapping[str, Scores],
    every: Mapping[str, Scores],
    mine: str,
    unstable: set[str],
    apart: set[str],
    margin: float,
    *,
    trend: bool,
) -> list[Versus]:
    if mine not in here:
        return []
    others = [name for name in here if name != mine]
    able = [name for name, row in every.items() if len(row) > 1]
    sources = [name for name in able if name not in unstable]
    family: Collection[str] = {*others} - apart
    found, tests = compare(every, able, sources=sources, reference=mine, family=family, trend=trend)
    rows = [_one(setting, found[mine], other, found[other], here[mine] == here[other], tests) for other in others]
    rows = [replace(row, margin=margin, apart=row.other in apart) for row in rows]
    return [row if row.open else replace(row, needed=None) for row in rows]


def _one(setting: str, mine: Cell, other: str, cell: Cell, same: bool, tests: Tests | None) -> Versus:
    held: Against | None = cell.against  # the other against this method: its sign is turned
    family, borrowed = held.family if held else 0, tests.borrowed if tests else 0.0
    return Versus(
        setting=setting,
        other=other,
        mean=mine.mean,
        other_mean=cell.mean,
        half=held.half if held else None,
        p=held.p if held else None,
        family=family,
        n=mine.n,
        other_n=cell.n,
        borrowed=borrowed,
        common=tests.common if tests else 0.0,
        same=same,
        needed=replicates_needed(mine, cell, borrowed, family) if held else None,
    )


def _means(cells: Cells) -> dict[str, Scores]:
    """Return the mean over all settings of every method that has them all."""
    names = dict.fromkeys(name for row in cells.values() for name in row)
    means = {
        name: common([row[name] for row in cells.values()])
        for name in names
        if all(row.get(name) for row in cells.values())
    }
    return {name: row for name, row in means.items() if row}
