"""From the records of finished runs to results: one per key, and a warning for what cannot be read."""

import warnings
from collections.abc import Callable, Collection, Iterable, Iterator

from lnlbench.leaderboard.results.errors import StoreError, StoreWarning, one_line
from lnlbench.leaderboard.results.precision import key_in, precision_of
from lnlbench.leaderboard.results.references import is_wanted
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.store.index import KEY, KIND, SETTING, Entry
from lnlbench.leaderboard.store.keyed import possible_keys

TRIAL = "trial"
"""Kind of a run of a tuning, which is no result."""


def results_of(
    entries: Iterable[Entry], settings: Collection[str] | None, read: Callable[[Entry], Result]
) -> Iterator[Result]:
    """Yield the results of finished runs, in their order; what cannot be read is left out with a warning.

    Args:
        entries: with keys, precisions, kinds and settings, oldest first; of two with one key the later one counts.
        settings: whose results to yield, with those of multiples of their length; all by default.
        read: gives a run's result.

    Warns:
        StoreWarning: a run has no readable record.
    """
    same_key: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.tags.get(KIND) == TRIAL or KEY not in entry.tags:
            continue
        if settings is not None and not is_wanted(entry.tags.get(SETTING, ""), settings):
            continue
        same_key.setdefault(entry.tags[KEY], []).append(entry)
    lost: list[str] = []
    for members in sorted(same_key.values(), key=lambda members: members[-1].started):
        yielded: set[str] = set()  # more than one key, where a run from before was computed in another precision
        for entry in reversed(members):
            if yielded.issuperset(possible_keys(entry)):
                continue
            try:
                result = checked(entry, read(entry))
            except StoreError as error:
                lost.append(f"run {entry.run_id} is left out: {one_line(error)}")
                continue
            if result.key not in yielded:
                yielded.add(result.key)
                yield result
    if lost:
        more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
        warnings.warn(f"{lost[0]}{more}; `lnlbench run … --repair` makes it again", StoreWarning, stacklevel=2)


def checked(entry: Entry, result: Result) -> Result:
    """Return a result if it is that of its run.

    Raises:
        StoreError: the record is another run's.
    """
    if result.key not in (key := entry.tags[KEY], key_in(key, precision_of(result))):
        raise StoreError("its record is of another run")
    return result
