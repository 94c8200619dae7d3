"""Frozen boards: which rows count in a release, and the digests of its files, so that it can be built byte for byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lnlbench.leaderboard.results import files
from lnlbench.leaderboard.results.card import slug
from lnlbench.leaderboard.results.errors import StoreError, one_line
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.standing import Standing, Standings
from lnlbench.leaderboard.results.submission import RELEASES, natural
from lnlbench.leaderboard.show.site.runs import digest


@dataclass(frozen=True, kw_only=True)
class Release:
    """A frozen board.

    Attributes:
        name: as in "1.0".
        rows: key → digest of the record, without predictions.
        standings: by key, how far rows were checked then, where that was kept.
        files: path → digest of what was written then; none before it is frozen.
    """

    name: str
    rows: Mapping[str, str]
    standings: Standings
    files: Mapping[str, str]

    @property
    def place(self) -> str:
        """Its folder in a site."""
        return f"{RELEASES}/{self.name}"

    def rows_of(self, results: Iterable[Result]) -> list[Result]:
        """Return its rows among results, in its own order.

        Raises:
            StoreError: one is missing, or is another record by now.
        """
        held = {result.key: result for result in results}
        if lost := [key for key in self.rows if key not in held]:
            raise StoreError(f"the release {self.name} lacks {len(lost)} of its rows, the first is {lost[0]}")
        if other := [key for key, name in self.rows.items() if digest(held[key]) != name]:
            raise StoreError(f"the release {self.name} has another record of {other[0]}: rows may not change")
        return [held[key] for key in self.rows]

    def same(self, made: Mapping[str, bytes | str]) -> bool:
        """Say whether files are those that were written when it was frozen, byte for byte."""
        return digests(made) == dict(self.files)


def digests(made: Mapping[str, bytes | str]) -> dict[str, str]:
    """Return the SHA-256 of every file."""
    whole = {name: content.encode() if isinstance(content, str) else content for name, content in made.items()}
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(whole.items())}


def freeze(name: str, results: Iterable[Result], standings: Standings) -> Release:
    """Return a release of all results, without its files.

    Raises:
        StoreError: a name that no folder can have.
    """
    if not name or slug(name) != name:
        raise StoreError(f"a release is called by lower-case letters, digits and ._+=-, as in 1.0, got {name!r}")
    rows = {result.key: digest(result) for result in results}
    return Release(name=name, rows=rows, standings=standings, files={})


def to_json(release: Release) -> str:
    """Return a release as a text."""
    standings = {key: [one.state, one.by, one.date] for key, one in sorted(release.standings.items())}
    record = {"name": release.name, "rows": dict(release.rows), "standings": standings, "files": dict(release.files)}
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def releases(root: Path) -> list[Release]:
    """Return the releases that are kept below a folder, in the order of their names.

    Raises:
        StoreError: a file that is none.
    """
    return [_read(path) for path in sorted((root / RELEASES).glob("*.json"), key=natural)]


def _read(path: Path) -> Release:
    try:
        record = json.loads(files.read(path))
        standings = {k: Standing(state=s, by=by, date=date) for k, (s, by, date) in record["standings"].items()}
        name, rows, made = str(record["name"]), dict(record["rows"]), dict(record["files"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"{path} is no release: {one_line(error)}") from None
    if name != path.stem:
        raise StoreError(f"{path} is the release {name!r}, and must be called so")
    return Release(name=name, rows=rows, standings=standings, files=made)
