"""Cells: the parent run of a setting and a method, created by one process alone."""

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store import naming
from lnlbench.leaderboard.store.claims import Claims, Grant, new_owner
from lnlbench.leaderboard.store.index import CELL
from lnlbench.leaderboard.store.recording import RunInfo
from lnlbench.leaderboard.store.rows import Rows
from lnlbench.leaderboard.store.tracking import Tracking

PATIENCE = 60.0
"""Seconds to wait for another process that creates the same cell."""


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
            key = "cell:" + hashlib.sha256(info.cell.encode()).hexdigest()
            # Of the first trial, a study says only what all of them share.
            about = info if info.study is None else replace(info, method=info.label)
            self._known[info.cell] = self._unique(key, about)
        return self._known[info.cell]

    def _unique(self, key: str, info: RunInfo) -> str:
        """Find or create the run; the claims see to it that only one counts: a key is closed once its run is whole."""
        owner, made, deadline = new_owner(), set[str](), time.monotonic() + PATIENCE
        while True:
            if run_id := self._claims.run_id(key):
                if self._finish(run_id):
                    for second in made - {run_id}:  # of this process, before it was suspended
                        self._tracking.write(second, Rows(status="KILLED"))
                    return run_id
                self._claims.reopen(key)
            try:
                if grant := self._claims.acquire(key, owner):
                    self._close(grant, info, made)
                    deadline = time.monotonic() + PATIENCE
                    continue
            except BaseException:  # Ctrl-C too
                self._give_back(key, info, owner)
                raise
            if time.monotonic() > deadline:
                cell = f"{info.label!r} in {info.setting!r}"
                raise StoreError(f"another process is creating the cell of {cell} for too long")
            time.sleep(0.05)

    def _close(self, grant: Grant, info: RunInfo, made: set[str]) -> None:
        """Close a claimed key with the run that is there or with a new one, unless the claim is lost meanwhile.

        Args:
            grant: of the key.
            info: of any run of the cell.
            made: takes the id of what is created here.
        """
        key, owner = grant.key, grant.owner
        if grant.taken_over:
            self._kill_running(key, info)
        # A rebuilt claims table knows nothing of those there are.
        if found := self._find(key, info, "FINISHED"):
            if self._claims.attach(key, found[0], owner):
                self._claims.done(key, owner)
            return
        run_id = self._create(key, info)
        made.add(run_id)
        if self._claims.attach(key, run_id, owner):
            self._fill(run_id, info)
            if self._claims.done(key, owner):
                self._tracking.write(run_id, Rows(status="FINISHED"))

    def _finish(self, run_id: str) -> bool:
        """Mark the run of a closed key as finished, which its maker may not have come to; False where it is gone."""
        status = self._tracking.status(run_id)
        if status not in (None, "FINISHED"):  # or a process that was suspended has killed it since
            self._tracking.write(run_id, Rows(status="FINISHED"))
        return status is not None

    def _give_back(self, key: str, info: RunInfo, owner: str) -> None:
        """Finish the run of a key that is closed; else mark what this owner has begun as killed, and free the key."""
        with suppress(StoreError):
            if run_id := self._claims.run_id(key):
                self._finish(run_id)
            elif self._claims.heartbeat(key, owner):
                self._kill_running(key, info)
        with suppress(StoreError):
            self._claims.release(key, owner)

    def _kill_running(self, key: str, info: RunInfo) -> None:
        for run_id in self._find(key, info, "RUNNING"):
            self._tracking.write(run_id, Rows(status="KILLED"))

    def _find(self, key: str, info: RunInfo, status: str) -> list[str]:
        query = f"tags.`{CELL}` = '{key}' and attributes.status = '{status}'"
        return [run.info.run_id for run in self._tracking.search([self._experiment(info.dataset)], query)]

    def _create(self, key: str, info: RunInfo) -> str:
        tags = info.tags("study" if info.study else "cell") | {CELL: key}
        name = (naming.study_name if info.study else naming.cell_name)(info.label, info.noise)
        return self._tracking.create(self._experiment(info.dataset), name, tags)

    def _fill(self, run_id: str, info: RunInfo) -> None:
        self._tracking.log(run_id, params=info.shared)
        if info.cell_files is not None:
            self._tracking.write_files(run_id, info.cell_files())
