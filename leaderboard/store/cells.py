"""Cells: the parent run of a setting and a method, created by one process alone, and the summary of its replicates."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from lnlbench.leaderboard.ranking.statistics import interval
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.rules import RULES
from lnlbench.leaderboard.store import naming
from lnlbench.leaderboard.store.claims import Claims, new_owner
from lnlbench.leaderboard.store.recording import RunInfo
from lnlbench.leaderboard.store.tracking import Tracking

if TYPE_CHECKING:
    from lnlbench.leaderboard.store.tracking import Run

PATIENCE = 60.0
"""Seconds to wait for another process that creates the same cell."""


class Cells:
    """The cells of a store; a tuning's study is one whose members are trials.

    Args:
        tracking: the runs.
        claims: who creates which.
        experiment: gives the MLflow experiment of a data set.
        precision: gives what a run was computed in.
    """

    def __init__(
        self,
        tracking: Tracking,
        claims: Claims,
        experiment: Callable[[str], str],
        precision: "Callable[[Run], str]",
    ) -> None:
        self._tracking, self._claims, self._experiment = tracking, claims, experiment
        self._precision = precision
        self._known: dict[str, str] = {}

    def of(self, info: RunInfo) -> str:
        """Return the run of a cell, created if there is none; never two.

        Raises:
            StoreError: another process takes too long to create it.
        """
        if info.cell not in self._known:
            self._known[info.cell] = self._unique("cell:" + hashlib.sha256(info.cell.encode()).hexdigest(), info)
        return self._known[info.cell]

    def summarise(self, parent: str, info: RunInfo) -> None:
        """Write mean, interval and n of the cell; the step is n, so that a late writer never hides a newer value."""
        if info.study is not None:  # summarised when it is closed
            return
        query = f"tags.`mlflow.parentRunId` = '{parent}' and attributes.status = 'FINISHED'"
        found = self._tracking.search([self._experiment(info.dataset)], query)
        found = [run for run in found if self._precision(run) == info.precision]  # cells of before may have several
        # By replicate: of a replicate that was run again, by another version say, the last one counts.
        children = list({run.data.tags.get("lnlbench.replicate"): run for run in found}.values())
        numbers = {"n": float(len(children))}
        for name in (f"score/{rule}" for rule in RULES):
            scores = [run.data.metrics[name] for run in children if name in run.data.metrics]
            if not scores:
                continue
            cell = interval(scores)
            numbers[name] = round(cell.mean, 4)
            if cell.half is not None:
                numbers[name.replace("score/", "interval/")] = round(cell.half, 4)
        self._tracking.log(parent, numbers=numbers, step=len(children))

    def _unique(self, key: str, info: RunInfo) -> str:
        """Find or create the run; the claims see to it that only one process creates."""
        owner, deadline = new_owner(), time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if run_id := self._claims.run_id(key):
                if self._tracking.is_active(run_id):
                    return run_id
                self._claims.reopen(key)
            if grant := self._claims.acquire(key, owner):
                # A dead owner may have created it; and a rebuilt claims table knows nothing of those there are.
                run_id = grant.abandoned if grant.abandoned and self._tracking.is_active(grant.abandoned) else None
                run_id = run_id or self._find(key, info) or self._create(key, info)
                self._claims.attach(key, run_id, owner)
                self._claims.done(key, owner)
                return run_id
            time.sleep(0.05)
        raise StoreError(f"another process is creating the cell of {info.label!r} in {info.setting!r} for too long")

    def _find(self, key: str, info: RunInfo) -> str | None:
        runs = self._tracking.search([self._experiment(info.dataset)], f"tags.`lnlbench.cell` = '{key}'")
        return next((run.info.run_id for run in runs), None)

    def _create(self, key: str, info: RunInfo) -> str:
        if info.study is not None:  # of the first trial, only what all of them share
            info = replace(info, method=info.label)
        tags = info.tags("study" if info.study else "cell") | {"lnlbench.cell": key}
        name = (naming.study_name if info.study else naming.cell_name)(info.label, info.noise)
        run_id = self._tracking.create(self._experiment(info.dataset), name, tags)
        self._tracking.log(run_id, params=info.shared)
        if info.cell_files is not None:
            self._tracking.write_files(run_id, info.cell_files())
        self._tracking.end(run_id, "FINISHED")
        return run_id
