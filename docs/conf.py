"""How the pages of this folder become a site: Sphinx, with one page made of the methods' own docstrings."""

import inspect
from pathlib import Path

from sphinx.application import Sphinx

from lnlbench.methods import FAMILIES, Method, methods

project = "lnlbench"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
autodoc_typehints = "none"  # the signature is read in the code; here the words say what is taken
autodoc_preserve_defaults = True
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["wrap.css"]  # formulas are wider than the page
exclude_patterns = ["_build"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]

GENERATED = "methods.md"
HEAD = """# Methods

Made from the files in `methods/`; `lnlbench list methods` shows the same names, `lnlbench cite` the papers as BibTeX.
The last column of a table says where a default is from: the paper, its official code, the code of a paper that compares
with it, or a choice of this project.
"""


def write_methods(app: Sphinx) -> None:
    """Write the page of all methods: those of each family, then formula, paper and hyper-parameters of each."""
    known = methods()
    members = {family: [name for name, method in known.items() if method.family == family] for family in FAMILIES}
    rows = [
        f"| {family} | {', '.join(f'[`{name}`](#{name})' for name in names)} |" for family, names in members.items()
    ]
    parts = [HEAD, "\n".join(["| family | methods |", "|---|---|", *rows, ""])]
    parts += [section(name, method) for name, method in known.items()]
    path = Path(app.srcdir) / GENERATED
    text = "\n".join(parts) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def section(name: str, method: type[Method]) -> str:
    """Return what the page says of one method."""
    about = (inspect.getdoc(inspect.getmodule(method)) or name).splitlines()[0]
    ranges = [
        f"| `{field}` | {getattr(method(), field)!r} | "
        + ("" if span.many is None else repr(span.many))
        + " | "
        + (", ".join(map(repr, span.choices)) if span.choices else f"{span.low} to {span.high}")
        + (", log" if span.log else "")
        + f" | {span.origin} |"
        for field, span in method.space().items()
    ]
    head = ["| hyper-parameter | default | from 100 classes on | searched | from |", "|---|---|---|---|---|"]
    told = f"Told beyond the given labels: {', '.join(method.told)}." if method.told else ""
    body = inspect.getdoc(method) or ""
    lines = [f"## {name}\n", about, "", "```text", body, "```", "", source(method), ""]
    return "\n".join([*lines, *(head + ranges if ranges else []), "", told])


def source(method: type[Method]) -> str:
    """Return family, paper and code of a method as one line with links."""
    if (paper := method.paper) is None:
        return f"Family: {method.family}."
    title = f"[{paper.title}]({paper.link})" if paper.link else paper.title
    code = f" [Official code]({paper.code})." if paper.code else ""
    return f"Family: {method.family}. {paper.short} {paper.year}: {title}.{code}"


def setup(app: Sphinx) -> None:
    """Make the page before the sources are read."""
    app.connect("builder-inited", write_methods)
