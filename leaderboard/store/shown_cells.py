"""What MLflow shows of cells and of the runs in them: means and models of cells, curves and scores of runs."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from lnlbench.leaderboard.ranking.statistics import interval
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import RULES, scores_of
from lnlbench.leaderboard.store import naming
from lnlbench.leaderboard.store.claims import Claims, new_owner
from lnlbench.leaderboard.store.index import CELLS, PARENT, PRECISION, REPLICATE, RESULTS, SETTING, Entry, Index
from lnlbench.leaderboard.store.keyed import KeyedRuns
from lnlbench.leaderboard.store.recording import left_for_later
from lnlbench.leaderboard.store.rows import Rows
from lnlbench.leaderboard.store.run_files import SUMMARY
from lnlbench.leaderboard.store.run_files import summary as run_summary
from lnlbench.leaderboard.store.run_tables import RunTables
from lnlbench.leaderboard.store.tracking import Tracking

SCORES = tuple(f"score/{rule}" for rule in RULES)


def summary(members: Sequence[Entry]) -> dict[str, float]:
    """Return mean, interval and n of a cell, from its members with their replicates and scores."""
    # By replicate: of a replicate that was run again, by another version say, the last one counts.
    children = list({entry.tags.get(REPLICATE): entry for entry in members}.values())
    numbers = {"n": float(len(children))}
    for name in SCORES:
        scores = [entry.numbers[name] for entry in children if name in entry.numbers]
        if not scores:
            continue
        cell = interval(scores)
        numbers[name] = round(cell.mean, 4)
        if cell.half is not None:
            numbers[name.replace("score/", "interval/")] = round(cell.half, 4)
    return numbers


def shown_scores(result: Result, hosts: Mapping[str, Result]) -> dict[str, float]:
    """Return what MLflow shows of a run under every rule; `hosts` has that of a reading, by its key."""
    return {f"score/{name}": round(score, 4) for name, score in scores_of(result, hosts).items()}


class ShownCells:
    """The cells of a store with their members; what is written of them already is not written again.

    Args:
        tracking: the runs.
        index: finds them.
        claims: who makes the model of a cell.
        tables: of a database; None where MLflow itself must write.
        read: gives a run's result.

    Raises:
        StoreError: from every method: the store cannot be read or written.
    """

    def __init__(
        self,
        tracking: Tracking,
        index: Index,
        claims: Claims,
        tables: RunTables | None,
        read: Callable[[Entry], Result],
    ) -> None:
        self._tracking, self._index, self._claims, self._tables, self._read = tracking, index, claims, tables, read

    def cells(self, place: str, tags: Sequence[str] = (SETTING,)) -> list[Entry]:
        """Return the cells of an experiment with some tags, and all that is written of their numbers."""
        return self._index.entries(tags, where=CELLS, numbers=None, place=place)

    def members(self, place: str, cells: Sequence[Entry]) -> dict[str, list[Entry]]:
        """Return the finished runs of each cell with replicates and scores, oldest first."""
        members: dict[str, list[Entry]] = {cell.run_id: [] for cell in cells}
        where = {**RESULTS, PARENT: list(members)}
        for entry in self._index.entries([PARENT, REPLICATE, PRECISION], where=where, numbers=SCORES, place=place):
            members[entry.tags[PARENT]].append(entry)
        return members

    def sum_up(self, cells: Sequence[Entry], members: Mapping[str, Sequence[Entry]]) -> None:
        """Write mean, interval and n of cells, where something else is written."""
        for cell in cells:
            numbers = summary(self._alike(members[cell.run_id]))
            if any(cell.numbers.get(name) != value for name, value in numbers.items()):
                # The step is n, so that a late writer never hides a newer value.
                self._tracking.log(cell.run_id, numbers=numbers, step=int(numbers["n"]))

    def model(self, cell: Entry, params: Mapping[str, str], members: Sequence[Entry]) -> None:
        """Let a cell stand in MLflow's Models tab, with mean, interval and n linked to its setting as the data set."""
        key, owner = f"model:{cell.run_id}", new_owner()
        if not self._claims.acquire(key, owner):
            return  # another process is at it
        try:
            model = self._tracking.model(cell.experiment, cell.run_id, params["method"], params)
            setting, numbers = cell.tags[SETTING], summary(self._alike(members))
            digest = hashlib.sha256(setting.encode()).hexdigest()[:8]
            self._tracking.measure(cell.run_id, model, (setting, digest), numbers, int(numbers["n"]))
        finally:
            self._claims.release(key, owner)

    def _alike(self, members: Sequence[Entry]) -> list[Entry]:
        """Return the members of a cell in the precision of the last one: cells of before may have several."""
        keyed = KeyedRuns([], self._read)
        return [entry for entry in members if keyed.precision(entry) == keyed.precision(members[-1])]

    def complete(self, runs: Sequence[tuple[Entry, Result]]) -> None:
        """Write the curves of finished runs that were left for later, see `Recording`."""
        if self._tables is None:
            return
        names = [chart for name, chart in naming.CHARTS.items() if name not in naming.AT_ONCE]
        there = self._tables.points([entry.run_id for entry, _ in runs], names)
        for entry, result in runs:
            points = left_for_later(result, entry.started)
            charts = {point[0] for point in points}  # the last point of each is there
            if there.get(entry.run_id, 0) < len(points) + len(charts):
                self._tables.write(entry.run_id, Rows(points=points))

    def rescore(self, runs: Sequence[tuple[Entry, Result]], hosts: Mapping[str, Result]) -> list[Entry]:
        """Write the scores of readings where others are written, and return all runs with what is written now.

        Readings were once scored by their own curves, under every rule.
        """
        found = []
        for entry, result in runs:
            numbers = shown_scores(result, hosts) if result.host is not None else {}
            if any(entry.numbers.get(name) != value for name, value in numbers.items()):
                self._tracking.log(entry.run_id, numbers=numbers, step=max(0, result.trained - 1))
                self._tracking.write_files(entry.run_id, {SUMMARY: run_summary(result, hosts)})
            found.append(replace(entry, numbers={**entry.numbers, **numbers}))
        return found
