"""The same methods under two conditions, tuned and not: every difference, with Holm over the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lnlbench.leaderboard.ranking.board import Cell, Pair
from lnlbench.leaderboard.ranking.compare import Scores, compare, with_diverged
from lnlbench.leaderboard.ranking.families import holm
from lnlbench.leaderboard.ranking.thresholds import ALPHA


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The runs of one method under one condition."""

    scores: Scores
    diverged: int = 0  # how many of them
    reading: bool = False  # they are read off another method's runs


@dataclass(frozen=True, kw_only=True)
class Change:
    """One method: its cell before (None where it has none) and after, and what changed, in points.

    `p` is Holm's over the `family` of methods whose runs differ; None where there is nothing to test. Of a reading with
    the scores of its host they are the host's.
    """

    before: Cell | None
    after: Cell
    half: float | None
    p: float | None
    family: int
    same: bool  # the scores are the same, replicate by replicate

    @property
    def difference(self) -> float | None:
        """Return after minus before."""
        return None if self.before is None else self.after.mean - self.before.mean

    @property
    def as_host(self) -> bool:
        """Return whether a reading changed as its host did, by the same runs."""
        return self.before is not None and self.before.same_as_host and self.after.same_as_host

    @property
    def decided(self) -> bool:
        """Return whether it surely changed."""
        return self.p is not None and self.p < ALPHA


def changes(before: Mapping[str, Runs], *after: Mapping[str, Runs]) -> list[dict[str, Change]]:
    """Compare every method after with itself before, by Welch's t test on variances moderated over the whole table.

    The same runs tell of the variances once, and are tested once: a reading with the scores of its host is its host.
    Runs of which some diverged tell nothing of the others' variances.

    Args:
        before: of each method.
        after: the same, under each of the other conditions; methods that are only before are left out. All their
            tests are one family.

    Returns:
        the changes under each of the other conditions.
    """
    named = {name for rows in after for name in rows}
    conditions = ({name: row for name, row in before.items() if name in named}, *after)
    every = [(place, name, row) for place, rows in enumerate(conditions) for name, row in rows.items()]
    kept: dict[str, Runs] = {}
    owner: dict[str, str] = {}
    alias: dict[tuple[int, str], str] = {}
    for place, name, row in sorted(every, key=lambda one: one[2].reading):  # hosts come first
        known = kept if row.reading else [alias[i, name] for i in range(place) if (i, name) in alias]
        key = next((key for key in known if kept[key].scores == row.scores), f"{place} {name}")
        alias[place, name] = key
        kept.setdefault(key, row)
        owner.setdefault(key, name)
    scores = {key: row.scores for key, row in kept.items()}
    diverged = {key: row.diverged for key, row in kept.items()}
    able = [key for key, row in scores.items() if len(row) > 1]
    cells, tests = compare(scores, able, sources=[k for k in able if not diverged[k]], reference=None, family=())
    cells = with_diverged(cells, diverged)
    of = {(place, name): (alias.get((0, name)), key) for (place, name), key in alias.items() if place}
    pairs: dict[tuple[str | None, str], Pair] = {
        (start, end): pair for start, end in of.values() if tests and start and (pair := tests.pair(start, end))
    }
    adjusted = dict(zip(pairs, holm([pair.p for pair in pairs.values()]).tolist(), strict=True))

    def cell(key: str, name: str) -> Cell:
        return replace(cells[key], same_as_host=owner[key] != name)

    def change(place: int, name: str) -> Change:
        start, end = of[place, name]
        pair = pairs.get((start, end))
        return Change(
            before=cell(start, name) if start else None,
            after=cell(end, name),
            half=pair.half if pair else None,
            p=adjusted.get((start, end)),
            family=len(pairs) if pair else 0,
            same=start == end,
        )

    return [{name: change(place, name) for name in rows} for place, rows in enumerate(after, 1)]
