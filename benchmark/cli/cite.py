"""What to cite: the papers of methods and of data sets, as BibTeX."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.benchmark.protocol.unknown_names import unknown


def citations(names: Sequence[str], plugins: Sequence[Path] = ()) -> str:
    """Return the BibTeX entries of methods and data sets, each paper once, in the order of the names.

    Args:
        names: of methods, as in "gce" or "gce(q=0.5) + sam", and of data sets; several in one text with commas.
        plugins: files that register methods.

    Raises:
        SettingError: a name of neither, or one that has nothing to cite; no name.
    """
    from lnlbench.benchmark.sweep.plugins import choose_methods
    from lnlbench.datasets.loading.registry import cards
    from lnlbench.methods import methods, parse

    sets, entries = cards(), dict[str, None]()
    for text in names:
        for name in choose_methods(text, plugins).texts:
            if name in sets:
                found = [sets[name].bibtex]
            elif name.partition("(")[0].partition("+")[0].strip() not in methods():
                raise SettingError(unknown("method or data set", name, [*methods(), *sets]))
            else:
                papers = [part.paper for part in parse(name).parts] or [methods()["ce"].paper]
                found = [paper.bibtex() for paper in papers if paper is not None]
            if not any(found):
                raise SettingError(f"{name!r} names nothing to cite")
            entries |= dict.fromkeys(found)
    if not entries:
        raise SettingError("name what to cite, as in `lnlbench cite gce mnist`")
    return "\n\n".join(entries)
