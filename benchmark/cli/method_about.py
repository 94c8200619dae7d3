"""What the page says of each method, read off the methods themselves and kept, since reading them needs torch."""

from __future__ import annotations

import inspect
from pathlib import Path

from lnlbench.benchmark.cli.catalogue import ROOT
from lnlbench.benchmark.cli.catalogue_cache import Rows, kept
from lnlbench.leaderboard.show.page.about import About


def method_about() -> dict[str, About]:
    """Return family, idea, formula, paper and code of every method of ours by name."""
    sources = [*(ROOT / "methods").glob("*.py"), Path(__file__)]
    return {row.pop("name"): About(**row) for row in (dict(row) for row in kept("about", sources, _rows))}


def _rows() -> Rows:
    from lnlbench.methods._registry import methods

    return [
        {
            "name": name,
            "family": method.family,
            "idea": (inspect.getdoc(inspect.getmodule(method)) or "").partition("\n")[0],
            "formula": (inspect.getdoc(method) or "").partition("\n\nSource:")[0],
            "paper": f"{method.paper.short} {method.paper.year}" if method.paper else "",
            "paper_url": method.paper.link if method.paper else "",
            "code_url": method.paper.code if method.paper else "",
            "bibtex": method.paper.bibtex() if method.paper else "",
        }
        for name, method in methods().items()
    ]
