"""Which files a command must name for the method of a result: results keep the names of files, and no folders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from lnlbench.benchmark.cli.new_method import registered
from lnlbench.leaderboard.results.command import plugins_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.methods._split import part_names

UNKNOWN = "FILE"
"""Stands for a file whose name nobody kept, as in records of before."""
ELSEWHERE = "PATH"
"""Stands for the folder of a file that is not in this one: who reads the command must give it."""


def files_of(result: Result, given: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the files that register a result's method, as a command names them; `FILE` where it is nobody's here.

    Args:
        result: of any method.
        given: files of methods, as this command was given them.
    """
    names = {*part_names(result.method)} - {"ce"}
    return _placed(plugins_of(result), given) or ((UNKNOWN,) if names - registered() else ())


def with_paths(results: Sequence[Result], given: Iterable[str] = ()) -> list[Result]:
    """Return results with files of methods as a command names them, to be shown: what is stored are names alone."""
    paths = [*given]
    return [
        replace(result, environment={**result.environment, "plugins": [*_placed(names, paths)]})
        if (names := plugins_of(result))
        else result
        for result in results
    ]


def _placed(names: Sequence[str], given: Iterable[str]) -> tuple[str, ...]:
    paths = {Path(path).name: path for path in given}

    def placed(file: str) -> str:
        name = Path(file).name  # alone, unless results have been through here before
        return paths.get(name) or (file if Path(file).is_file() else f"{ELSEWHERE}/{name}")

    return tuple(map(placed, names))
