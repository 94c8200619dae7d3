"""Run searches to their end, a round of each at a time; other processes may work on some of them."""

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
from lnlbench.benchmark.tuning.optuna_storage import default_storage, explained, opened
from lnlbench.benchmark.tuning.outcome import Outcome
from lnlbench.benchmark.tuning.search_spec import SearchSpec
from lnlbench.leaderboard.store.claims import ClaimLost, Heartbeat, new_owner
from lnlbench.leaderboard.store.patience import OUTAGE
from lnlbench.leaderboard.store.store import Store


def search(
    specs: Sequence[SearchSpec],
    budget: Budget,
    options: Options,
    storage_url: str | None = None,
    watch: Callable[[Event], None] = lambda event: None,
) -> dict[str, Outcome]:
    """Run searches to their end: those that no other process works on, then wait for the rest.

    Several searches advance together, a round at a time, so that many trials can be made at once.

    Returns:
        the outcome of each search by name, in the given order; without test scores.

    Raises:
        TuneError: a search of that name was made otherwise.
        StoreError: the store or the searches' database cannot be used; what is done so far is kept.
    """
    store, owner = Store(options.store, patience=OUTAGE), new_owner()
    url = storage_url or default_storage(store)
    found: dict[str, Outcome] = {}
    with opened(url) as storage:
        waiting, owned = list(specs), dict[str, _Owned]()
        try:
            with explained(url):
                for spec in specs:
                    Search(spec, budget, storage, store)  # refuses what differs before anything is made
            while waiting or owned:
                for spec in list(waiting):
                    if len(owned) < 4 * max(1, options.jobs) and store.claims.acquire(spec.key, owner):
                        waiting.remove(spec)
                        with ExitStack() as held, explained(url):  # given back where the search cannot be opened
                            held.callback(store.claims.release, spec.key, owner)
                            beat = held.enter_context(store.claims.keep(spec.key, owner))
                            owned[spec.name] = _Owned(Search(spec, budget, storage, store), beat, held.pop_all())
                if not owned:
                    time.sleep(PATIENCE)
                    continue
                waiting += _let_go(owned)
                with explained(url):
                    runs = [run for one in owned.values() if not one.search.closed for run in one.search.round(store)]
                # Without runs it would read the whole store, for nothing: so it is for every few closed searches.
                failed = sweep(runs, options, watch, OUTAGE).failed if runs else {}
                waiting += _let_go(owned)
                for name, one in list(owned.items()):
                    with explained(url):
                        if not one.search.closed:
                            one.search.tell(store, failed)
                        if one.search.closed:
                            found[name] = one.search.outcome(store)
                    if name in found:
                        del owned[name]
                        one.held.close()
        finally:
            for one in owned.values():
                one.held.close()
            store.close()
    return {spec.name: found[spec.name] for spec in specs}


class _Owned(NamedTuple):
    """A search that this process works on, and its claim."""

    search: Search
    beat: Heartbeat
    held: ExitStack


def _let_go(owned: dict[str, _Owned]) -> list[SearchSpec]:
    """Drop the searches that another process has taken over, and return them: they are waited for."""
    lost = []
    for name, one in list(owned.items()):
        try:
            one.beat.check()
        except ClaimLost:
            one.held.close()
            lost.append(owned.pop(name).search.spec)
    return lost
