"""A cell is created once, also where whoever creates it is suspended for longer than its claim stands."""

import json
import signal
import time
from collections import Counter

import pytest
import sqlalchemy as sa

from lnlbench.leaderboard.store import cells
from lnlbench.leaderboard.store.cells import Cells
from lnlbench.leaderboard.store.claims import Claims
from lnlbench.leaderboard.store.index import CELL
from lnlbench.leaderboard.store.rows import Rows
from lnlbench.leaderboard.store.store import Store
from lnlbench.leaderboard.store.tracking import Tracking

KILLED = """
import importlib, json, os, sys
from lnlbench.leaderboard.store.recording import RunInfo
from lnlbench.leaderboard.store.store import Store
_, url, known, module, kind, step = sys.argv
info = RunInfo(**json.loads(known) | {"cell_files": lambda: {"examples.png": b"png"}})
with Store(url) as store:
    setattr(getattr(importlib.import_module(module), kind), step, lambda *_, **__: os.kill(os.getpid(), 9))
    store.cell(info)
"""

STEPS = [(Tracking, "create"), (Claims, "attach"), (Cells, "_fill"), (Claims, "done"), (Tracking, "write")]
"""What is done for a new cell, in this order."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("kind", "step"), STEPS, ids=[step for _, step in STEPS])
def test_another_process_takes_over_at(kind, step, after, store, url, make, info_of, monkeypatch):
    """A machine is suspended for longer than its claim stands, and than it waits for others."""
    info = info_of(make(), cell_files=lambda: {"examples.png": b"png"})
    action, theirs = getattr(kind, step), []
    monkeypatch.setattr(cells, "PATIENCE", 0.05)

    def suspended(self, *arguments, **named):
        if theirs:
            return action(self, *arguments, **named)
        theirs.append(None)
        answer = action(self, *arguments, **named) if after else None
        with store.claims.engine.begin() as connection:
            connection.execute(sa.text("UPDATE lnlbench_claims SET host = 'elsewhere', expires = 0"))
        with Store(url) as other:
            theirs[0] = other.cell(info)
        time.sleep(0.1)
        return answer if after else action(self, *arguments, **named)

    monkeypatch.setattr(kind, step, suspended)
    ours = store.cell(info)
    assert theirs == [ours]
    assert_one(store, ours)


def test_who_takes_long_is_not_said_to_wait(store, make, info_of, monkeypatch):
    monkeypatch.setattr(cells, "PATIENCE", 0.05)
    assert store.cell(info_of(make(), cell_files=lambda: time.sleep(0.1) or {}))


def test_a_cell_that_was_killed_by_mistake_counts_again(store, url, make, info_of):
    info = info_of(make(), cell_files=lambda: {"examples.png": b"png"})
    ours = store.cell(info)
    store._tracking.write(ours, Rows(status="KILLED"))
    with Store(url) as other:
        assert other.cell(info) == ours
    assert_one(store, ours)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "step"), [STEPS[1], STEPS[2], STEPS[4]], ids=["attach", "_fill", "write"])
def test_a_process_is_killed_before(kind, step, store, url, make, info_of, start):
    """Whoever comes next leaves nothing that seems to run."""
    info = info_of(make(), cell_files=lambda: {"examples.png": b"png"})
    known = vars(info_of(make())) | {"params": {}}
    assert start(KILLED, url, json.dumps(known), kind.__module__, kind.__name__, step).wait(60) == -signal.SIGKILL
    assert_one(store, store.cell(info))


def assert_one(store, ours):
    runs = store._tracking.search([store._experiment("digits")], f"tags.`{CELL}` != ''")
    assert Counter(run.info.status for run in runs) <= Counter({"FINISHED": 1, "KILLED": 1})
    assert store._tracking.status(ours) == "FINISHED"
    assert store.claims.run_id(runs[0].data.tags[CELL]) == ours
    assert store.file(ours, "examples.png") == b"png"
