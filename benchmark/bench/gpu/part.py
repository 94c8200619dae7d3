"""A part of the plan: its name, its stated cost and its work; and all that a part can say."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lnlbench.benchmark.sweep.executors.base import Send

LINES = 12
"""Of a traceback that are kept: the last ones say where and why."""


@dataclass(frozen=True)
class Place:
    """Where parts work."""

    device: str
    data_dir: Path | None = None


@dataclass(frozen=True)
class Finding:
    """One answer; a part may give several."""

    what: str
    value: float | None = None
    unit: str = ""
    target: str = ""
    said: str = ""  # in words, beside or instead of the value
    total: bool = False  # whether the values of its group add up to something
    details: dict[str, Any] = field(default_factory=dict)  # JSON-able


@dataclass(frozen=True)
class Record:
    """A finished run: the JSON text of its `Result`."""

    json: str


@dataclass(frozen=True)
class Table:
    """A table in Markdown that is kept as a file of its own."""

    name: str
    text: str


@dataclass(frozen=True)
class Failure:
    """A part raised: the last lines of its traceback."""

    lines: tuple[str, ...]


Said = Finding | Record | Table
Work = Callable[[Place], Iterator[Said]]


@dataclass(frozen=True)
class Part:
    """What is asked at once.

    Attributes:
        name: `group/…`; parts of one group take longer or shorter than stated by a common factor.
        cost: in seconds, as stated for one H200.
        work: yields findings, each as soon as it is there; picklable.
        needs: data sets that must be at hand.
    """

    name: str
    cost: float
    work: Work
    needs: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """The first word of the name."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class Question:
    """A part as the task of an executor; it sends what the part says, and last what it was warned of or raised."""

    part: Part
    place: Place

    def __call__(self, send: Send) -> None:
        """Do the work; nothing that it raises gets out, but what ends a process."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            failure = None
            try:
                for said in self.part.work(self.place):
                    send(said)
            except (Exception, SystemExit) as error:  # the other parts go on, whatever this one met
                told = "".join(traceback.format_exception(error)).rstrip().splitlines()
                failure = Failure(tuple(told[-LINES:]))
        for text in dict.fromkeys(" ".join(str(one.message).split()) for one in caught):
            send(Finding("warning", said=text))
        if failure:
            send(failure)
