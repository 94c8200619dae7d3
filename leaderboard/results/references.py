"""Reference rows: runs of a multiple of a setting's length, shown beside it so that equal passes can be compared."""

import re
from collections.abc import Sequence
from dataclasses import replace

from lnlbench.leaderboard.results.result import Result

_MULTIPLE = re.compile(r",epochs=(\d+x)(?=[,/])")


def base(setting: str) -> str:
    """Return the setting whose length a setting multiplies: `mnist-fast/clean` of `mnist-fast,epochs=2x/clean`."""
    return _MULTIPLE.sub("", setting)


def split_references(results: Sequence[Result]) -> tuple[list[Result], list[Result]]:
    """Return the results that rank, and those that are references to one of their settings.

    A reference is renamed: the label says by how much its training is longer, `ce (2x epochs)`, and the setting is
    the one that it refers to. Without results of that setting it stays what it is.
    """
    settings = {(r.protocol, r.length, r.track, r.setting) for r in results}
    ranked, references = [], []
    for result in results:
        found = _MULTIPLE.search(result.setting)
        setting = base(result.setting)
        if found is None or (result.protocol, result.length, result.track, setting) not in settings:
            ranked.append(result)
            continue
        longer = f"({found[1]} epochs)"
        label, method = f"{result.label} {longer}", f"{result.method} {longer}"
        references.append(replace(result, setting=setting, label=label, method=method))
    return ranked, references
