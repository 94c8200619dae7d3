"""The one door for methods: names, texts and Python files in, texts of registered methods out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lnlbench.methods._split import split_methods


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The methods of a command, with the plug-ins that they come from loaded."""

    texts: tuple[str, ...] = ()
    plugins: tuple[Path, ...] = ()  # absolute: what every process that works on them must load

    @property
    def text(self) -> str:
        """The methods as one list with commas, as it is written on a command line."""
        return ", ".join(self.texts)


def choose_methods(methods: str = "", plugins: Iterable[Path] = ()) -> Chosen:
    """Load plug-ins and resolve a list of methods; a `.py` in it stands for the methods that it registers.

    Every command, the Python interface and every worker process enters here, so that a method of the user's own is
    named in the same way everywhere. An unchanged file is executed once in a process, however often it is named.

    Args:
        methods: as in "ce, gce(q=0.5), my_loss.py"; none where empty.
        plugins: files that are named beside.

    Raises:
        MethodError: no such file, it does not import, it ends the program, or it registers nothing.
    """
    files = [path.expanduser().absolute() for path in plugins]
    listed = split_methods(methods)
    if files or any(text.endswith(".py") for text in listed):  # else nothing here needs torch
        import lnlbench.benchmark.runs.rescoring  # noqa: F401 -- bound before a plug-in can replace what it calls
        from lnlbench.methods._registry import load_file
    for path in files:
        load_file(path)
    texts: list[str] = []
    for text in listed:
        if text.endswith(".py"):
            files.append(Path(text).expanduser().absolute())
            texts += load_file(files[-1])
        else:
            texts.append(" ".join(text.split()))
    return Chosen(texts=tuple(texts), plugins=tuple(dict.fromkeys(files)))


def name_of_run(words: Sequence[str], plugins: Iterable[Path] = ()) -> str:
    """Return what a store calls a run: an id or a key as it is, and `my_loss.py digits/clean 0` by its method's name.

    Args:
        words: of a command line, one name in one word or in several.
        plugins: files that are named beside.

    Raises:
        MethodError: as `choose_methods`.
    """
    *method, setting, replicate = ["", "", *" ".join(words).split()]
    return " ".join([choose_methods(" ".join(method), plugins).text, setting, replicate]).strip()
