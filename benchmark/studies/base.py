"""What a study is: a source, configurations, criteria as data, a measurement and a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from lnlbench.benchmark.studies.simulators.array import Array
from lnlbench.benchmark.studies.values import fitting
from lnlbench.leaderboard.store.address import StoreAddress, store_address

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lnlbench.datasets.loading.images import Images

C = TypeVar("C")
FAST, LAPTOP, FULL = "fast", "laptop", "full"
HELD_TO = {FULL: FULL, LAPTOP: FULL, FAST: FAST}
"""The lengths, the longest first, and whose criteria each is held to: `laptop` answers for what `full` would show."""


class StudyError(ValueError):
    """A study that does not exist, or that cannot be run or shown."""


@dataclass(frozen=True)
class Criterion:
    """What must be measured for a claim to hold: every value, of every seed, within [low, high]."""

    name: str  # as in the specification: "A1"
    claim: str  # what is measured, in words
    measure: str  # its name in `Evidence.measures`
    low: float = -math.inf
    high: float = math.inf
    only: str = ""  # "fast", or "full" for what is held to its criteria; all where empty
    gates: bool = True  # False: shown, but nothing fails by it
    ours: str = ""  # why the threshold is what it is, where no source gives one: shown as [ours]
    interval: bool = False  # the values are ends of intervals, two by two: a claim
    share: bool = False  # of a share in percent: an interval is read no further than from 0 to 100

    @property
    def threshold(self) -> str:
        """The bounds in words."""
        if self.low == self.high:
            return f"= {_number(self.low)}"
        if math.isinf(self.low) and math.isinf(self.high):
            return ""
        if math.isinf(self.low) or math.isinf(self.high):
            return f"≤ {_number(self.high)}" if math.isinf(self.low) else f"≥ {_number(self.low)}"
        return f"{_number(self.low)} to {_number(self.high)}"


@dataclass(frozen=True)
class Evidence:
    """What a study measured."""

    measures: Mapping[str, Sequence[float]]  # one value per seed; what criteria are about
    curves: Mapping[str, tuple[Array, Array]]  # steps and values, both [T], of the first seed: what MLflow draws
    arrays: Mapping[str, Array] = field(default_factory=dict)  # what only the figure needs


@dataclass(frozen=True)
class Verdict:
    """A criterion, what was measured for it, and whether it holds."""

    criterion: Criterion
    values: tuple[float, ...]

    @property
    def passed(self) -> bool:
        """Whether every value is within the bounds; a value that is not a number never is."""
        return all(self.criterion.low <= value <= self.criterion.high for value in self.values)

    @property
    def word(self) -> str:
        """What came of it, in words."""
        if self.criterion.interval:
            words = [self._decided(a, b) for a, b in self._ends]
            return words[0] if len(set(words)) == 1 else "; ".join(words)
        return ("holds" if self.passed else "fails") if self.criterion.gates else "informational"

    @property
    def _ends(self) -> list[tuple[float, float]]:
        """The ends of the intervals."""
        values = [min(max(value, 0.0), 100.0) if self.criterion.share else value for value in self.values]
        return list(zip(values[::2], values[1::2], strict=True))

    def _decided(self, a: float, b: float) -> str:
        """Return the verdict of one interval on the claim."""
        low, high = self.criterion.low, self.criterion.high
        inside, outside = low <= a and b <= high, b < low or a > high
        return "supported" if inside else "not supported" if outside else "cannot be told yet"

    @property
    def measured(self) -> str:
        """The value, or the range of the values and their number; how many are no number where some are."""
        if self.criterion.interval:
            return "; ".join(f"{_number(a)} to {_number(b)}" for a, b in self._ends)
        there = [value for value in self.values if not math.isnan(value)]
        if not there:
            return "never"
        low, high, never = _number(min(there)), _number(max(there)), len(self.values) - len(there)
        shown = low if low == high else f"{low} to {high}"
        count = f"{len(self.values)}, never in {never}" if never else f"{len(self.values)}"
        return shown if len(self.values) == 1 else f"{shown} (of {count})"


@dataclass(frozen=True, kw_only=True)
class Context:
    """Where data and device come from, for the studies that need them."""

    data_dir: Path | None = None
    device: str = "auto"
    store: StoreAddress = field(default_factory=store_address)  # for the studies that are many runs

    def images(self, name: str) -> Images:
        """Load a data set.

        Raises:
            DataError: it is not there; the message says which folder to fill.
        """
        from lnlbench.datasets.loading.images import load

        return load(name, self.data_dir)


class Study(Generic[C]):
    """One experiment; a subclass is one file, with `@register("E000-A")` above it."""

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    source: ClassVar[str] = ""  # paper, year, figure
    claim: ClassVar[str] = ""  # what the paper says, in a few sentences
    caption: ClassVar[str] = ""  # of the figure
    fast: Any = None  # a configuration that takes seconds, for tests; all are values of the dataclass C
    full: Any = None  # as in the paper
    laptop: Any = None  # less of the same, in under an hour of two cores; None where `full` is no more than that
    size: ClassVar[tuple[float, float]] = (10, 4)  # of the figure, inches
    criteria: ClassVar[tuple[Criterion, ...]] = ()
    analysis: ClassVar[Mapping[str, str]] = {}  # criterion -> why it fails, where it is known to
    discrepancies: ClassVar[tuple[str, ...]] = ()  # where paper, code and what is measured disagree
    less: ClassVar[str] = ""  # what `laptop` has less of than `full`
    notes: ClassVar[Mapping[str, str]] = {}  # commit -> what must be known first of the outcomes that it made
    heavy: ClassVar[bool] = False  # `full` wants a GPU

    @property
    def lengths(self) -> dict[str, C]:
        """Its configurations by length, the longest first."""
        found = {length: getattr(self, length) for length in HELD_TO}
        return {length: config for length, config in found.items() if config is not None}

    def configuration(self, length: str, changes: Mapping[str, Any] | None = None) -> C:
        """Return the configuration of a length, "fast", "laptop" or "full", with changed fields.

        Raises:
            StudyError: a length or field that it does not have, a value of another kind, or one out of range.
        """
        lengths = self.lengths
        if length not in lengths:
            raise StudyError(f"{self.name} has no length {length!r}; it has: {', '.join(lengths)}")
        chosen = lengths[length]
        known = [field.name for field in fields(chosen)]  # type: ignore[arg-type]
        values = dict[str, Any]()
        for name, value in (changes or {}).items():
            if name not in known:
                raise StudyError(f"{self.name} has no field {name!r}; it has: {', '.join(known)}")
            try:
                values[name] = fitting(value, [getattr(config, name) for config in (chosen, *lengths.values())])
            except ValueError as error:
                raise StudyError(f"{self.name}: {name} {error}") from None
        return replace(chosen, **values)  # type: ignore[type-var]

    def measure(self, config: C, context: Context) -> Evidence:
        """Make the experiment."""
        raise NotImplementedError

    def draw(self, evidence: Evidence, figure: Figure) -> None:
        """Draw what `measure` gave into an empty figure."""
        raise NotImplementedError


def judge(study: Study[Any], length: str, evidence: Evidence) -> list[Verdict]:
    """Hold what was measured against the criteria of a length.

    Raises:
        StudyError: a criterion is about something that was not measured.
    """
    verdicts = []
    for criterion in study.criteria:
        if criterion.only in ("", HELD_TO[length]):
            values = evidence.measures.get(criterion.measure, ())
            if not len(values):
                raise StudyError(f"{study.name}: criterion {criterion.name} needs {criterion.measure!r}, not measured")
            verdicts.append(Verdict(criterion, tuple(float(value) for value in values)))
    return verdicts


def _number(value: float) -> str:
    """Four significant digits; whole from a thousand on."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"
