"""What killed processes leave behind: runs and cells that seem to run for ever, claims that nobody keeps."""

import time
from collections.abc import Callable

from lnlbench.leaderboard.store.claims import LEASE, Claims
from lnlbench.leaderboard.store.index import CELL, KEY, Entry, Index
from lnlbench.leaderboard.store.rows import Rows
from lnlbench.leaderboard.store.tracking import Tracking


def clear(index: Index, tracking: Tracking, claims: Claims, finish: Callable[[Entry], bool]) -> int:
    """Mark the runs of dead owners as killed and forget their claims; what lives is left alone.

    Args:
        index: of the store.
        tracking: its runs.
        claims: who works on what.
        finish: marks a run whose key is closed as finished, if it is whole.

    Returns:
        how many runs were marked.

    Raises:
        StoreError: the store cannot be read or written.
    """
    running = index.entries([KEY, CELL], where={}, status="RUNNING")
    names = {entry.run_id: entry.tags.get(CELL) or entry.tags.get(KEY, "") for entry in running}
    holders = claims.holders(names.values())
    count = 0
    for entry in running:
        holder = holders.get(names[entry.run_id])
        young = entry.started > 1000 * (time.time() - LEASE)  # between its beginning and its claim
        if holder is None or holder.state == "running":
            if young or (holder is not None and holder.run_id in (None, entry.run_id)):
                continue
        elif holder.state == "done" and holder.run_id == entry.run_id:
            if CELL in entry.tags:
                tracking.write(entry.run_id, Rows(status="FINISHED"))
                continue
            if finish(entry):
                continue
            claims.reopen(names[entry.run_id])
        tracking.kill(entry.run_id, {"lnlbench.state": "killed"})
        count += 1
    claims.forget_abandoned()
    return count
