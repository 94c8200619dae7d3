"""The one door for methods: names, texts and Python files in, texts of registered methods out."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lnlbench.methods._errors import MethodError, NoMethod
from lnlbench.methods._split import split_methods

PLUS = re.compile(r"\s\+\s")  # between the parts of a composition; without spaces it may belong to a path
FILE = re.compile(r"(.*\.py)\s*(\(.*\))?", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The methods of a command, with the plug-ins that they come from loaded."""

    texts: tuple[str, ...] = ()
    plugins: tuple[Path, ...] = ()  # absolute: what every process that works on them must load
    own: Mapping[str, str] = field(default_factory=dict)  # name of a method → its file, as it was named

    @property
    def text(self) -> str:
        """The methods as one list with commas, as it is written on a command line."""
        return ", ".join(self.texts)


def choose_methods(methods: str = "", plugins: Iterable[Path] = ()) -> Chosen:
    """Load plug-ins and resolve a list of methods.

    A `.py` in it stands for the methods that it registers; with values or in a composition, as in
    `my_loss.py(q=0.5) + sam`, for the one.

    Every command, the Python interface and every worker process enters here, so that a method of the user's own is
    named in the same way everywhere. An unchanged file is executed once in a process, however often it is named.

    Args:
        methods: as in "ce, gce(q=0.5), my_loss.py, my_loss.py + sam"; none where empty.
        plugins: files that are named beside.

    Raises:
        MethodError: no such file, it does not import, it ends the program, it registers nothing, or several
            methods where one is needed.
    """
    files: list[Path] = []
    own: dict[str, str] = {}

    def loaded(named: str) -> list[str]:
        files.append(Path(named).expanduser().absolute())
        try:
            names = load_file(files[-1])
        except NoMethod:
            if noises := _noises_of(files[-1]):
                raise MethodError(
                    f"{files[-1]} registers no method, but {noises}; noises live in datasets/noise/ (CONTRIBUTING.md)"
                ) from None
            raise
        own.update(dict.fromkeys(names, named))
        return names

    beside = [str(path) for path in plugins]
    listed = split_methods(methods)
    if beside or any(FILE.fullmatch(part) for text in listed for part in _parts(text)):  # else no need of torch
        import lnlbench.benchmark.runs.rescoring  # noqa: F401 -- bound before a plug-in can replace what it calls
        from lnlbench.methods._registry import load_file
    for named in beside:
        loaded(named)
    texts: list[str] = []
    for text in listed:
        parts = []
        for part in _parts(text):
            names = [part]
            if found := FILE.fullmatch(part.strip()):
                names = [name + (found[2] or "") for name in loaded(found[1])]
            parts.append([" ".join(name.split()) for name in names])
        alone = len(parts) == 1 and text.endswith(".py")
        if not alone and (several := [name for names in parts if len(names) > 1 for name in names]):
            raise MethodError(
                f"a file with values or in a composition stands for one method, but one in {text!r} registers "
                f"{', '.join(several)}; name the file by `--plugin` and the method by its name"
            )
        texts += parts[0] if len(parts) == 1 else [" + ".join(name for (name,) in parts)]
    return Chosen(texts=tuple(texts), plugins=tuple(dict.fromkeys(files)), own=own)


def line_in(files: Iterable[Path], error: BaseException) -> str:
    """Return FILE:LINE, the innermost line of some files that an error passed through; nothing where there is none."""
    names = {str(file) for file in files}
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in names]
    return f"{lines[-1].filename}:{lines[-1].lineno}" if lines else ""


def _noises_of(file: Path) -> str:
    """Return `the noise 'mine'`, as a file registers it; nothing where it registers none."""
    from lnlbench.datasets.noise.base import kinds

    made = {kind: getattr(sys.modules.get(model.__module__), "__file__", None) for kind, model in kinds().items()}
    found = [repr(kind) for kind, place in made.items() if place == str(file)]
    return f"the noise{'s' if len(found) > 1 else ''} {', '.join(found)}" if found else ""


def _parts(text: str) -> list[str]:
    """Return the parts of a composition; a path that exists is one, whatever its name."""
    return [text] if text.endswith(".py") and Path(text).expanduser().is_file() else PLUS.split(text)


def name_of_run(words: Sequence[str], plugins: Iterable[Path] = ()) -> tuple[str, Mapping[str, str]]:
    """Return what a store calls a run: an id or a key as it is, and `my_loss.py digits/clean 0` by its method's name.

    Beside it, as `Chosen.own`, which methods come from which files.

    Args:
        words: of a command line, one name in one word or in several.
        plugins: files that are named beside.

    Raises:
        MethodError: as `choose_methods`.
    """
    *method, setting, replicate = ["", "", *" ".join(words).split()]
    chosen = choose_methods(" ".join(method), plugins)
    return " ".join([chosen.text, setting, replicate]).strip(), chosen.own
