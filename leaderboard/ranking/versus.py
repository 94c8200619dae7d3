"""One method against others: paired tests within each setting, and over settings where they can decide anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lnlbench.leaderboard.ranking.across import compare_across
from lnlbench.leaderboard.ranking.statistics import Comparison, Scores, holm, paired

ALPHA = 0.05

Cells = Mapping[str, Mapping[str, Scores]]
"""Setting → method → replicate → score."""


@dataclass(frozen=True)
class Versus:
    """A method beside one other in one setting; p is adjusted by Holm over the others of that setting."""

    setting: str
    other: str
    mean: float
    other_mean: float
    test: Comparison

    @property
    def verdict(self) -> str:
        """What the test decides."""
        if self.test.p is None:
            return "cannot be decided with one replicate"
        if not self.test.difference and not self.test.half:
            return "the same scores"
        if self.test.p >= ALPHA:
            return f"not decided with {self.test.n} replicates"
        return "better" if self.test.difference > 0 else "worse"


def versus(cells: Cells, mine: str, others: Sequence[str]) -> list[Versus]:
    """Compare a method with each of the others, setting by setting: paired t over the common replicates.

    Others without a common replicate are left out.
    """
    found = []
    for setting, row in cells.items():
        here = {other: paired(row[mine], row[other]) for other in others if mine in row and other in row}
        tests = {other: test for other, test in here.items() if test is not None}
        adjusted = holm([test.p for test in tests.values()])
        for (other, test), p in zip(tests.items(), adjusted, strict=True):
            common = row[mine].keys() & row[other].keys()
            mean, beside = (sum(row[name][i] for i in common) / len(common) for name in (mine, other))
            found.append(Versus(setting, other, mean, beside, replace(test, p=p)))
    return found


def together(cells: Cells, mine: str, others: Sequence[str]) -> str:
    """Return what all settings say together, in one sentence."""
    methods = [mine, *others]
    means = {
        setting: {name: sum(row[name].values()) / len(row[name]) for name in methods}
        for setting, row in cells.items()
        if all(row.get(name) for name in methods)
    }
    return compare_across(means, methods, ALPHA).sentence
