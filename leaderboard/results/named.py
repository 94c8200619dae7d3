"""Find one result among others by what people call it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import Result

SHORTEST = 6
"""Letters of a key that may stand for it."""
HINT = f"{SHORTEST} letters of a key, or 'ce digits/clean 0'"


def is_called(words: Sequence[str], spelled: Iterable[str], setting: str, replicate: str) -> bool:
    """Say whether a run is called so: its method as it was written or in full, its setting, its replicate (1 or s1)."""
    method, named, number = "".join(words[:-2]), words[-2], words[-1].removeprefix("s")
    return (named, number) == (setting, replicate) and method in {"".join(text.split()) for text in spelled}


def check_name(text: str) -> None:
    """Refuse the name of a run that ends with its setting.

    Raises:
        StoreError: naming what would be right.
    """
    *method, last = text.split() or [""]
    if method and "/" in last:
        raise StoreError(f"{text!r} lacks a replicate: a run is called as in {f'{text} 0'!r}")


def replicates_there(numbers: Iterable[str]) -> str:
    """Return `replicates 0 and 1 are there`; nothing where none is."""
    *others, last = sorted({*numbers}, key=lambda number: (len(number), number)) or [""]
    if not last:
        return ""
    return f"replicates {', '.join(others)} and {last} are there" if others else f"replicate {last} is there"


def labels_there(labels: Iterable[str], method: str) -> str:
    """Return `there are: forward [true]`, the labels of a method that has other values or was told something.

    Args:
        labels: of the runs of a setting.
        method: as it was named.
    """
    spelled = re.compile(re.escape(method) + r"(\([^()]*\))?( \[.*\])?")
    found = sorted({label for label in labels if spelled.fullmatch(label)})
    return f"there are: {', '.join(found)}" if found else ""


def named(
    results: Iterable[Result],
    text: str,
    where: str,
    of: Callable[[Iterable[Result]], Sequence[Result]] = tuple,
) -> Result:
    """Return the result that a text means.

    Args:
        results: to look through; of several with one name the last one counts, as it does on boards.
        text: the beginning of a key, "method setting replicate", or a number: the row, counted from 1.
        where: what the results are of, for the message.
        of: chooses among those with one name.

    Raises:
        StoreError: there is none, several keys begin so, or it lacks a replicate.
    """
    check_name(text)
    words, found = text.split(), dict[str, Result]()
    called: list[Result] = []
    others: set[str] = set()  # replicates of that method and setting
    labels: set[str] = set()  # of that setting
    for number, result in enumerate(results, 1):
        if len(words) >= 3:
            labels |= {result.label} if result.setting == words[-2] else set()
            if is_called([*words[:-1], "0"], (result.label, result.method), result.setting, "0"):
                others.add(str(result.replicate))
                if words[-1].removeprefix("s") == str(result.replicate):
                    called.append(result)
        elif (len(text) >= SHORTEST and result.key.startswith(text)) or text == str(number):
            found[result.key] = result
    found |= {result.key: result for result in of(called)[-1:]}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        names = [f"{r.label} {r.setting} {r.replicate} {r.key[:12]}" for r in found.values()]
        raise StoreError(f"several results in {where} are called {text!r}: {'; '.join(names[:4])}")
    hint = replicates_there(others) or labels_there(labels, " ".join(words[:-2]))
    hint = hint or f"give {HINT}, or the number of a row"
    raise StoreError(f"no result in {where} is called {text!r}: {hint}")
