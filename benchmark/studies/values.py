"""Values that a command line puts in place of a configuration's own: of the same kind, and within a range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

TIMES = 100
"""How many times the larger of a study's own two values another one may be: beyond it a study would never end."""


def fitting(value: Any, own: Sequence[Any]) -> Any:
    """Return a value as a field wants it: lists are tuples, and whole numbers may stand for others.

    Args:
        value: as it was given.
        own: values of the field in the study's configurations.

    Raises:
        ValueError: another kind of value, or one out of range; the message completes the name of the field.
    """
    before = own[0]
    if isinstance(before, tuple):
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"is of the kind {before!r}, not {value!r}")
        members = [member for values in own for member in values]
        if not 1 <= len(value) <= TIMES:
            raise ValueError(f"has 1 to {TIMES} members, not {len(value)}")
        return tuple(fitting(member, members) for member in value) if members else tuple(value)
    value = float(value) if isinstance(before, float) and type(value) is int and abs(value) < 1e300 else value
    if type(value) is not type(before):
        raise ValueError(f"is of the kind {before!r}, not {value!r}")
    if isinstance(before, (int, float)) and not isinstance(before, bool):
        low = type(before)(min(*own, 1) > 0 and isinstance(before, int))
        high = TIMES * max(*own, 1)
        if not low <= value <= high:  # nor is a NaN
            raise ValueError(f"must be in {low} to {high:,}, but got {value!r}")
    return value
