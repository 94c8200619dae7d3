"""More replicates where they decide: contenders alone are run again, until it is told who is first, or enough is spent.

The looks share the level of the tests: with L looks at most, and the one before the first, each has α/(L + 1), so
that whoever is called worse on the way is so with α in all. A method that left the contenders stays out. In anything
that is stored a look is not remembered: a command that is given again counts anew.

Sources: Maron and Moore, "Hoeffding races", NIPS 1993; Birattari et al., F-race, GECCO 2002; López-Ibáñez et al.,
irace, 2016.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.sweep.scheduler import Report
from lnlbench.leaderboard.ranking.board import Board, Row
from lnlbench.leaderboard.ranking.build import build
from lnlbench.leaderboard.ranking.thresholds import ALPHA, MARGIN
from lnlbench.leaderboard.results.listing import listed
from lnlbench.leaderboard.results.result import Result

LOOKS = 4
"""Times at most that contenders get more replicates."""
AT_ONCE = 4
"""Replicates at most between two looks."""
_BUDGET = re.compile(r"(\d+(?:\.\d+)?)\s*(runs?|s|min|h)?")
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What may be spent: runs, or seconds by the clock; None is without end."""

    runs: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What came of it: the last board, the runs made, how often it was looked, and why it ended."""

    board: Board
    report: Report
    runs: tuple[Run, ...]
    looks: int
    why: str  # a sentence


def parse_budget(text: str) -> Spending:
    """Return the budget of a text such as `60`, `60 runs`, `30min` or `2h`; without end where it is empty.

    Raises:
        SettingError: anything else.
    """
    if not text.strip():
        return Spending()
    found = _BUDGET.fullmatch(text.strip())
    if found is None or float(found[1]) <= 0:
        raise SettingError(f"a budget is a number of runs or a time, as in 60, 30min or 2h, but got {text!r}")
    unit = found[2] or "runs"
    if unit in _SECONDS:
        return Spending(seconds=float(found[1]) * _SECONDS[unit])
    if not found[1].isdecimal():
        raise SettingError(f"a budget of runs is a whole number, but got {text!r}")
    return Spending(runs=int(found[1]))


def check_contest(methods: Collection[str]) -> None:
    """Refuse what is no contest.

    Raises:
        SettingError: fewer than two methods.
    """
    if len(methods) < 2:
        raise SettingError(f"a decision needs two methods or more, got {', '.join(methods) or 'none'}")


@dataclass(kw_only=True)
class Race:
    """Methods on settings, run until it is decided who is first.

    Args:
        plan: gives the runs of methods and replicates, hosts of readings among them.
        sweep: makes those that are missing.
        results: gives the stored results of runs, under the labels of these.
        stored: the keys that were stored before.
        rule: that scores.
        margin: points within which methods are practically equal.
        budget: what may be spent.
        looks: how often contenders get more replicates at most.
        say: is told what comes next.
    """

    plan: Callable[[Sequence[str], Sequence[int]], list[Run]]
    sweep: Callable[[Sequence[Run]], Report]
    results: Callable[[Sequence[Run]], list[Result]]
    stored: Collection[str]
    rule: str
    margin: float = MARGIN
    budget: Spending = field(default_factory=Spending)
    looks: int = LOOKS
    say: Callable[[str], None] = lambda line: None

    def decide(self, methods: Sequence[str], replicates: Sequence[int], known: Collection[int] = ()) -> Decision:
        """Run all methods on all replicates, then contenders on more of them.

        Args:
            methods: as they are written.
            replicates: that all get.
            known: the replicates that anything is stored of: what is stored counts.

        Raises:
            SettingError: fewer than two methods.
        """
        check_contest(methods)
        begin, level = time.monotonic(), ALPHA / (self.looks + 1)
        runs = {run.key: run for run in self.plan(methods, replicates)}
        earlier = [run for run in self.plan(methods, sorted(known)) if run.key in self.stored] if known else []
        report = self.sweep(list(runs.values()))
        runs |= {run.key: run for run in earlier}
        active, spent, looks = list(methods), len(report.done), 0
        while True:
            board = build(self.results(list(runs.values())), self.rule, margin=self.margin, alpha=level)
            active, why = self._contenders(board, active)
            if report.failed:
                why = f"{len(report.failed)} run{'s' if len(report.failed) != 1 else ''} failed"
            elif not why and looks == self.looks:
                why = f"looked {looks} times: {listed(active, 'and')} cannot be told apart yet"
            if why:
                return Decision(board=board, report=report, runs=tuple(runs.values()), looks=looks, why=why)
            wanted, why = self._next(board, active, runs, spent, time.monotonic() - begin)
            if why:
                return Decision(board=board, report=report, runs=tuple(runs.values()), looks=looks, why=why)
            looks += 1
            missing = [run for run in wanted if run.key not in runs]
            self.say(f"look {looks} of {self.looks}: {len(missing)} more runs of {listed(active, 'and')}")
            made = self.sweep(missing)
            runs |= {run.key: run for run in wanted}
            spent += len(made.done)
            report = replace(report.with_later(made), seconds=time.monotonic() - begin)

    def _contenders(self, board: Board, active: Sequence[str]) -> tuple[list[str], str]:
        """Return who may still be best of those who always could, and why it is over, if it is."""
        if board.tests is None:
            return list(active), ""  # one replicate tells nothing
        rows = {row.name: row for row in board.rows}
        kept = [name for name in active if name in rows and _could_be_best(rows[name])]
        first = board.rows[0].name
        if not kept:
            return kept, f"{first} leads, and {_standing(rows[first])}"
        if kept == [first]:
            unstable = any(_diverged(rows[name]) and _undecided(rows[name]) for name in active if name in rows)
            return kept, f"{first} is first: no other {'stable method ' if unstable else ''}could be best"
        if len(kept) == 1:
            return kept, f"{kept[0]} alone could be best: {first}, whose mean is higher, {_standing(rows[first])}"
        if _diverged(rows[first]):
            return kept, ""  # to be equal to what is not stable decides nothing
        differ = [name for name in kept if name != first and not _equal(rows[name])]
        if not differ:
            others = listed([name for name in kept if name != first], "and")
            return kept, f"{first} is first, and {others} practically equal, within {self.margin:g} points"
        return [name for name in kept if name == first or name in differ], ""

    def _next(
        self, board: Board, active: Sequence[str], runs: dict[str, Run], spent: int, seconds: float
    ) -> tuple[list[Run], str]:
        """Return the next runs of the contenders, or why there are none."""
        used = {run.replicate for run in runs.values() if run.label in active}
        lacking = sorted({run.replicate for run in self.plan(active, sorted(used)) if run.key not in runs})
        new = range(max(used) + 1, max(used) + 1 + AT_ONCE)
        for more in range(self._step(board, len(used) - len(lacking)), 0, -1):
            wanted = self.plan(active, [*lacking, *new][:more])  # first what some of them have and others lack
            missing = [run for run in wanted if run.key not in runs and run.key not in self.stored]
            if self._within(len(missing), spent, seconds):
                return wanted, ""
        return [], f"the budget is spent: {listed(active, 'and')} cannot be told apart yet"

    def _step(self, board: Board, count: int) -> int:
        """Return how many replicates to add to those that all have: as the gaps seen need, but few at once."""
        if board.tests is None:
            return max(1, 2 - count)
        needs = [one.replicates for one in board.plan.contenders if one.replicates] if board.plan else []
        return min(AT_ONCE, max(1, ceil((max(needs) - count) / self.looks))) if needs else 1

    def _within(self, runs: int, spent: int, seconds: float) -> bool:
        if self.budget.runs is not None:
            return spent + runs <= self.budget.runs
        if self.budget.seconds is not None:
            each = seconds / spent if spent else 0.0
            return seconds + each * runs <= self.budget.seconds
        return True


def _could_be_best(row: Row) -> bool:
    return row.score is not None and row.score.could_be_best


def _undecided(row: Row) -> bool:
    """Say whether the tests leave it open that the row is first, whatever else keeps it from being best."""
    return bool(row.score and row.score.rank and row.score.rank[0] == 1)


def _diverged(row: Row) -> bool:
    return bool(row.score and row.score.diverged)


def _standing(row: Row) -> str:
    return "is not stable" if _diverged(row) else "is no contender any more"


def _equal(row: Row) -> bool:
    return bool(row.score and row.score.gap and row.score.gap.practically_equal)
