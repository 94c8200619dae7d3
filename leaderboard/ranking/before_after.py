"""The same methods under two conditions, tuned and not: every difference, with Holm over the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lnlbench.leaderboard.ranking.board import Cell
from lnlbench.leaderboard.ranking.compare import Scores, compare
from lnlbench.leaderboard.ranking.families import holm


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


def changes(before: Mapping[str, Scores], after: Mapping[str, Scores]) -> dict[str, Change]:
    """Compare every method after with itself before, by Welch's t test on variances moderated over the whole table.

    Args:
        before: method → replicate → accuracy in percent.
        after: the same; methods that are only before are left out.
    """
    scores = {(name, when): row for when, rows in (("before", before), ("after", after)) for name, row in rows.items()}
    named = {f"{when} {name}": row for (name, when), row in scores.items() if name in after}
    able = [name for name, row in named.items() if len(row) > 1]
    twice = {f"after {name}" for name in after if before.get(name) == after[name]}  # the same runs tell once
    cells, tests = compare(named, able, sources=[n for n in able if n not in twice], reference=None, family=())
    found = {}
    for name in after:
        first, second = cells.get(f"before {name}"), cells[f"after {name}"]
        same = before.get(name) == after[name]
        pair = tests.pair(f"before {name}", f"after {name}") if tests and first and not same else None
        found[name] = Change(
            before=first,
            after=second,
            half=pair.half if pair else None,
            p=pair.p if pair else None,
            family=0,
            same=same,
        )
    tested = [name for name, change in found.items() if change.p is not None]
    adjusted = holm([found[name].p or 0.0 for name in tested])
    for name, p in zip(tested, adjusted, strict=True):
        found[name] = replace(found[name], p=float(p), family=len(tested))
    return found
