"""Versions of a user's own method file: an edited file is another method of the same name, and a row is of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from lnlbench.leaderboard.results.command import plugins_of
from lnlbench.leaderboard.results.listing import listed
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.spelling import one_label

Version = tuple[str, ...]
"""Hashes of the code of the parts of a method that are the user's own; empty where all are the package's."""


@dataclass(frozen=True, kw_only=True)
class Versions:
    """The results of one method by their version; `unknown` are of records of before, which do not say theirs."""

    label: str
    latest: tuple[Result, ...]
    earlier: tuple[Result, ...]
    unknown: tuple[Result, ...]

    @property
    def about_earlier(self) -> str:
        """What the earlier ones are: `my_loss: 2 runs of an earlier version of my_loss.py`."""
        count = len({version_of(run) for run in self.earlier})
        which = "an earlier version" if count == 1 else f"{count} earlier versions"
        return f"{self.label}: {_runs(self.earlier)} of {which}{_of_files(self.earlier)}"

    @property
    def notes(self) -> list[str]:
        """What a board says of a method of which it has more than the latest version."""
        said = []
        if self.earlier:
            said.append(f"{self.about_earlier} {'is' if len(self.earlier) == 1 else 'are'} left out.")
        if self.unknown:
            why = "its record does" if len(self.unknown) == 1 else "their records do"
            may = f"{_runs(self.unknown)} may be of another version{_of_files(self.unknown)}"
            said.append(f"{self.label}: {may}; {why} not say.")
        return said


def version_of(result: Result) -> Version | None:
    """Return the version of a result's method; None where its record is one of before, which names files alone."""
    sources = result.identity.get("sources")
    if sources is None:
        return None if plugins_of(result) else ()
    return tuple(sources)


def latest(results: Sequence[Result]) -> tuple[list[Result], list[Versions]]:
    """Return the results of the latest version of each method, and the methods of which there are others.

    The latest is the one of the last result. Results that do not say their version stay.

    Args:
        results: that may be compared; in order of age.
    """
    if not any(map(version_of, results)):
        return list(results), []
    labels = one_label(results)
    rows: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        rows[labels[result.label]].append(result)
    several = [found for row in rows.values() if (found := _sorted(row)).earlier or found.unknown]
    lost = {run.key for found in several for run in found.earlier}
    return [result for result in results if result.key not in lost], several


def _sorted(row: Sequence[Result]) -> Versions:
    """Return the results of a method by their version; all are the latest where none says its own."""
    known = [version for run in row if (version := version_of(run)) is not None]
    last = known[-1] if known else None
    now = tuple(run for run in row if version_of(run) == last)
    return Versions(
        label=one_label(now)[now[-1].label],
        latest=now,
        earlier=tuple(run for run in row if version_of(run) not in (last, None)),
        unknown=tuple(run for run in row if version_of(run) is None) if known else (),
    )


def _runs(runs: Sequence[Result]) -> str:
    return "1 run" if len(runs) == 1 else f"{len(runs)} runs"


def _of_files(runs: Sequence[Result]) -> str:
    """Return the names of their files, without folders; a method of an installed package has none."""
    names = dict.fromkeys(PurePath(file).name for run in runs for file in plugins_of(run))
    return f" of {listed([*names], 'and')}" if names else ""
