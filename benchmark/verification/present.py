"""Which results are of a file of methods as it is now: an edit makes another method of the same name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.listing import listed
from lnlbench.leaderboard.results.marks import marked
from lnlbench.leaderboard.results.result import Result
from lnlbench.methods._split import part_names

LETTERS = 12  # of a key


def present(own: Mapping[str, str]) -> Callable[[Iterable[Result]], list[Result]]:
    """Return what leaves results of other versions of the user's own methods out.

    It raises StoreError where it has results of other versions alone.

    Args:
        own: name of a method → the file that it was loaded from, as `Chosen.own` has it.
    """

    def kept(results: Iterable[Result]) -> list[Result]:
        found: list[Result] = []
        here: set[str] = set()  # files with a run of what they are now
        others: dict[str, list[Result]] = {}
        for result in results:
            files = {own[name] for name in part_names(result.method) if name in own}
            if not files or _is_of_now(result):
                found.append(result)
                here |= files
            else:
                for file in files:
                    others.setdefault(file, []).append(result)
        for file, known in others.items():
            if file not in here:
                raise StoreError(
                    f"{file} as it is now has no run; stored {'is' if len(known) == 1 else 'are'} "
                    f"{_keys(known)} of {'another version' if len(known) == 1 else 'other versions'}"
                )
        return found

    return kept


def _is_of_now(result: Result) -> bool:
    """Return whether a result's key is that of its method as it is now; yes where only the data set would tell."""
    from lnlbench.benchmark.protocol.settings import Setting  # here: it takes torch, and most names need none of it
    from lnlbench.benchmark.verification.findings import MALFORMED
    from lnlbench.benchmark.verification.recompute import Data
    from lnlbench.benchmark.verification.verify import key_now
    from lnlbench.methods._parse import parse

    try:
        method = parse(marked(result.method)[0], result.classes)
        key = key_now(result, Setting(**result.identity["setting"]), method, Data(None))
    except MALFORMED:  # of the method too: a value that it has no more
        return False
    return key in (None, result.key)


def _keys(results: Sequence[Result]) -> str:
    return listed([*dict.fromkeys(result.key[:LETTERS] for result in results)], "and")
