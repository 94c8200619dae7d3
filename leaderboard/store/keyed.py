"""Finds finished runs by key, also those stored before keys knew the precision that a run was computed in."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.precision import OTHERS, PLAIN, key_in, precision_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.store.index import KEY, PRECISION, Entry


class KeyedRuns(Mapping[str, str]):
    """The MLflow run of every key; of several of one key the last one counts.

    Only its record says in what precision a run from before was computed. It is read when the run may be the one that
    is asked for, and nothing is written: several processes may do so at once, on a store that they cannot change.

    Args:
        runs: finished runs with their keys and precisions, oldest first.
        read: gives a run's result.
    """

    def __init__(self, runs: Sequence[Entry], read: Callable[[Entry], Result]) -> None:
        self._read = read
        self._precisions: dict[str, str] = {}  # of runs from before, by id, as far as they were asked for
        self._candidates: dict[str, list[Entry]] = {}
        for run in runs:
            for key in possible_keys(run):
                self._candidates.setdefault(key, []).append(run)

    def key(self, run: Entry) -> str:
        """Return a run's key."""
        return key_in(run.tags[KEY], PLAIN if PRECISION in run.tags else self.precision(run))

    def precision(self, run: Entry) -> str:
        """Return what a run was computed in; fp32 for one from before without a readable record."""
        if PRECISION in run.tags:
            return run.tags[PRECISION]
        name = run.run_id
        if name not in self._precisions:
            try:
                self._precisions[name] = precision_of(self._read(run))
            except StoreError:
                self._precisions[name] = PLAIN
        return self._precisions[name]

    def run(self, key: str) -> Entry:
        """Return the last run of a key.

        Raises:
            KeyError: there is none.
        """
        for run in reversed(self._candidates[key]):
            if self.key(run) == key:
                return run
        raise KeyError(key)

    def matching(self, beginning: str) -> dict[str, Entry]:
        """Return the runs whose keys begin so, by key."""
        keys = [key for key in self._candidates if key.startswith(beginning)]
        return {key: self.run(key) for key in keys if key in self}

    def __getitem__(self, key: str) -> str:
        return self.run(key).run_id

    def __contains__(self, key: object) -> bool:
        return key in self._candidates and any(self.key(run) == key for run in self._candidates[str(key)])

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._candidates if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def possible_keys(run: Entry) -> list[str]:
    """Return the keys that a run may have by its tags alone: one, or, from before, one for each precision."""
    key = run.tags[KEY]
    return [key] if PRECISION in run.tags else [key_in(key, name) for name in (PLAIN, *OTHERS)]
