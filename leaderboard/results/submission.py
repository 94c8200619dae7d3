"""Submissions: folders `results/<suite>/<method>/<version>/` with records, a card, and how far they were checked."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from lnlbench.leaderboard.results import archive, files
from lnlbench.leaderboard.results.card import Card, from_toml, slug
from lnlbench.leaderboard.results.errors import StoreError, StoreWarning
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.standing import CLAIMED, Standing
from lnlbench.leaderboard.results.standing import from_json as standings_from

RESULTS, RELEASES = "results", "releases"
RECORDS, CARD, STANDING = "results.jsonl.xz", "card.toml", "standing.jsonl"


@dataclass(frozen=True)
class Submission:
    """One submission, in its folder."""

    folder: Path
    card: Card

    @property
    def records(self) -> Path:
        """The file of its results."""
        return self.folder / RECORDS

    def results(self, *, predictions: bool = False) -> Iterator[Result]:
        """Yield its results; errors as of `archive.stream`."""
        return archive.stream(self.records, predictions=predictions)

    @cached_property
    def standings(self) -> dict[str, Standing]:
        """Return how far each of its results was checked; see `standings_of`."""
        return self.standings_of(self.results())

    def standings_of(self, results: Iterable[Result]) -> dict[str, Standing]:
        """Return how far each of these results was checked: claimed by the authors, where nothing else is written.

        Raises:
            StoreError: the file of standings is damaged.
        """
        first = self.card.authors[0] + (" and others" if len(self.card.authors) > 1 else "")
        claim = Standing(state=CLAIMED, by=first, date=self.card.date)
        found = {result.key: claim for result in results}
        path = self.folder / STANDING
        written = standings_from(_text(path)) if path.is_file() else {}
        return found | {key: one for key, one in written.items() if key in found}


def place(card: Card) -> PurePosixPath:
    """Return where a submission lies in a results repository."""
    return PurePosixPath(RESULTS, slug(card.suite), slug(card.method), slug(card.version))


def plugins_in(card: Card | None) -> list[str] | None:
    """Return the path of the file of the method in a results repository; None where there is none."""
    return [str(place(card) / card.plugin)] if card is not None and card.plugin else None


def submissions(root: Path, leave_out: Callable[[str], None] | None = None) -> list[Submission]:
    """Return the submissions in a folder, sorted by suite and method, versions in the order of their numbers.

    Args:
        root: the folder.
        leave_out: is told of each submission whose card is none; without it one of them is an error.

    Raises:
        StoreError: a card that is none.
    """
    found = []
    for path in sorted(root.rglob(CARD), key=lambda path: natural(path.parent)):
        try:
            found.append(submission(path.parent))
        except StoreError as error:
            if leave_out is None:
                raise
            leave_out(str(error))
    return found


def submission(folder: Path) -> Submission:
    """Return the submission in a folder.

    Raises:
        StoreError: its card is none.
    """
    try:
        return Submission(folder, from_toml(_text(folder / CARD)))
    except StoreError as error:
        raise StoreError(f"{folder / CARD}: {error}") from None


@dataclass(frozen=True)
class Collection:
    """Results of files and folders, with what is known of them beside.

    Attributes:
        results: in the order of the sources; of folders sorted.
        standings: by key, of the results in folders.
        cards: by key, of the results in folders.
    """

    results: tuple[Result, ...]
    standings: dict[str, Standing]
    cards: dict[str, Card]


def collect(
    sources: Iterable[Path],
    *,
    predictions: bool = False,
    lenient: bool = False,
    suites: Container[str] | None = None,
) -> Collection:
    """Return the results of files that `export` wrote, and of folders of submissions; of a key twice the first counts.

    Args:
        sources: files and folders.
        predictions: whether to read the test predictions.
        suites: those to read of a folder, as their cards name them; all by default. Of a file all is read.
        lenient: leave out what is malformed, a record of a file or a submission of a folder, with a warning.

    Raises:
        StoreError: there is no such file or folder, it is damaged, or a folder holds no submission.

    Warns:
        StoreWarning: something is left out.
    """
    lost: list[str] = []
    leave_out = lost.append if lenient else None
    results: dict[str, Result] = {}
    standings: dict[str, Standing] = {}
    cards: dict[str, Card] = {}
    for source in sources:
        if not source.is_dir():
            for result in archive.stream(source, predictions=predictions, leave_out=leave_out):
                results.setdefault(result.key, result)
            continue
        found = submissions(source, leave_out)
        if not found:
            raise StoreError(f"{source} holds no submission: no {CARD} in it or below it")
        for one in found:
            if suites is not None and one.card.suite not in suites:
                continue
            try:
                held = list(one.results(predictions=predictions))
                checked = one.standings_of(held)
            except StoreError as error:
                if not lenient:
                    raise
                lost.append(f"{one.folder}: {error}")
                continue
            for result in held:
                if result.key not in results:
                    results[result.key] = result
                    standings[result.key] = checked[result.key]
                    cards[result.key] = one.card
    if lost:
        more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
        warnings.warn(f"{lost[0]}; it is left out{more}", StoreWarning, stacklevel=2)
    return Collection(tuple(results.values()), standings, cards)


def results_of(source: Path, *, predictions: bool = True) -> Iterator[Result]:
    """Yield the results of a file, one by one, or of a folder of submissions; errors as of `collect`."""
    if source.is_dir():
        yield from collect([source], predictions=predictions).results
    else:
        yield from archive.stream(source, predictions=predictions)


def natural(path: Path) -> list[tuple[int, int | str]]:
    """Return what to sort paths by: numbers in names by their value, so that 10 follows 9."""
    parts = re.split(r"(\d+)", path.as_posix())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]


def _text(path: Path) -> str:
    try:
        return files.read(path).decode()
    except UnicodeDecodeError:
        raise StoreError(f"{path} is no text in UTF-8") from None
