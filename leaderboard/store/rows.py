"""What is added to a run at once: points of curves, parameters, tags, and how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Point = tuple[str, float, int, int]
"""Chart key, value, epoch, milliseconds since 1970."""

LONGEST = 6000
"""Letters of a parameter that MLflow takes."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What is added to a run, all of it or nothing where the store is a database."""

    points: Sequence[Point] = ()
    params: Mapping[str, str] = field(default_factory=dict)  # of those that are there the values stay
    tags: Mapping[str, str] = field(default_factory=dict)
    status: str | None = None  # FINISHED, FAILED or KILLED
