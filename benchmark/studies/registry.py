"""The studies by name: one file each in this folder."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from lnlbench.benchmark.studies.base import Study, StudyError
from lnlbench.methods._unknown import did_you_mean

S = TypeVar("S", bound=type[Study[Any]])
_STUDIES: dict[str, Study[Any]] = {}


def register(name: str) -> Callable[[S], S]:
    """Make a class a study that everything finds by `name`, such as "E000-A".

    Raises:
        StudyError: the name is taken.
    """

    def add(study: S) -> S:
        if name in _STUDIES:
            raise StudyError(f"two studies are called {name!r}: {type(_STUDIES[name]).__module__}, {study.__module__}")
        study.name = name
        _STUDIES[name] = study()
        return study

    return add


def studies() -> dict[str, Study[Any]]:
    """Every study by name, sorted."""
    _discover()
    return dict(sorted(_STUDIES.items()))


def find(name: str) -> Study[Any]:
    """Return the study of a name, in any case.

    Raises:
        StudyError: no such study; the message lists the names and the closest match.
    """
    known = studies()
    if name.upper() not in known:
        raise StudyError(f"unknown study {name!r}; {did_you_mean(name.upper(), known)}known: {', '.join(known)}")
    return known[name.upper()]


@cache
def _discover() -> None:
    for found in pkgutil.iter_modules([str(Path(__file__).parent)], "lnlbench.benchmark.studies."):
        importlib.import_module(found.name)
