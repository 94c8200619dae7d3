"""Check what a change adds to a results repository: cards, keys, every record, and a sample that is made again."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from lnlbench.benchmark.sweep.plugins import choose_methods
from lnlbench.benchmark.verification.across import fewer
from lnlbench.benchmark.verification.findings import FLAGGED, HARMLESS, OK, WRONG, Finding
from lnlbench.benchmark.verification.likeness import DIFFERS, Reproduction
from lnlbench.benchmark.verification.receipts import Receipt, digest, verified
from lnlbench.benchmark.verification.reproduce import reproduce
from lnlbench.leaderboard.results.card import contradictions
from lnlbench.leaderboard.results.errors import StoreError, one_line
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.submission import (
    CARD,
    RECORDS,
    RELEASES,
    RESULTS,
    STANDING,
    Submission,
    natural,
    place,
    submission,
)
from lnlbench.methods._errors import MethodError

LONGEST = 600.0
"""Seconds that a run of the sample may have taken; longer ones are not made again here."""
BYTECODE = "__pycache__"
"""A folder that whatever imports a method's file may leave beside it; methods are executed from their text alone."""


@dataclass
class Checked:
    """What was found of a change.

    Attributes:
        added: the submissions that are new, or have new rows.
        rows: their new results, without predictions.
        others: all other results of the repository, without predictions.
        lines: what was found, with the folder or the run that it is of.
        again: the sample that was made again.
        receipts: of every new result that could be read.
    """

    added: list[Submission] = field(default_factory=list)
    rows: list[Result] = field(default_factory=list)
    others: list[Result] = field(default_factory=list)
    lines: list[tuple[str, Finding]] = field(default_factory=list)
    again: list[Reproduction] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing was found that is not ok, flagged or noted."""
        return all(finding.state in HARMLESS for _, finding in self.lines)

    def wrong(self, where: object, what: str, detail: str) -> None:
        """Note something that refuses the change."""
        self.lines.append((str(where), Finding(what, WRONG, detail)))


def check(
    root: Path, base: Path | None, data_dir: Path | None = None, *, sample: int = 1, seed: int | None = None
) -> Checked:
    """Check what a repository holds beyond what it held before.

    Args:
        root: of the repository.
        base: the repository before the change; None where it was empty.
        data_dir: where data sets are.
        sample: how many of the new runs are made again, on the CPU.
        seed: of their choice; by default nobody knows it before.

    Raises:
        StoreError: there is no such folder.
    """
    for folder in (root, base):
        if folder is not None and not folder.is_dir():
            raise StoreError(f"there is no folder {folder}")
    found = Checked()
    before = {} if base is None else {path.relative_to(base): path for path in _folders(base)}
    after = {path.relative_to(root): path for path in _folders(root)}
    same = {name for name, path in after.items() if name in before and _hash(path) == _hash(before[name])}
    _cards(found, before, after, same)
    _frozen(found, root, base)
    held = _read(found, root, (after[name] for name in after if name in same))
    found.others = [result for _, result in held]
    new = _read(found, root, (one.folder for one in found.added))
    _rows(found, root, {name: path for name, path in before.items() if name not in same}, held, new)
    _verified(found, data_dir)
    _again(found, data_dir, sample, random.SystemRandom() if seed is None else random.Random(seed))
    return found


def _folders(root: Path) -> list[Path]:
    """Return the folders below the results that hold files, in their order; not where Python keeps its bytecode."""
    holding = {path.parent for path in (root / RESULTS).rglob("*") if path.is_file()}
    return sorted((path for path in holding if BYTECODE not in path.relative_to(root).parts), key=natural)


def _hash(folder: Path) -> dict[str, str]:
    """Return what names the content of a folder: a digest of every file."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


def _cards(found: Checked, before: dict[Path, Path], after: dict[Path, Path], same: set[Path]) -> None:
    """Look at folders, cards and files of methods of what is new or changed."""
    for name, path in after.items():
        if name in same:
            continue
        try:
            one = submission(path)
            if not one.records.is_file():
                raise StoreError(f"there is a card, but no {RECORDS}")
            choose_methods(plugins=[path / one.card.plugin] if one.card.plugin else [])
        except (StoreError, MethodError) as error:
            found.wrong(name, "card", str(error))
            continue
        if Path(place(one.card)) != name:
            found.wrong(name, "card", f"it belongs into {place(one.card)}, as its card says")
        allowed = {CARD, RECORDS, STANDING, one.card.plugin}
        for file in sorted(set(_hash(path)) - allowed):
            found.wrong(name, "files", f"{file} is no part of a submission")
        old = before[name] / STANDING if name in before else None
        if (path / STANDING).is_file() and (old is None or not old.is_file() or _differ(path / STANDING, old)):
            found.wrong(name, "standing", f"{STANDING} is written by those who check, and not by a change")
        found.added.append(one)


