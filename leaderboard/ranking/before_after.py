"""The same methods under two conditions, tuned and not: every difference, with Holm over the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lnlbench.leaderboard.ranking.board import Cell
from lnlbench.leaderboard.ranking.compare import Scores, compare
from lnlbench.leaderboard.ranking.families import holm
from lnlbench.leaderboard.ranking.thresholds import ALPHA


@dataclass(frozen=True, kw_only=True)
class Change:
    """One method: its cell before (None where it has none) and after, and what changed, in points.

    `p` is Holm's over the `family` of methods whose runs differ; None where there is nothing to test.
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
    def decided(self) -> bool:
        """Return whether it surely changed."""
        return self.p is not None and self.p < ALPHA


def changes(before: Mapping[str, Scores], *after: Mapping[str, Scores]) -> list[dict[str, Change]]:
    """Compare every method after with itself before, by Welch's t test on variances moderated over the whole table.

    Args:
        before: method → replicate → accuracy in percent.
        after: the same, under each of the other conditions; methods that are only before are left out. All their
            tests are one family.

    Returns:
        the changes under each of the other conditions.
    """
    named = {name for rows in after for name in rows}
    scores: dict[str, Scores] = {f"before {name}": row for name, row in before.items() if name in named}
    alias: dict[tuple[int, str], str] = {}  # the same runs tell once, and are tested once
    for place, rows in enumerate(after):
        for name, row in rows.items():
            known = (f"before {name}", *(f"{earlier} {name}" for earlier in range(place)))
            alias[place, name] = next((key for key in known if scores.get(key) == row), f"{place} {name}")
            scores[alias[place, name]] = row
    able = [key for key, row in scores.items() if len(row) > 1]
    cells, tests = compare(scores, able, sources=able, reference=None, family=())
    found: dict[tuple[int, str], Change] = {}
    raw: dict[str, float] = {}
    for (place, name), key in alias.items():
        same = key == f"before {name}"
        first = cells.get(f"before {name}")
        pair = tests.pair(f"before {name}", key) if tests and first and not same else None
        if pair is not None:
            raw[key] = pair.p
        found[place, name] = Change(
            before=first, after=cells[key], half=pair.half if pair else None, p=None, family=0, same=same
        )
    adjusted = dict(zip(raw, holm(list(raw.values())), strict=True))
    for (place, name), key in alias.items():
        if key in adjusted:
            found[place, name] = replace(found[place, name], p=float(adjusted[key]), family=len(adjusted))
    return [{name: found[place, name] for name in rows} for place, rows in enumerate(after)]
