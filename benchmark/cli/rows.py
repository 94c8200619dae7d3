"""The methods that a reader of boards names: the rows to show, and the only ones to rank."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from lnlbench.benchmark.cli.own_files import with_paths
from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.leaderboard.results.spelling import spellings
from lnlbench.methods._unknown import did_you_mean

if TYPE_CHECKING:
    from lnlbench.leaderboard.results.result import Result


def named(results: Sequence[Result], methods: str) -> tuple[Sequence[Result], list[str] | None]:
    """Return results, of methods of files those of what they are now, and the methods that a text names.

    Args:
        results: of any methods.
        methods: as in "ce, gce(q=0.5), my_loss.py"; None is returned of an empty text. Runs that are stored under
            another spelling of a method are of it.

    Raises:
        SettingError: nothing is there of a method.
        StoreError: of a file there is nothing but what it was before.
    """
    from lnlbench.benchmark.sweep.plugins import choose_methods
    from lnlbench.benchmark.verification.present import present

    chosen = choose_methods(methods)
    texts = [*chosen.texts] or None
    results = with_paths(present(chosen.own)(results), chosen.own.values())
    if first := lacking(results, chosen.texts):
        known = sorted({result.label for result in results})
        raise SettingError(f"nothing is stored of {first!r}; {did_you_mean(first, known)}there is: {', '.join(known)}")
    return results, texts and spellings(results, texts)


def lacking(results: Iterable[Result], methods: Collection[str]) -> str | None:
    """Return the first of some methods that no result is of; None where there are results of each."""
    return min({*methods}.difference(*({result.label, result.method} for result in results)), default=None)


def among(results: Sequence[Result], methods: str, shown: str = "") -> list[Result]:
    """Return the results of some methods alone, which are ranked as if there were no others.

    Args:
        results: of any methods.
        methods: as for `named`.
        shown: those whose rows are shown, in the same form; all where it is empty.

    Raises:
        SettingError: nothing is there of a method, a method that is shown is left out, or what a method is read off.
        StoreError: as for `named`.
    """
    results, texts = named(results, methods)
    every, wanted = named(results, shown)
    kept = _of(results, texts or ())
    keys, hosts = {run.key for run in kept}, {run.key: run for run in results}
    if lost := [run.label for run in _of(every, wanted or ()) if run.key not in keys]:
        raise SettingError(f"--methods shows {lost[0]!r}, which --among leaves out")
    for run in kept:
        if run.host in hosts and run.host not in keys:
            raise SettingError(f"{run.label!r} is read off the runs of {hosts[run.host].label!r}: --among needs both")
    return kept


def is_named(label: str, text: str, methods: Collection[str] | None) -> bool:
    """Return whether a row is of one of some methods, which are named by label or with every value; all where None."""
    return methods is None or label in methods or text in methods


def with_hosts(results: Sequence[Result], methods: str) -> list[Result]:
    """Return the results of some methods, all where none is named, and the hosts of the readings among them.

    Args:
        results: of any methods.
        methods: as for `named`.

    Raises:
        SettingError, StoreError: as for `named`.
    """
    present, texts = named(results, methods)
    kept = _of(present, texts)
    keys = {run.key for run in kept} | {run.host for run in kept}
    return [run for run in results if run.key in keys]


def _of(results: Sequence[Result], methods: Sequence[str] | None) -> list[Result]:
    return [result for result in results if is_named(result.label, result.method, methods)]
