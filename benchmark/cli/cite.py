"""What to cite: the papers of methods and of data sets, and lnlbench itself, as BibTeX."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.benchmark.protocol.unknown_names import unknown
from lnlbench.benchmark.runs.provenance import commit, installed

OURS = "lnlbench"


def citations(names: Sequence[str], plugins: Sequence[Path] = ()) -> str:
    """Return the BibTeX entries of methods and data sets, each paper once, in the order of the names.

    Args:
        names: of methods, as in "gce" or "gce(q=0.5) + sam", of data sets, and "lnlbench"; several in one text with
            commas.
        plugins: files that register methods.

    Raises:
        SettingError: a name of neither, or one that has nothing to cite; no name.
    """
    from lnlbench.benchmark.sweep.plugins import choose_methods
    from lnlbench.datasets.loading.registry import cards
    from lnlbench.methods import methods, parse

    sets = {name: card.bibtex for name, card in cards().items()}
    entries = dict[str, None]()
    for text in names:
        for name in choose_methods(text, plugins).texts:
            if name == OURS:
                found = [own_entry()]
            elif name in sets:
                found = [sets[name]]
            elif name.partition("(")[0].partition("+")[0].strip() not in methods():
                raise SettingError(unknown("method or data set", name, [*methods(), *sets, OURS], "methods"))
            else:
                papers = [part.paper for part in parse(name).parts] or [methods()["ce"].paper]
                found = [paper.bibtex() for paper in papers if paper is not None]
            if not any(found):
                raise SettingError(f"{name!r} names nothing to cite")
            entries |= dict.fromkeys(found)
    if not entries:
        raise SettingError("name what to cite, as in `lnlbench cite gce mnist`")
    return "\n\n".join(entries)


def own_entry() -> str:
    """Return the entry of lnlbench as it is installed: its version and, from a clone, its commit."""
    made = f"  note = {{Commit {found}}},\n" if (found := commit()) else ""
    return (
        "@misc{lnlbench,\n"
        "  title = {{lnlbench: a benchmark suite for learning with noisy labels}},\n"
        "  author = {{The lnlbench authors}},\n"
        f"  howpublished = {{Version {installed()}}},\n{made}}}"
    )
