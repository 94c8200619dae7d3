"""Which files a command must name for the method of a result: of records from before their names were kept, a word."""

from __future__ import annotations

from lnlbench.benchmark.cli.new_method import registered
from lnlbench.leaderboard.results.command import plugins_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.methods._split import part_names

UNKNOWN = "FILE"
"""Stands for a file whose name nobody kept."""


def files_of(result: Result) -> tuple[str, ...]:
    """Return the names of the files that register a result's method, `FILE` where it is nobody's here."""
    names = {*part_names(result.method)} - {"ce"}
    return plugins_of(result) or ((UNKNOWN,) if names - registered() else ())
