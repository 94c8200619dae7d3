"""Methods of the user's own: names, texts and Python files in one list of methods."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lnlbench.methods._parse import split_methods
from lnlbench.methods._registry import load_file


def plugged(methods: str, plugins: Iterable[Path] = ()) -> tuple[str, tuple[Path, ...]]:
    """Load plug-ins; a `.py` among the methods is one, and stands for the methods that it registers.

    Args:
        methods: as in "ce, gce(q=0.5), my_loss.py".
        plugins: files that are named beside.

    Returns:
        the methods without paths, and all files: what a sweep and its processes take.

    Raises:
        MethodError: no such file, it does not import, or it registers nothing.
    """
    files = [path.absolute() for path in plugins]
    for path in dict.fromkeys(files):
        load_file(path)
    texts: list[str] = []
    for text in split_methods(methods) if methods else []:
        if not text.strip().endswith(".py"):
            texts.append(text.strip())
            continue
        path = Path(text.strip()).expanduser().absolute()
        texts += load_file(path)
        files.append(path)
    return ", ".join(texts), tuple(dict.fromkeys(files))
