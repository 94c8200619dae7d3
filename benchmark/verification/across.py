"""What several results say of each other: keys twice, predictions that two share, replicates that are missing."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lnlbench.benchmark.verification.findings import FLAGGED, WRONG, Finding
from lnlbench.leaderboard.results.comparable import comparable
from lnlbench.leaderboard.results.form import TRAINED
from lnlbench.leaderboard.results.listing import some
from lnlbench.leaderboard.results.result import Result

LISTED = 5  # numbers in a message
_NAMES = ("task", "length", "track")
"""Fields of a setting that change its key and nothing of the training."""
_TRAINED = ("objective", "validation_accuracy", "weight_norm", "distance")


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


def across(results: Sequence[Result], votes: Mapping[int, Votes]) -> dict[int, list[Finding]]:
    """Return the findings of results beside each other, by place.

    Args:
        results: all that are verified together.
        votes: by place, of the results whose predictions could be read.
    """
    found: dict[int, list[Finding]] = defaultdict(list)
    for place, finding in (*_doubled(results), *_shared(results, votes), *_missing(results)):
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
    """Predictions under two keys: of a reading they are its host's; of two trained runs they are a copy.

    Methods can coincide, a sample selection that is told of no noise with cross-entropy, say. Then the whole training
    is the same, to the bit, which a copy can claim too: only to make the run again tells the two apart.
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
            if others:
                yield place, _copied(results[place], others)


def _copied(result: Result, others: Sequence[Result]) -> Finding:
    def training(run: Result) -> object:
        recipe = {name: value for name, value in run.identity["setting"].items() if name not in _NAMES}
        return recipe, run.replicate, run.networks, [repr(run.curves.get(name)) for name in _TRAINED]

    strangers = [other for other in others if training(other) != training(result)]
    if strangers:
        detail = f"they are those of {strangers[0].name} too, which was trained otherwise"
        return Finding("predictions", WRONG, detail)
    why = "methods that coincide there, or a copy; only making it again tells"
    detail = f"trained to the bit as {others[0].name} was: {why}"
    return Finding("predictions", FLAGGED, detail)


def _missing(results: Sequence[Result]) -> Iterator[tuple[int, Finding]]:
    """Replicates that a method lacks, and others of its setting have or numbers below them promise."""
    settings, cells = defaultdict(set), defaultdict(list)
    for place, result in enumerate(results):
        settings[comparable(result)].add(result.replicate)
        cells[_cell(result)].append(place)
    for places in cells.values():
        first = results[places[0]]
        wanted = settings[comparable(first)]
        wanted = wanted | set(range(min(max(wanted), 10_000)))
        if lacking := sorted(wanted - {results[place].replicate for place in places}):
            detail = f"{first.label} on {first.setting} lacks {some(lacking, LISTED)}: was a replicate left out?"
            yield from ((place, Finding("replicates", FLAGGED, detail)) for place in places)


def _cell(result: Result) -> tuple[object, ...]:
    return *comparable(result), result.method if result.track in TRAINED else result.label
