"""What is said of a run that is not there: what is there instead, and the command that makes it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from lnlbench.leaderboard.results.listing import some

LISTED = 4
"""Names of what is there instead."""


class Held(NamedTuple):
    """A run that is there, and whether its method is the one that was asked for."""

    label: str
    setting: str
    replicate: str
    is_method: bool


def not_stored(
    words: Sequence[str], replicates: Iterable[str], labels: Iterable[str], changed: Iterable[str] = ()
) -> str:
    """Say that a store lacks a run, what is nearest to it there, and what makes it.

    No command is named for a method that is told something else than by default, or a folder by the name that boards
    give it.

    Args:
        words: method, setting and replicate.
        replicates: of this method and setting that are stored.
        labels: of all methods of this setting that are stored.
        changed: settings with other values than this one that runs of this method are stored of.
    """
    method, setting, number = _parts(words)
    said = f"{_no_run(words)} is stored"
    there = _replicates(replicates) or _variants(labels, method)
    if not there and (settings := _some(sorted(changed))):
        there = f"of {method} there is {settings}"
    if there:
        said += f"; {there}"
    if "[" in method or "@" in setting or not number.isdecimal():
        return said
    return f"{said}: `{shlex.join(['lnlbench', 'run', setting, '-m', method, '-s', number])}` makes it"


def not_in(where: str, words: Sequence[str], held: Iterable[Held]) -> str:
    """Say that a file, a folder or the package lacks a run, and what it has that is nearest to it.

    Args:
        where: what was looked through.
        words: method, setting and replicate.
        held: the runs that it has.
    """
    method, setting, _ = _parts(words)
    there = [*held]
    labels = [run.label for run in there if run.setting == setting]
    hint = _replicates(run.replicate for run in there if run.is_method and run.setting == setting)
    hint = hint or _variants(labels, method)
    if not hint and (settings := _some(run.setting for run in there if run.is_method)):
        hint = f"of {method} it has {settings}"
    if not hint and (methods := _some([*get_close_matches(method, {*labels}, n=LISTED), *labels])):
        hint = f"on {setting} it has {methods}"
    return ": ".join(filter(None, [f"{_no_run(words)} is in {where}", hint]))


def _no_run(words: Sequence[str]) -> str:
    method, setting, number = _parts(words)
    return f"no run of {method} on {setting}, replicate {number},"


def _parts(words: Sequence[str]) -> tuple[str, str, str]:
    return " ".join(words[:-2]), words[-2], words[-1].removeprefix("s")


def _replicates(numbers: Iterable[str]) -> str:
    """Return `replicates 0 and 1 are there`; nothing where none is."""
    *others, last = sorted({*numbers}, key=lambda number: (len(number), number)) or [""]
    if not last:
        return ""
    return f"replicates {', '.join(others)} and {last} are there" if others else f"replicate {last} is there"


def _some(names: Iterable[str]) -> str:
    return some([*dict.fromkeys(names)], LISTED)


def _variants(labels: Iterable[str], method: str) -> str:
    """Return `there are forward [true]`, the labels of a method that has other values or was told something."""
    spelled = re.compile(re.escape(method) + r"(\([^()]*\))?( \[.*\])?")
    found = sorted({label for label in labels if spelled.fullmatch(label) and label != method})
    return f"there are {', '.join(found)}" if found else ""
