"""Close studies: a round of each at a time, so that many trials can be made at once; others may work on the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from lnlbench.benchmark.sweep.executors.base import PATIENCE
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import sweep
from lnlbench.benchmark.sweep.worker import Event
from lnlbench.benchmark.tuning.budget import Budget
from lnlbench.benchmark.tuning.optuna_search import Search
from lnlbench.benchmark.tuning.optuna_storage import default_storage, opened
from lnlbench.benchmark.tuning.outcome import Outcome
from lnlbench.benchmark.tuning.study import Study
from lnlbench.leaderboard.store.claims import ClaimLost, Heartbeat, new_owner
from lnlbench.leaderboard.store.patience import OUTAGE
from lnlbench.leaderboard.store.store import Store


def search(
    studies: Sequence[Study],
    budget: Budget,
    options: Options,
    storage_url: str | None = None,
    watch: Callable[[Event], None] = lambda event: None,
) -> dict[str, Outcome]:
    """Close studies: those that nobody else is working on here, then wait for the others.

    Several studies advance together, a round at a time, so that many trials can be made at once.

    Returns:
        by name, in the given order; without test scores.

    Raises:
        TuneError: a study of that name was made otherwise.
        StoreError: the store or the studies' database cannot be used; what is done so far is kept.
    """
    store, owner = Store(options.store, patience=OUTAGE), new_owner()
    url = storage_url or default_storage(store)
    found: dict[str, Outcome] = {}
    with opened(url) as storage:
        waiting, owned = list(studies), dict[str, _Owned]()
        try:
            for study in studies:
                Search(study, budget, storage, store)  # refuses what differs before anything is made
            while waiting or owned:
                for study in list(waiting):
                    if len(owned) < 4 * max(1, options.jobs) and store.claims.acquire(study.key, owner):
                        waiting.remove(study)
                        held = ExitStack()
                        held.callback(store.claims.release, study.key, owner)
                        beat = held.enter_context(store.claims.keep(study.key, owner))
                        owned[study.name] = _Owned(Search(study, budget, storage, store), beat, held)
                if not owned:
                    time.sleep(PATIENCE)
                    continue
                waiting += _let_go(owned)
                rounds = {name: one.search.round(store) for name, one in owned.items() if not one.search.closed}
                report = sweep([run for runs in rounds.values() for run in runs], options, watch, OUTAGE)
                waiting += _let_go(owned)
                for name, one in list(owned.items()):
                    if not one.search.closed:
                        one.search.tell(store, report.failed)
                    if one.search.closed:
                        found[name] = one.search.outcome(store)
                        del owned[name]
                        one.held.close()
        finally:
            for one in owned.values():
                one.held.close()
            store.close()
    return {study.name: found[study.name] for study in studies}


class _Owned(NamedTuple):
    """A study that this process works on, and its claim."""

    search: Search
    beat: Heartbeat
    held: ExitStack


def _let_go(owned: dict[str, _Owned]) -> list[Study]:
    """Drop the studies that another process has taken over, and return them: they are waited for."""
    lost = []
    for name, one in list(owned.items()):
        try:
            one.beat.check()
        except ClaimLost:
            one.held.close()
            lost.append(owned.pop(name).search.study)
    return lost
