"""From the records of finished runs to results: one per key, and a warning for what cannot be read."""

import warnings
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from lnlbench.leaderboard.results.errors import StoreError, StoreWarning, one_line
from lnlbench.leaderboard.results.precision import key_in, precision_of
from lnlbench.leaderboard.results.references import base
from lnlbench.leaderboard.results.result import Result, from_json
from lnlbench.leaderboard.store.keyed import KEY

TRIAL = "trial"
"""Kind of a run of a tuning, which is no result."""


@dataclass(frozen=True)
class Finished:
    """Where the record of a finished run is, and what its tags say."""

    run_id: str
    artifacts: str  # URI
    tags: dict[str, str]


def collect(
    runs: Iterable[Finished], settings: Collection[str] | None, read: Callable[[Finished], bytes]
) -> list[Result]:
    """Return the results of finished runs, in their order; what cannot be read is left out with a warning.

    Args:
        runs: oldest first; of two with one key the later one counts.
        settings: whose results to keep, with those of multiples of their length; all by default.
        read: gives a run's record.

    Warns:
        StoreWarning: a run has no readable record.
    """
    found: dict[str, Result] = {}
    for run in runs:
        if run.tags.get("lnlbench.kind") == TRIAL:
            continue
        if settings is not None and base(run.tags.get("lnlbench.setting", "")) not in settings:
            continue
        try:
            result = from_json(read(run))
            if result.key not in (key := run.tags[KEY], key_in(key, precision_of(result))):
                raise StoreError("its record is of another run")
        except StoreError as error:
            warnings.warn(f"run {run.run_id} is left out: {one_line(error)}", StoreWarning, stacklevel=3)
            continue
        found.pop(result.key, None)
        found[result.key] = result
    return list(found.values())
