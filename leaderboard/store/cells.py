"""Cells: the parent run of a setting and a method, created by one process alone, and the summary of its replicates."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from lnlbench.leaderboard.ranking.statistics import interval
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.rules import RULES
from lnlbench.leaderboard.store import naming
from lnlbench.leaderboard.store.claims import Claims, new_owner
from lnlbench.leaderboard.store.index import CELL, REPLICATE, Entry
from lnlbench.leaderboard.store.recording import RunInfo
from lnlbench.leaderboard.store.rows import Rows
from lnlbench.leaderboard.store.tracking import Tracking

PATIENCE = 60.0
"""Seconds to wait for another process that creates the same cell."""


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


class Cells:
    """The cells of a store; a tuning's study is one whose members are trials.

    Args:
        tracking: the runs.
        claims: who creates which.
        experiment: gives the MLflow experiment of a data set.
    """

    def __init__(self, tracking: Tracking, claims: Claims, experiment: Callable[[str], str]) -> None:
        self._tracking, self._claims, self._experiment = tracking, claims, experiment
        self._known: dict[str, str] = {}

    def of(self, info: RunInfo) -> str:
        """Return the run of a cell, created if there is none; never two.

        Raises:
            StoreError: another process takes too long to create it.
        """
        if info.cell not in self._known:
            self._known[info.cell] = self._unique("cell:" + hashlib.sha256(info.cell.encode()).hexdigest(), info)
        return self._known[info.cell]

    def _unique(self, key: str, info: RunInfo) -> str:
        """Find or create the run; the claims see to it that only one process creates."""
        owner, deadline = new_owner(), time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if run_id := self._claims.run_id(key):
                if self._tracking.status(run_id) is not None:
                    return run_id
                self._claims.reopen(key)
            if self._claims.acquire(key, owner):
                # A dead owner may have created it; and a rebuilt claims table knows nothing of those there are.
                found = self._find(key, info)
                run_id = found or self._create(key, info)
                if self._claims.attach(key, run_id, owner) and self._claims.done(key, owner):
                    return run_id
                if found is None:  # this process was suspended, and another one has created the cell meanwhile
                    self._tracking.write(run_id, Rows(status="KILLED"))
            time.sleep(0.05)
        raise StoreError(f"another process is creating the cell of {info.label!r} in {info.setting!r} for too long")

    def _find(self, key: str, info: RunInfo) -> str | None:
        query = f"tags.`{CELL}` = '{key}' and attributes.status = 'FINISHED'"  # the others are not whole
        runs = self._tracking.search([self._experiment(info.dataset)], query)
        return next((run.info.run_id for run in runs), None)

    def _create(self, key: str, info: RunInfo) -> str:
        if info.study is not None:  # of the first trial, only what all of them share
            info = replace(info, method=info.label)
        tags = info.tags("study" if info.study else "cell") | {CELL: key}
        name = (naming.study_name if info.study else naming.cell_name)(info.label, info.noise)
        run_id = self._tracking.create(self._experiment(info.dataset), name, tags)
        self._tracking.log(run_id, params=info.shared)
        if info.cell_files is not None:
            self._tracking.write_files(run_id, info.cell_files())
        self._tracking.write(run_id, Rows(status="FINISHED"))
        return run_id
