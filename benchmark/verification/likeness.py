"""How near a run that was made again comes to the result that it is held against: to the bit, within a band, or not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lnlbench.benchmark.engine.capture import TOLERANCE
from lnlbench.benchmark.verification.findings import MALFORMED, differences
from lnlbench.benchmark.verification.recompute import MANIFEST
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.precision import precision_of
from lnlbench.leaderboard.results.predictions import shape_of, unpack
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import can_score, scores_of

IDENTICAL, WITHIN, DIFFERS = "identical", "within the band", "differs"
VALIDATION = "validation"
WIDTHS = {"mean10": 4.0, "final": 8.0, "noisy_val": 10.0, VALIDATION: 6.0}
"""Of the band, by rule in standard errors of the test accuracy, and of the accuracy on noisy validation labels in any
epoch in its own; what they were chosen from is on the page "Trust".

A mean over epochs moves least; under `noisy_val` another rounding may choose another epoch. `oracle`, which never
ranks, has no band.
"""
FACTS = ("torch", "hardware", "device", "execution", "kernels", "threads", "lnlbench", "python")
_TRAINED = frozenset({"told", "diagnostics"})
"""Parts of an identity that training itself found out, and that rounding may change."""
_NAMED = ("key", "protocol", "dataset", "setting", "noise", "length", "track", "method", "label", "replicate")
_FIXED = (*_NAMED, "host", "told", "networks", "classes", "epochs")
_UNBOUNDED = ("objective", "weight_norm", "distance")
"""Curves of a training that are no accuracies, so that no band is known for them."""
_MEASURED = ("seconds", "samples_per_second", "peak_memory")  # beginnings of what no two runs share


@dataclass(frozen=True)
class Reproduction:
    """A result, and the same run made again.

    Attributes:
        result: as it was given.
        made: the run, made again.
    """

    result: Result
    made: Result

    @property
    def outcome(self) -> str:
        """`IDENTICAL`, `WITHIN` or `DIFFERS`."""
        if not self.faults and not self.rounded:
            return IDENTICAL
        return DIFFERS if self.faults or self.beyond else WITHIN

    @cached_property
    def faults(self) -> tuple[str, ...]:
        """Return what no rounding explains, a line each: another identity, or another number of networks or images."""
        return tuple(_faults(self.result, self.made))

    @cached_property
    def rounded(self) -> tuple[str, ...]:
        """Return the names of all that is not the same to the bit, and may come from rounding."""
        return tuple(_rounded(self.result, self.made))

    @cached_property
    def gaps(self) -> Mapping[str, float]:
        """Return by how many points the run that was made again is higher: by rule, and most in validation accuracy."""
        came, now = _scores(self.result), _scores(self.made)
        found = {rule: 100 * (now[rule] - score) for rule, score in came.items() if rule in now}
        pairs = zip(self.result.curves["validation_accuracy"], self.made.curves["validation_accuracy"], strict=False)
        off = [100 * (b - a) for a, b in pairs if a is not None and b is not None]
        return found | {VALIDATION: max(off, key=abs, default=0.0)}

    @cached_property
    def bands(self) -> Mapping[str, float]:
        """Return how many points each of `gaps` may be: so many standard errors of an accuracy on so many images."""
        split = self.made.identity["split"]  # of the one that was seen to be made
        known = [value for value in self.made.curves["validation_accuracy"] if value is not None] or [0.5]
        test = _error(_scores(self.made).get("final", 0.5), split["test"])
        validation = _error(math.fsum(known) / len(known), split["validation"])
        return {
            name: width * (validation if name == VALIDATION else test)
            for name, width in WIDTHS.items()
            if name == VALIDATION or can_score(self.result, name, {})
        }

    @property
    def beyond(self) -> tuple[str, ...]:
        """Return what is further off than its band is wide: rules, or the accuracy on validation labels."""
        return tuple(rule for rule, band in self.bands.items() if not abs(self.gaps.get(rule, math.inf)) <= band)

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """Return what of software and hardware is not as it was, a phrase each."""
        was, now = ({name: one.environment.get(name, "–") for name in FACTS} for one in (self.result, self.made))
        return tuple(f"{name} {was[name]}, here {now[name]}" for name in FACTS if was[name] != now[name])

    @property
    def moved(self) -> float | None:
        """Return the share of test predictions that differ after the last epoch; None where they cannot be compared."""
        came, now = _predictions(self.result), _predictions(self.made)
        if came is None or now is None or not len(came) or not len(now) or came.shape[1:] != now.shape[1:]:
            return None
        return float((came[-1] != now[-1]).mean())

    @property
    def sentence(self) -> str:
        """Return the outcome in one sentence, with the band and what it is for."""
        if self.outcome == IDENTICAL:
            what = (
                "and all test predictions, to the bit"
                if self.result.predictions
                else "to the bit; it has no predictions"
            )
            return f"identical: key, identity, curves of {self.made.trained} epochs {what}"
        off = ", ".join(f"{rule} {self.gaps.get(rule, math.nan):+.2f}" for rule in self.bands)
        share = "" if self.moved is None else f", {100 * self.moved:.2f} % of the last predictions moved"
        band = ", ".join(f"{rule} ± {width:.2f}" for rule, width in self.bands.items())
        wide = f"{off} points{share}; the band is {band} points, for {self.why}"
        if self.outcome == WITHIN:
            return f"within the band: {wide}"
        what = "; ".join(self.faults) or f"{' and '.join(self.beyond)}: {wide}"
        return f"differs in {what}"

    @property
    def why(self) -> str:
        """Return what may round otherwise here."""
        reasons = ["bf16"] if precision_of(self.result) == "bf16" else []
        reasons += ["other software or hardware"] if self.elsewhere else ["another processor of the same name"]
        return " and ".join(reasons)

    def json(self) -> dict[str, Any]:
        """Return the reproduction, JSON-able."""
        return {
            "key": self.result.key,
            "outcome": self.outcome,
            "sentence": self.sentence,
            "faults": list(self.faults),
            "rounded": list(self.rounded),
            "points": dict(self.gaps),
            "band": dict(self.bands),
            "moved": self.moved,
            "elsewhere": list(self.elsewhere),
        }


def explained(one: Result, other: Result) -> bool:
    """Return whether rounding explains where the curves of two runs of the same predictions differ.

    Accuracies may differ by the band, losses and distances by what executions of their precisions may. Of a malformed
    record nothing is explained.
    """
    try:
        tolerance = max(TOLERANCE[precision_of(run)] for run in (one, other))
        close = all(_close(one.curves[name], other.curves[name], tolerance) for name in _UNBOUNDED)
        return close and not Reproduction(one, other).beyond
    except MALFORMED:
        return False


def _close(came: list[float | None], now: list[float | None], tolerance: float) -> bool:
    """Whether two curves are equal up to a tolerance; what is not finite equals itself alone."""
    pairs = list(zip(came, now, strict=False))
    off = [(a, b) for a, b in pairs if not _same([a], [b])]
    return len(came) == len(now) and all(
        a is not None and b is not None and math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance) for a, b in off
    )


def _scores(result: Result) -> dict[str, float]:
    """Return the score under every rule, of a reading those that need no host; none where no epoch can be chosen."""
    try:
        return scores_of(result, {})
    except ValueError:
        return {}


def _error(accuracy: float, size: int) -> float:
    """Return the standard error, in points, of an accuracy on so many images."""
    return 100 * math.sqrt(max(accuracy * (1 - accuracy), 1 / size) / size)


def _faults(result: Result, made: Result) -> Iterator[str]:
    for name in _FIXED:
        if getattr(result, name) != getattr(made, name):
            yield f"{name}: {getattr(result, name)!r:.60}, made again {getattr(made, name)!r:.60}"
    # The key, which is compared, has the sources, and records of before do not name them.
    came, now = ({n: v for n, v in run.identity.items() if n not in _TRAINED | {"sources"}} for run in (result, made))
    noise = {n: v for n, v in now["noise"].items() if n in MANIFEST or n in came.get("noise", {})}
    yield from differences(came, now | {"noise": noise}, "identity")
    if result.diverged != made.diverged:
        yield f"diverged: {result.diverged}, made again {made.diverged}"
    shapes = [shape_of(run.predictions)[1:] for run in (result, made) if run.predictions]
    if len(set(shapes)) > 1:
        yield f"predictions [networks, images]: {shapes[0]}, made again {shapes[1]}"


def _rounded(result: Result, made: Result) -> Iterator[str]:
    for name in result.curves:  # a newer version may measure more
        came, now = result.curves.get(name, []), made.curves.get(name, [])
        if not name.startswith(_MEASURED) and not _same(came, now):
            yield name
    if next(differences(result.identity.get("told"), made.identity.get("told"), "told"), None):
        yield "told"
    if result.report != made.report:
        yield "the reported epoch"
    if result.predictions and result.predictions != made.predictions:
        arrays = _predictions(result), _predictions(made)
        if arrays[0] is None or arrays[1] is None or not np.array_equal(arrays[0], arrays[1]):
            yield "predictions"


def _same(came: list[float | None], now: list[float | None]) -> bool:
    """Whether two curves are equal to the bit; NaN equals NaN, and None itself alone."""
    return len(came) == len(now) and all(
        a == b or (a is not None and b is not None and math.isnan(a) and math.isnan(b))
        for a, b in zip(came, now, strict=True)
    )


def _predictions(result: Result) -> np.ndarray | None:
    try:
        return unpack(result.predictions)
    except StoreError:
        return None
