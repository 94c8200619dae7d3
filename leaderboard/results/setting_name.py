"""The name of a setting, taken apart: task, what was changed in it, noise."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from typing import Any

KINDS = {
    "symmetric": "sym",
    "asymmetric": "asym",
    "pairflip": "pair",
    "instance": "inst",
    "human": "human",
    "twin": "twin",
}
"""Kinds of noise in the order in which boards have them, others follow, and what narrow columns call them."""
CLEAN = "clean"


@dataclass(frozen=True)
class SettingName:
    """What `mnist-fast,epochs=2x,lr=0.1/symmetric-0.5` says: the one writer and the one reader of such names.

    The name is part of keys and records, so that what a run was called stays with it.
    """

    task: str  # "mnist-fast"
    noise: str  # "symmetric-0.5"
    changes: tuple[str, ...] = ()  # ("epochs=2x", "lr=0.1"), by field

    @classmethod
    def parse(cls, text: str) -> SettingName:
        """Read a name; text without a slash is a task of no noise."""
        left, _, noise = text.partition("/")
        task, *changes = left.split(",")
        return cls(task, noise, tuple(changes))

    def __str__(self) -> str:
        return f"{self.changed_task}/{self.noise}"

    @property
    def changed_task(self) -> str:
        """The task and what was changed in it: `mnist-fast,epochs=2x,lr=0.1`."""
        return ",".join((self.task, *self.changes))

    @property
    def unchanged(self) -> SettingName:
        """The setting before any change."""
        return replace(self, changes=())

    @property
    def multiple(self) -> str:
        """By how much its training is longer than the task's, as in "2x"; empty where its length is a plain number."""
        lengths = (change.removeprefix("epochs=") for change in self.changes if change.startswith("epochs="))
        return next((length for length in lengths if length.endswith("x") and length[:-1].isdecimal()), "")

    @property
    def base(self) -> SettingName:
        """The setting whose length this one multiplies; itself where it multiplies none."""
        return replace(self, changes=tuple(c for c in self.changes if c != f"epochs={self.multiple}"))

    @property
    def order(self) -> tuple[str, int, str]:
        """What sorts settings: by task, then by kind of noise as the suites list them, clean labels last."""
        kind = re.split(r"[-:]", self.noise)[0]
        place = list(KINDS).index(kind) if kind in KINDS else len(KINDS)
        return self.changed_task, place + (kind == CLEAN), self.noise

    def values(self) -> dict[str, Any]:
        """Return the changed fields; what is no literal of Python, such as `2x`, stays text."""
        return {name: value_of(text) for name, _, text in (change.partition("=") for change in self.changes)}


def value_of(text: str) -> Any:
    """Return the value of a changed field: a literal of Python, or the text itself where it is none, such as `2x`."""
    try:
        return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):  # a name; or brackets without end
        return text