def _frozen(found: Checked, root: Path, base: Path | None) -> None:
    """Look for frozen boards that are gone or changed."""
    for path in sorted((base / RELEASES).glob("*.json")) if base is not None else ():
        now = root / RELEASES / path.name
        if not now.is_file() or _differ(now, path):
            found.wrong(f"{RELEASES}/{path.name}", "release", "what is frozen stays as it is")


def _differ(one: Path, other: Path) -> bool:
    return one.read_bytes() != other.read_bytes()


def _read(found: Checked, root: Path, folders: Iterable[Path]) -> list[tuple[Path, Result]]:
    """Return the results of folders, bare; a file that cannot be read is wrong."""
    rows: list[tuple[Path, Result]] = []
    for folder in folders:
        try:
            rows += [(folder, result) for result in submission(folder).results()]
        except StoreError as error:
            found.wrong(folder.relative_to(root), "records", str(error))
            found.added = [one for one in found.added if one.folder != folder]
    return rows


def _rows(
    found: Checked,
    root: Path,
    changed: Mapping[Path, Path],
    held: Sequence[tuple[Path, Result]],
    new: Sequence[tuple[Path, Result]],
) -> None:
    """Look for rows that were removed or changed, and for keys that are there twice."""
    places: dict[str, Path] = {}
    for folder, result in (*held, *new):
        name = folder.relative_to(root)
        if result.key in places:
            found.wrong(name, "key", f"{result.name}: the key {result.key} is in {places[result.key]} too")
        places.setdefault(result.key, name)
    old: dict[str, str] = {}
    for name, folder in changed.items():
        for result in submission(folder).results(predictions=True):
            old[result.key] = digest(result)
            if result.key not in places:
                found.wrong(name, "removed", f"{result.name}: the row {result.key} was removed")
    for one in found.added:
        if any(result.key in old for folder, result in new if folder == one.folder):
            for result in one.results(predictions=True):
                if result.key in old and old[result.key] != digest(result):
                    found.wrong(one.folder.relative_to(root), "changed", f"{result.name}: {result.key} was changed")
    found.rows = [result for _, result in new if result.key not in old]
    found.others += [result for _, result in new if result.key in old]
    for one in found.added:
        own = [result for folder, result in new if folder == one.folder]
        for fault in contradictions(one.card, own):
            found.wrong(one.folder.relative_to(root), "card", fault)


def _verified(found: Checked, data_dir: Path | None) -> None:
    """Verify every new record; what cannot be verified here is refused too."""
    keys = {result.key for result in found.rows}
    known = {result.key: result for result in (*found.others, *found.rows)}
    new = chain.from_iterable(one.results(predictions=True) for one in found.added)
    found.receipts = verified((result for result in new if result.key in keys), data_dir, known) if keys else []
    for receipt in found.receipts:
        found.lines += [(receipt.result.name, finding) for finding in receipt.findings if finding.state != OK]
    found.lines += fewer([receipt.result for receipt in found.receipts])


def _again(found: Checked, data_dir: Path | None, count: int, random: random.Random) -> None:
    """Make a sample of the new runs that verify again, on the CPU."""
    good = [receipt.result for receipt in found.receipts if receipt.state == OK]
    fit = [run for run in good if run.cost.get("total_seconds", 0.0) <= LONGEST]
    chosen = {run.key for run in random.sample(fit, min(count, len(fit)))}
    if count and len(fit) < len(good):
        detail = f"{len(good) - len(fit)} of {len(good)} took over {LONGEST:.0f} s, and are not made again"
        found.lines.append(("sample", Finding("reproduce", FLAGGED, detail)))
    for result in _with_predictions(found.added, chosen):
        try:
            made = reproduce(result, "cpu", data_dir)
        except (Exception, SystemExit) as error:  # of a method: its code may do anything
            reason = f"{type(error).__name__}: {one_line(error)}"
            found.wrong(result.name, "reproduce", f"it cannot be made again: {reason}")
            continue
        found.again.append(made)
        state = WRONG if made.outcome == DIFFERS else OK
        found.lines.append((result.name, Finding("reproduce", state, made.sentence)))


def _with_predictions(added: Sequence[Submission], keys: set[str]) -> Iterator[Result]:
    for one in added:
        yield from (result for result in one.results(predictions=True) if result.key in keys)
