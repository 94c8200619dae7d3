"""How the pages of this folder become a site: Sphinx, with one page made of the methods' own docstrings."""

import inspect
from pathlib import Path

from sphinx.application import Sphinx

from lnlbench.methods import methods

project = "lnlbench"
extensions = ["myst_parser"]
html_theme = "furo"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]

GENERATED = "methods.md"


def write_methods(app: Sphinx) -> None:
    """Write the page of all methods: what each does, formula and source, hyper-parameters and what it is told."""
    parts = ["# Methods\n\nMade from the files in `methods/`; `lnlbench list methods` shows the same names.\n"]
    for name, method in methods().items():
        about = (inspect.getdoc(inspect.getmodule(method)) or name).splitlines()[0]
        ranges = [
            f"| `{field}` | {getattr(method(), field)!r} | "
            + (", ".join(map(repr, span.choices)) if span.choices else f"{span.low} to {span.high}")
            + (", log |" if span.log else " |")
            for field, span in method.space().items()
        ]
        table = ["| hyper-parameter | default | searched |", "|---|---|---|", *ranges] if ranges else []
        told = f"Told beyond the given labels: {', '.join(method.told)}." if method.told else ""
        body = inspect.getdoc(method) or ""
        parts.append("\n".join([f"## {name}\n", about, "", "```text", body, "```", "", *table, "", told]))
    path = Path(app.srcdir) / GENERATED
    text = "\n".join(parts) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Make the page before the sources are read."""
    app.connect("builder-inited", write_methods)
