"""What `lnlbench study` does with the studies: list, run, report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lnlbench.benchmark.studies import report as pages
from lnlbench.benchmark.studies.base import FAST, FULL, Context, StudyError
from lnlbench.benchmark.studies.outcome import FIGURE, RECORD, Outcome, execute, record
from lnlbench.benchmark.studies.registry import find, studies
from lnlbench.datasets.loading.errors import DataError
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store.address import StoreAddress
from lnlbench.leaderboard.store.reader import StoreReader
from lnlbench.leaderboard.store.store import Store


def run(
    names: Sequence[str],
    every: bool,
    length: str,
    context: Context,
    tell: Callable[[str], None],
    changes: Mapping[str, Any] | None = None,
) -> tuple[list[Outcome], dict[str, str]]:
    """Run studies and store them.

    Args:
        names: of the studies.
        every: all studies instead.
        length: "full" is as in the paper, "laptop" less of the same, "fast" takes seconds.
        context: data, device and store.
        tell: called with a line about each study when it begins.
        changes: fields of the configuration with other values.

    Returns:
        the outcomes, and why studies were left out.

    Raises:
        StudyError: no such study, length or field, or none named.
        DataError: a study that was named lacks its data.
    """
    if bool(names) == every:
        raise StudyError("name the studies to run, or say --all; `lnlbench study list` shows them")
    chosen = list(studies().values()) if every else [find(name) for name in dict.fromkeys(names)]
    done, left_out = list[Outcome](), dict[str, str]()
    if every:
        left_out = {s.name: f"it has no length {length!r}" for s in chosen if length not in s.lengths}
        chosen = [study for study in chosen if study.name not in left_out]
    for study in chosen:  # a mistake is found before anything runs
        study.configuration(length, changes)
    with Store(context.store) as store:
        for study in chosen:
            if every and length == FULL and study.heavy and not _has_gpu():
                left_out[study.name] = "its full length wants a GPU; run it by its name"
                continue
            tell(f"{study.name} {study.title} ({length})")
            try:
                outcome, files, points = execute(study, length, context, changes)
            except DataError as error:
                if not every:
                    raise
                left_out[study.name] = " ".join(str(error).split())
                continue
            except (ArithmeticError, LookupError, RuntimeError, ValueError) as error:
                if not changes or isinstance(error, (StoreError, StudyError)):
                    raise
                text = " ".join(str(error).split())[:200]
                raise StudyError(f"{study.name} cannot be measured with {dict(changes)}: {text}") from error
            store.record_study(record(outcome, files, points))
            done.append(outcome)
    return done, left_out


def length_of(**asked: bool) -> str:
    """Return the one length that is asked for, "fast" where none is.

    Raises:
        StudyError: several are.
    """
    names = [name for name, yes in asked.items() if yes]
    if len(names) > 1:
        raise StudyError(f"{' and '.join(f'--{name}' for name in names)} exclude each other; name one length")
    return names[0] if names else FAST


def report(folder: Path, address: StoreAddress) -> Path:
    """Bring the folder of figures up to date with the store, and write the page.

    Raises:
        StoreError: the store cannot be used, or there is none and none can be.
    """
    if not address.exists:
        address.check()
    else:
        with StoreReader(address) as store:
            pages.export(store.studies((RECORD, FIGURE)), folder)
    return pages.write(list(studies().values()), folder)


def rows(outcomes: Sequence[Outcome], left_out: dict[str, str]) -> list[dict[str, Any]]:
    """Return a row for each criterion, and one for each study that was left out."""
    found = [
        {
            "study": outcome.study,
            "criterion": verdict.criterion.name,
            "claim": verdict.criterion.claim,
            "measured": verdict.measured,
            "threshold": verdict.criterion.threshold,
            "verdict": "FAILS" if verdict.word == "fails" else verdict.word,
        }
        for outcome in outcomes
        for verdict in outcome.verdicts
    ]
    empty = {"criterion": "", "measured": "", "threshold": "", "verdict": "not run"}
    return found + [{"study": name, "claim": reason} | empty for name, reason in left_out.items()]


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
