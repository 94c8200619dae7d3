"""The search space: the ranges that a method declares, and learning rate and weight decay for every method."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.methods._compose import Composition
from lnlbench.methods._errors import MethodError
from lnlbench.methods._parse import written
from lnlbench.methods.base import Range

STEEP, GENTLE, ANY = Range(1e-3, 1.0, log=True), Range(3e-5, 3e-2, log=True), Range(3e-5, 1.0, log=True)
LEARNING_RATE = {"sgd": STEEP, "nesterov": STEEP, "adam": GENTLE, "adamw": GENTLE}
"""By optimiser. For SGD as protocol 3 says; Adam's steps have the size of the learning rate itself, so that its three
decades lie around the usual 1e-3. timm's may be of either kind and get the decades of both."""
WEIGHT_DECAY = Range(1e-5, 1e-2, log=True)
DIGITS = 4
"""Significant digits of a value: no accuracy depends on the fifth, and a method's text stays readable."""


@dataclass(frozen=True)
class Space:
    """The ranges of a method in a setting, by name: `lr`, `weight_decay`, `gce.q`, ...

    Args:
        method: with the values of its defaults; those written in `label` stay as they are.
        setting: with the recipe's learning rate and weight decay.
        label: the method as the user wrote it.
    """

    method: Composition
    setting: Setting
    label: str

    @property
    def ranges(self) -> dict[str, Range]:
        """The ranges by name, always in the same order."""
        found = {"lr": LEARNING_RATE.get(self.setting.optimizer, ANY), "weight_decay": WEIGHT_DECAY}
        fixed = written(self.label)
        for part in self.method.parts:
            for name, span in part.space().items():
                if (part.name, name) not in fixed and (span.choices is not None or span.low is not None):
                    found[f"{part.name}.{name}"] = span
        return found

    @property
    def defaults(self) -> dict[str, Any]:
        """The registered values, moved to the nearer end where they lie outside of the range."""
        return {name: _within(self._value(name), span) for name, span in self.ranges.items()}

    def apply(self, values: dict[str, Any]) -> tuple[Composition, Setting]:
        """Set values by name, rounded to four digits, and return method and setting.

        Raises:
            MethodError: values that a method refuses together.
        """
        if unknown := sorted(values.keys() - self.ranges.keys()):
            raise MethodError(f"{self.label} has no value {unknown[0]!r} to search; there is: {', '.join(self.ranges)}")
        short = {name: rounded(value) for name, value in values.items()}
        parts = []
        for part in self.method.parts:
            own = {f.name: short[f"{part.name}.{f.name}"] for f in fields(part) if f"{part.name}.{f.name}" in short}
            parts.append(replace(part, **own))
        recipe = {name: short[name] for name in ("lr", "weight_decay") if name in short}
        return Composition(tuple(parts)), replace(self.setting, **recipe)

    def describe(self) -> dict[str, str]:
        """Return the ranges as texts, to compare and to show."""
        return {name: describe(span) for name, span in self.ranges.items()}

    def _value(self, name: str) -> Any:
        part, _, field = name.rpartition(".")
        if not part:
            return getattr(self.setting, name)
        return next(getattr(found, field) for found in self.method.parts if found.name == part)


def rounded(value: Any) -> Any:
    """Return a float with four significant digits; anything else as it is."""
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Return names without that of their part, `q` for `gce.q`; where two would be one, these keep it."""
    names = list(names)
    ends = [name.rpartition(".")[2] for name in names]
    return {name: end if ends.count(end) == 1 else name for name, end in zip(names, ends, strict=True)}


def values_text(values: Mapping[str, Any]) -> str:
    """Return a configuration in words: "lr 0.03, weight_decay 0.0, q 0.7"."""
    return ", ".join(f"{short} {values[name]}" for name, short in short_names(values).items())


def describe(span: Range) -> str:
    """Return a range as text: "0.05 to 1.0", "1e-05 to 0.01 log", "one of 0.5, 1.0"."""
    if span.choices is not None:
        return f"one of {', '.join(map(str, span.choices))}"
    return f"{span.low} to {span.high}{' log' if span.log else ''}"


def _within(value: Any, span: Range) -> Any:
    if span.choices is not None or span.low is None or span.high is None:
        return value
    return type(value)(min(max(value, span.low), span.high))
