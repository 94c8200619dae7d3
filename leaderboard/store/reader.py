"""Reads what a store holds: of a database without MLflow, which takes seconds, and without the right to write."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Self

from lnlbench.leaderboard.results import files
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.form import TRAINED
from lnlbench.leaderboard.results.missing import not_stored
from lnlbench.leaderboard.results.named import HINT, SHORTEST, check_name, is_called
from lnlbench.leaderboard.results.result import Result, from_json
from lnlbench.leaderboard.results.setting_name import SettingName
from lnlbench.leaderboard.store import database as db
from lnlbench.leaderboard.store import index, naming
from lnlbench.leaderboard.store.address import StoreAddress, store_address
from lnlbench.leaderboard.store.artifacts import Artifacts
from lnlbench.leaderboard.store.index import (
    ALL,
    KEY,
    LABEL,
    METHOD,
    PRECISION,
    REPLICATE,
    RESULTS,
    SECONDS,
    SETTING,
    Entry,
    Index,
)
from lnlbench.leaderboard.store.keyed import KeyedRuns
from lnlbench.leaderboard.store.records import checked, results_of
from lnlbench.leaderboard.store.run_files import RECORD
from lnlbench.leaderboard.store.search_index import SearchIndex
from lnlbench.leaderboard.store.server import check_server
from lnlbench.leaderboard.store.sql_index import SqlIndex
from lnlbench.leaderboard.store.study_record import EXPERIMENT, KIND, LENGTH, STUDY
from lnlbench.leaderboard.store.tracking import Tracking

Choose = Callable[[Iterable[Result]], Sequence[Result]]
"""Chooses among results of one name."""

_KEYS = (KEY, PRECISION)
_NAMES = (*_KEYS, SETTING, METHOD, LABEL, REPLICATE)


class StoreReader:
    """What is stored: runs, results and their files.

    Use it as a context manager, or call `close`.

    Args:
        address: as `store_address` gives it, or what that takes.

    Raises:
        StoreError: from every method: unreachable, damaged or not a store; one line.
    """

    def __init__(self, address: StoreAddress | str | None = None) -> None:
        self.address = store_address(address)
        self.uri, self.artifacts = self.address.uri, self.address.artifacts
        if self.artifacts is None:
            with self.address.named():
                check_server(self.uri)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections; those of a reader are closed after each question."""

    def stored(self, dataset: str | None = None) -> KeyedRuns:
        """Return the MLflow run of every key whose run is finished; the last one of several."""
        return KeyedRuns(self._finished(_KEYS, place=_place(dataset)), self.read)

    def labels(self) -> set[str]:
        """Return what the methods of finished runs are called."""
        return {entry.tags[LABEL] for entry in self._finished([KEY, LABEL]) if LABEL in entry.tags}

    def timings(self, methods: Collection[str] | None = None) -> dict[tuple[str, str, str], float]:
        """Return the mean seconds of device time of a run, by task, method and hardware.

        Args:
            methods: whole texts of those to look for; all by default.
        """
        where = RESULTS if methods is None else {**RESULTS, METHOD: methods}
        seconds: dict[tuple[str, str, str], list[float]] = {}
        for entry in self._index.entries([SETTING, METHOD, index.HARDWARE], where=where, numbers=[SECONDS]):
            tags = entry.tags
            if SECONDS in entry.numbers and index.HARDWARE in tags:
                what = tags[SETTING].partition("/")[0], tags[METHOD], tags[index.HARDWARE]
                seconds.setdefault(what, []).append(entry.numbers[SECONDS])
        return {what: sum(values) / len(values) for what, values in seconds.items()}

    def replicates(self, methods: Collection[str], settings: Collection[str]) -> set[int]:
        """Return the numbers of the finished runs of some methods, given by their whole texts, in some settings."""
        entries = self._finished([KEY, REPLICATE], where={METHOD: methods, SETTING: settings})
        return {int(entry.tags[REPLICATE]) for entry in entries if REPLICATE in entry.tags}

    def results(self, dataset: str | None = None, settings: Collection[str] | None = None) -> list[Result]:
        """Return the results of all finished runs; as `stream`, with the predictions."""
        return list(self.stream(dataset, settings))

    def stream(
        self, dataset: str | None = None, settings: Collection[str] | None = None, *, predictions: bool = True
    ) -> Iterator[Result]:
        """Yield the results of all finished runs, oldest first; what cannot be read is left out with a warning.

        Trials of tunings are no results.

        Args:
            dataset: whose results to yield; all by default.
            settings: whose results to yield, with those of multiples of their length; all by default.
            predictions: whether to read the test predictions, which boards do not need.

        Warns:
            StoreWarning: a finished run has no readable record.
        """
        entries = self._finished([*_KEYS, index.KIND, SETTING], place=_place(dataset))
        return results_of(entries, settings, lambda entry: self.read(entry, predictions=predictions))

    def links(self, ui: str) -> dict[str, str]:
        """Return the address of every finished run's page in MLflow's UI, by key.

        Raises:
            StoreError: the address is not http(s)://….
        """
        if not db.is_server(ui):
            raise StoreError(f"the address of MLflow's UI must begin with http:// or https://, got {ui!r}")
        home = ui.partition("#")[0].rstrip("/")
        kind = "?workflowType=machine_learning"  # else MLflow may open its menu of language models
        runs = self.stored()
        entries = {key: runs.run(key) for key in runs}
        return {key: f"{home}/#/experiments/{e.experiment}/runs/{e.run_id}{kind}" for key, e in entries.items()}

    def result(self, key: str) -> Result:
        """Return the result of a finished run.

        Raises:
            StoreError: no finished run has that key, or its record cannot be read.
        """
        return self.results_of([key])[0]

    def results_of(self, keys: Sequence[str]) -> list[Result]:
        """Return the results of finished runs, in the order of their keys.

        Raises:
            StoreError: no finished run has one of the keys, or a record cannot be read.
        """
        runs = self._runs_of(keys)
        if lost := [key for key in keys if key not in runs]:
            raise StoreError(f"no finished run has the key {lost[0]!r}")
        return [self.read(runs[key]) for key in keys]

    def hosts_of(self, results: Iterable[Result]) -> dict[str, Result]:
        """Return the runs that readings were read off, by key and without predictions, as far as they are there."""
        found = {}
        for key, entry in self._runs_of({result.host for result in results if result.host is not None}).items():
            with suppress(StoreError):
                found[key] = self.read(entry, predictions=False)
        return found

    def find(self, text: str, of: Choose | None = None) -> tuple[str, Result]:
        """Return a finished run by its MLflow id, the beginning of its key, or as "method setting replicate".

        Args:
            text: what it is called.
            of: chooses among the runs, without predictions, that "method setting replicate" may mean.

        Returns:
            its MLflow id and its result.

        Raises:
            StoreError: there is no such run, there are several, or its record cannot be read.
        """
        check_name(text)
        by_key = self._called(text)
        if of is not None and len(text.split()) > 2:
            meant = {result.key for result in of([self.read(run, predictions=False) for run in by_key.values()])}
            by_key = {key: run for key, run in by_key.items() if key in meant}
        if len(by_key) != 1:
            if by_key:
                names = [f"{name_of(entry)} {key[:12]}" for key, entry in by_key.items()]
                raise StoreError(f"several runs are called {text!r}: {'; '.join(names[:4])}")
            words = text.split()
            if len(words) >= 3:
                raise StoreError(not_stored(words, *self._beside(words)))
            raise StoreError(f"no finished run is called {text!r}: give an MLflow run id, {HINT}")
        (entry,) = by_key.values()
        return entry.run_id, self.read(entry)

    def numbers(self, run_id: str) -> dict[str, float]:
        """Return the last value of every metric of a run."""
        return self._entry(run_id, numbers=None).numbers

    def file(self, run_id: str, name: str) -> bytes:
        """Return a file of a run.

        Raises:
            StoreError: the run has no such file.
        """
        return self._file(self._entry(run_id), name)

    def read(self, entry: Entry, *, predictions: bool = True) -> Result:
        """Return the result of a run, without its predictions if they are not asked for.

        Raises:
            StoreError: it has no record that can be read.
        """
        return from_json(self._file(entry, RECORD), predictions=predictions)

    def damaged(self, keys: Collection[str] | None = None, *, thorough: bool = False) -> dict[str, Entry]:
        """Return the finished runs whose record is missing or not whole, by key, with their names.

        Args:
            keys: of the runs to look at; all by default.
            thorough: whether to read the records, a millisecond each; else their beginnings and ends are looked at.
                Records that MLflow alone can reach are not looked at then.
        """
        damaged = {}
        runs = KeyedRuns(self._finished(_NAMES), self.read)
        for key in runs if keys is None else [key for key in keys if key in runs]:
            entry = runs.run(key)
            if not self._is_whole(entry, thorough=thorough):
                damaged[key] = entry
        return damaged

    def is_running(self) -> bool:
        """Say whether some run is marked as running, by whoever lives or was killed."""
        return bool(self._index.entries(where={}, status="RUNNING"))

    def studies(self, names: Collection[str]) -> list[dict[str, bytes]]:
        """Return some files of the last finished run of each study and configuration."""
        entries = self._index.entries([STUDY, LENGTH], where={index.KIND: [KIND]}, place=EXPERIMENT)
        last = {(entry.tags[STUDY], entry.tags[LENGTH]): entry for entry in entries}
        return [{name: self._file(entry, name) for name in names} for entry in last.values()]

    # Within.

    @cached_property
    def _files(self) -> Artifacts:
        return Artifacts(self.artifacts, self.address.file is not None)

    @cached_property
    def _tracking(self) -> Tracking:
        return Tracking(self.uri, self.artifacts)

    @cached_property
    def _index(self) -> Index:
        return SearchIndex(self._tracking) if self.artifacts is None else SqlIndex(self.uri)

    def _finished(
        self, tags: Sequence[str], *, where: Mapping[str, Collection[str]] | None = None, place: str = ALL
    ) -> list[Entry]:
        entries = self._index.entries(tags, where={**RESULTS, **(where or {})}, place=place)
        return [entry for entry in entries if KEY in entry.tags]

    def _runs_of(self, keys: Collection[str]) -> dict[str, Entry]:
        """Return the finished runs of some keys, by key, as far as they are there."""
        if not keys:
            return {}
        tagged = KeyedRuns(self._finished(_KEYS, where={KEY: sorted(set(keys))}), self.read)
        runs = {key: tagged if key in tagged else self._before for key in keys}
        return {key: found.run(key) for key, found in runs.items() if key in found}

    @cached_property
    def _before(self) -> KeyedRuns:
        """The finished runs from before keys knew the precision; no new ones come."""
        return KeyedRuns([entry for entry in self._finished(_KEYS) if PRECISION not in entry.tags], self.read)

    def _called(self, text: str) -> dict[str, Entry]:
        """Return the finished runs that a text may mean, by key, with their names."""
        words = text.split()
        if len(words) >= 3:
            entries = self._finished(_NAMES, where={SETTING: [words[-2]]})
            called = [entry for entry in entries if _is_called(entry.tags, words)]
            runs = KeyedRuns(called or self._otherwise_spelled(entries, words), self.read)
            return {key: runs.run(key) for key in runs}
        entries = self._finished(_KEYS)
        runs = KeyedRuns(entries, self.read)
        found = runs.matching(text) if len(text) >= SHORTEST else {}
        found |= {runs.key(entry): entry for entry in entries if text == entry.run_id}
        named = {e.run_id: e for e in self._index.entries(_NAMES, runs=[entry.run_id for entry in found.values()])}
        return {key: named[entry.run_id] for key, entry in found.items()}

    def _otherwise_spelled(self, entries: Iterable[Entry], words: Sequence[str]) -> list[Entry]:
        """Return the runs of a name, out of those of its setting, whose method is stored there under another label."""
        named = self._finished([KEY, METHOD], where={LABEL: [" ".join(words[:-2])], index.TRACK: TRAINED})
        texts = {entry.tags.get(METHOD, "") for entry in named}
        replicate = words[-1].removeprefix("s")
        return [
            entry for entry in entries if entry.tags.get(METHOD) in texts and entry.tags.get(REPLICATE) == replicate
        ]

    def _beside(self, words: Sequence[str]) -> tuple[list[str], list[str], set[str]]:
        """Return what there is beside a name.

        Returns:
            replicates of its method and setting; labels of its setting; of its method, settings with other values.
        """
        asked = SettingName.parse(words[-2])
        numbers, labels, changed = list[str](), list[str](), set[str]()
        every = {entry.tags.get(SETTING, "") for entry in self._index.entries([SETTING])}
        near = [name for name in every if SettingName.parse(name).unchanged == asked.unchanged]
        for entry in self._finished(_NAMES, where={SETTING: near}):
            setting = SettingName.parse(entry.tags[SETTING])
            if REPLICATE not in entry.tags:
                continue
            is_method = _is_called({**entry.tags, SETTING: words[-2], REPLICATE: "0"}, [*words[:-1], "0"])
            if setting != asked:
                changed |= {str(setting)} if is_method else set()
                continue
            numbers += [entry.tags[REPLICATE]] if is_method else []
            labels.append(entry.tags.get(LABEL, ""))
        return numbers, labels, changed

    def _is_whole(self, entry: Entry, *, thorough: bool) -> bool:
        folder = self._files.to_read(entry.artifacts)
        if folder is None and not thorough:
            return True
        try:
            if thorough or folder is None:
                checked(entry, self.read(entry, predictions=False))
                return True
            with (folder / RECORD).open("rb") as file:
                first = file.read(1)
                file.seek(-1, os.SEEK_END)
                return (first, file.read(1)) == (b"{", b"}")
        except (StoreError, OSError):
            return False

    def _entry(self, run_id: str, numbers: Sequence[str] | None = ()) -> Entry:
        for place in (ALL, EXPERIMENT):
            if entries := self._index.entries(where={}, numbers=numbers, place=place, runs=[run_id]):
                return entries[0]
        raise StoreError(f"the store has no finished run {run_id!r}")

    def _file(self, entry: Entry, name: str) -> bytes:
        folder = self._files.to_read(entry.artifacts)
        if folder is None:  # behind a server, or in a place that MLflow alone can reach
            return self._tracking.read_file(entry.run_id, name)
        return files.read(folder / name)


def existing(address: StoreAddress) -> StoreReader:
    """Open a store that is there: to look for a run must not make one, which takes seconds.

    Raises:
        StoreError: there is none, or it cannot be used.
    """
    if not address.exists:
        raise StoreError(f"nothing is stored yet in {address}; `lnlbench run digits` is a first run")
    return StoreReader(address)


def _place(dataset: str | None) -> str:
    return ALL if dataset is None else naming.experiment_name(dataset)


def name_of(entry: Entry) -> str:
    """Return what a run is called: its method as it was written, its setting, its replicate."""
    return " ".join(entry.tags.get(tag, "") for tag in (LABEL, SETTING, REPLICATE))


def _is_called(tags: Mapping[str, str], words: Sequence[str]) -> bool:
    spelled = [tags.get(name, "") for name in (LABEL, METHOD)]
    return is_called(words, spelled, tags.get(SETTING, ""), tags.get(REPLICATE, ""))
