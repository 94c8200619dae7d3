"""What several results say of each other: keys twice, predictions that two share, replicates that are missing."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lnlbench.benchmark.verification.findings import FLAGGED, NOTE, WRONG, Finding
from lnlbench.benchmark.verification.likeness import explained
from lnlbench.leaderboard.results.comparable import comparable
from lnlbench.leaderboard.results.form import TRAINED
from lnlbench.leaderboard.results.listing import listed, some
from lnlbench.leaderboard.results.result import Result

LISTED = 5  # numbers in a message
NAMED = 2  # methods in a note
_NAMES = ("task", "length", "track")
"""Fields of a setting that change its key and nothing of the training."""


@dataclass(frozen=True)
class Votes:
    """What stands for the predictions of a run: a digest of every epoch."""

    epochs: tuple[bytes, ...]
    constant: bool  # one class for everything, as of a run that diverged: two such runs share nothing

    @classmethod
    def of(cls, predictions: np.ndarray) -> Votes:
        """Return the digests of predictions [E, K, T]."""
        constant = predictions.size == 0 or bool((predictions == predictions.flat[0]).all())
        return cls(tuple(hashlib.sha256(epoch.tobytes()).digest() for epoch in predictions), constant)


def across(results: Sequence[Result], votes: Mapping[int, Votes], whole: bool = True) -> dict[int, list[Finding]]:
    """Return the findings of results beside each other, by place.

    Args:
        results: all that are verified together.
        votes: by place, of the results whose predictions could be read.
        whole: whether they are all that is held; of one that was picked out no other replicate is missing.
    """
    found: dict[int, list[Finding]] = defaultdict(list)
    missing = _missing(results) if whole else ()
    for place, finding in (*_doubled(results), *_shared(results, votes), *missing):
        found[place].append(finding)
    return found


def _doubled(results: Sequence[Result]) -> Iterator[tuple[int, Finding]]:
    """Keys that are there twice, and several results of one replicate, of which boards show the last."""
    keys, cells = defaultdict(list), defaultdict(list)
    for place, result in enumerate(results):
        keys[result.key].append(place)
        cells[_cell(result), result.replicate].append(place)
    for places in keys.values():
        if len(places) > 1:
            detail = f"there are {len(places)} results of one key in the file"
            yield from ((place, Finding("key", WRONG, detail)) for place in places)
    for places in cells.values():
        others = {results[place].key for place in places}
        if len(others) > 1:
            detail = f"there are {len(others)} results of one method, setting and replicate; boards count the last"
            yield from ((place, Finding("replicates", FLAGGED, detail)) for place in places)


def _shared(results: Sequence[Result], votes: Mapping[int, Votes]) -> Iterator[tuple[int, Finding]]:
    """Predictions under two keys: of a reading they are its host's; of two trained runs they may be a copy.

    Methods can coincide, a sample selection that is told of no noise with cross-entropy, say. Then the whole training
    is the same, up to rounding, which a copy can claim too: only to make the run again tells the two apart. Runs of
    one definition in two tracks or lengths are the same by right.
    """
    by_key = {result.key: place for place, result in enumerate(results)}
    alike = defaultdict(list)
    for place, vote in votes.items():
        result, host = results[place], by_key.get(results[place].host or "")
        if host is not None and host in votes and vote.epochs != votes[host].epochs[: len(vote.epochs)]:
            yield place, Finding("predictions", WRONG, "they are not those of the run that it was read off")
        if result.host is None and not vote.constant:
            alike[vote.epochs].append(place)
    for places in alike.values():
        for place in places:
            others = [results[other] for other in places if results[other].key != results[place].key]
            if finding := _copied(results[place], others):
                yield place, finding


def _copied(result: Result, others: Sequence[Result]) -> Finding | None:
    if strangers := [other for other in others if not _trained_alike(result, other)]:
        detail = f"they are those of {strangers[0].name} too, which was trained otherwise"
        return Finding("predictions", WRONG, detail)
    if twins := [other for other in others if _definition(other) != _definition(result)]:
        why = "methods that coincide there, or a copy; only making it again tells"
        return Finding("predictions", FLAGGED, f"trained as {twins[0].name} was, up to rounding: {why}")
    return None


def _trained_alike(one: Result, other: Result) -> bool:
    ways = [(_recipe(run), run.replicate, run.networks) for run in (one, other)]
    return ways[0] == ways[1] and explained(one, other)


def _definition(run: Result) -> tuple[object, ...]:
    """Return what defines a run in whatever track, length and precision."""
    return _recipe(run), run.replicate, run.method, run.identity["dataset"]


def _recipe(run: Result) -> dict[str, object]:
    return {name: value for name, value in run.identity["setting"].items() if name not in _NAMES}


def _missing(results: Sequence[Result]) -> Iterator[tuple[int, Finding]]:
    """Replicates that a method lacks below its own highest number."""
    cells = defaultdict(list)
    for place, result in enumerate(results):
        cells[_cell(result)].append(place)
    for places in cells.values():
        first = results[places[0]]
        if lacking := _gaps({results[place].replicate for place in places}):
            detail = f"{first.label} on {first.setting} lacks {some(lacking, LISTED)}: was a replicate left out?"
            yield from ((place, Finding("replicates", FLAGGED, detail)) for place in places)


def fewer(results: Sequence[Result]) -> list[tuple[str, Finding]]:
    """Return a note for each setting, with its name, where methods have fewer replicates than others there.

    Boards compare methods of any numbers of replicates, and `tune` and advice of boards add some to a few methods: of
    no result is anything wrong. Methods with gaps of their own are flagged by `across`.
    """
    settings: dict[tuple[object, ...], dict[tuple[object, ...], set[int]]] = {}
    labels: dict[tuple[object, ...], str] = {}
    for result in results:
        cell = _cell(result)
        settings.setdefault(comparable(result), {}).setdefault(cell, set()).add(result.replicate)
        labels.setdefault(cell, result.label)
    notes = []
    for (setting, track, *_), cells in settings.items():
        most = max(map(max, cells.values()))
        groups: dict[int, list[str]] = {}
        for cell, held in cells.items():
            if max(held) < most and not _gaps(held):
                groups.setdefault(max(held), []).append(labels[cell])
        told = [
            f"{_named(names)} {'has' if len(names) == 1 else 'have'} {_replicates(last)} of 0-{most}"
            for last, names in groups.items()
        ]
        if told:
            notes.append((f"{setting}, track {track}", Finding("replicates", NOTE, "; ".join(told))))
    return notes


def _gaps(held: set[int]) -> list[int]:
    return sorted(set(range(min(max(held), 10_000))) - held)


def _named(names: Sequence[str]) -> str:
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return listed([*names[:NAMED], *more], "and")


def _replicates(last: int) -> str:
    return f"replicates 0-{last}" if last else "replicate 0"


def _cell(result: Result) -> tuple[object, ...]:
    return *comparable(result), result.method if result.track in TRAINED else result.label
