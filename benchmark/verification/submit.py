"""Submit results to a results repository: a folder a method and suite, written once all of it verifies, or nothing."""

from __future__ import annotations

import os
import shutil
import sys
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lnlbench.benchmark.verification.import_results import refuse
from lnlbench.benchmark.verification.receipts import verified
from lnlbench.leaderboard.results import archive
from lnlbench.leaderboard.results.card import Card, check, facts, suite_of, to_toml
from lnlbench.leaderboard.results.errors import StoreError, one_line
from lnlbench.leaderboard.results.marks import marked
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.submission import CARD, RECORDS, Submission, place, submissions
from lnlbench.methods._parse import parse


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What no record says: who submits, and what of."""

    authors: tuple[str, ...]
    date: str
    version: str = "1"
    paper: str = ""
    url: str = ""
    code: str = ""
    bibtex: str = ""


def submit(
    results: Iterable[Result],
    root: Path,
    claim: Claim,
    data_dir: Path | None = None,
    source: object = "what was chosen",
) -> list[Submission]:
    """Write results into a results repository, hosts of readings among them.

    Args:
        results: with their predictions; files of methods of one's own are loaded before, and are copied beside them.
        root: of the repository.
        claim: who submits.
        data_dir: where data sets are.
        source: what the results are of, for the message that refuses them.

    Raises:
        StoreError: there are no results, the card lacks something, a folder or a key is there already, or nothing can
            be written.
        ExchangeError: something does not verify; nothing is written.
        MethodError: a method is unknown here.
    """
    held = list(results)
    if not held:
        raise StoreError("there are no results to submit")
    refuse(source, verified(held, data_dir))
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in held:
        groups[suite_of(result), result.label].append(result)
    made = [_prepared(name, runs, claim) for name, runs in sorted(groups.items())]
    there = {result.key: one.folder for one in submissions(root) for result in one.results()} if root.is_dir() else {}
    for card, runs, _ in made:
        if (root / place(card)).exists():
            raise StoreError(f"{root / place(card)} is there already; another version has another name (--edition)")
        if doubled := next((run for run in runs if run.key in there), None):
            raise StoreError(f"the result {doubled.key} is in {there[doubled.key]} already")
    return _written(root, made)


Prepared = tuple[Card, Sequence[Result], Path | None]
"""The card, the results and the file of methods of a submission."""


def _prepared(name: tuple[str, str], runs: Sequence[Result], claim: Claim) -> Prepared:
    file = file_of(runs[0])
    if file is not None and claim.code:
        raise StoreError(f"{name[1]} comes from {file}, which is copied beside its results: --code is for an address")
    known = facts(runs)
    card = Card(
        suite=name[0],
        method=name[1],
        version=claim.version,
        authors=claim.authors,
        date=claim.date,
        paper=claim.paper,
        url=claim.url,
        code=claim.code if file is None else file.name,
        bibtex=claim.bibtex,
        told=known["told"],
        hardware=known["hardware"],
        made_with=known["made_with"],
    )
    check(card)
    return card, sorted(runs, key=lambda run: (run.setting, run.replicate, run.key)), file


def file_of(result: Result) -> Path | None:
    """Return the file of the user's own that a result's method comes from; None for methods of the package.

    Raises:
        StoreError: it comes from several.
    """
    parts = parse(marked(result.method)[0], result.classes).parts
    modules = {type(part).__module__ for part in parts if part.source}
    if len(modules) > 1:
        raise StoreError(f"{result.label} comes from {len(modules)} files: a submission holds one; put them together")
    file = getattr(sys.modules[modules.pop()], "__file__", None) if modules else None
    return None if file is None else Path(file)


def _written(root: Path, made: Sequence[Prepared]) -> list[Submission]:
    """Write all of them beside their places, then move them there."""
    drafts: list[tuple[Path, Path, Card]] = []
    try:
        for card, runs, file in made:
            folder = root / place(card)
            draft = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
            draft.mkdir(parents=True)
            drafts.append((draft, folder, card))
            archive.write(draft / RECORDS, runs)
            (draft / CARD).write_text(to_toml(card), encoding="utf-8")
            if file is not None:
                shutil.copyfile(file, draft / file.name)
        for draft, folder, _ in drafts:
            os.rename(draft, folder)  # noqa: PTH104 -- fails where a folder is there by now
    except OSError as error:
        raise StoreError(f"{root} cannot be written: {error.strerror or one_line(error)}") from error
    finally:
        for draft, _, _ in drafts:
            shutil.rmtree(draft, ignore_errors=True)
    return [Submission(folder, card) for _, folder, card in drafts]
