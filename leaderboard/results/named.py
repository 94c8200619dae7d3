"""Find one result among others by what people call it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.form import TRAINED
from lnlbench.leaderboard.results.missing import Held, not_in
from lnlbench.leaderboard.results.result import Result

SHORTEST = 6
"""Letters of a key that may stand for it."""
HINT = f"{SHORTEST} letters of a key, or method, setting and replicate as in 'ce digits/clean 0'"


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
        of: chooses among those with one name; where none is called so, among those of the method that is called so.

    Raises:
        StoreError: there is none, several keys begin so, or it lacks a replicate.
    """
    check_name(text)
    words, found, results = text.split(), dict[str, Result](), list(results)
    called: list[Result] = []
    held: list[Held] = []
    for number, result in enumerate(results, 1):
        if len(words) >= 3:
            spelled = (result.label, result.method)
            if is_called(words, spelled, result.setting, str(result.replicate)):
                called.append(result)
            is_method = is_called([*words[:-1], "0"], spelled, words[-2], "0")
            held.append(Held(result.label, result.setting, str(result.replicate), is_method))
        elif (len(text) >= SHORTEST and result.key.startswith(text)) or text == str(number):
            found[result.key] = result
    if not called and held:
        called = _otherwise_spelled([result for result in results if result.track in TRAINED], words)
    found |= {result.key: result for result in of(called)[-1:]}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        names = [f"{r.label} {r.setting} {r.replicate} {r.key[:12]}" for r in found.values()]
        raise StoreError(f"several results in {where} are called {text!r}: {'; '.join(names[:4])}")
    if len(words) >= 3:
        raise StoreError(not_in(where, words, held))
    raise StoreError(f"no result in {where} is called {text!r}: give {HINT}, or the number of a row")


def _otherwise_spelled(results: Sequence[Result], words: Sequence[str]) -> list[Result]:
    """Return the runs of a name whose method is stored there under another label."""
    texts = {run.method for run in results if "".join(run.label.split()) == "".join(words[:-2])}
    place = words[-2], words[-1].removeprefix("s")
    return [run for run in results if run.method in texts and (run.setting, str(run.replicate)) == place]
