"""The trials of closed searches as a table: from a configuration to its curves, so that a search can be replayed."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lnlbench.benchmark.tuning.budget import TuneError
from lnlbench.benchmark.tuning.outcome import FinishedTraining, Outcome
from lnlbench.leaderboard import shipped
from lnlbench.leaderboard.results.files import replacing

SHIPPED = Path(shipped.__file__).parent / "trials"
"""The folder of the trials that come with the package."""


def rows(outcome: Outcome) -> Iterator[dict[str, Any]]:
    """Yield a row for every training of a search, in the order of the budget: its configuration and its results."""
    chosen = {} if outcome.lost else {"searched": outcome.searched.number, "chosen": outcome.winner.number}
    stages = [("search", trial.number, trial.runs) for trial in outcome.trials]
    stages += [("confirm", one.number, one.runs) for one in outcome.confirmed]
    for stage, number, runs in stages:
        for training in runs:
            about = {"study": outcome.spec.name, "configuration": number, "stage": stage}
            said = {name: number == chosen.get(name) for name in ("searched", "chosen")}
            yield about | said | _training(outcome, number, training)


def _training(outcome: Outcome, number: int, training: FinishedTraining) -> dict[str, Any]:
    run = training.run
    return {
        "setting": run.setting.name,
        "label": run.label,
        "method": run.text,
        "values": outcome.trials[number].values,
        "place": run.replicate,
        "data": run.place,  # names noise draw and split: equal for trainings on equal data
        "key": run.key,
        "epochs": training.epochs,
        "failed": training.reason,
        "seconds": round(training.seconds, 3),
        "validation": training.validation,
        "test": training.test,
        "rules": dict(training.rules),
        "curves": dict(training.curves),
    }


def write(path: Path, outcomes: Sequence[Outcome]) -> int:
    """Write the trainings of scored searches, a JSON line each, compressed if the name ends in .xz; return how many.

    Raises:
        TuneError: the file cannot be written.
    """
    lines = [json.dumps(row) for outcome in outcomes for row in rows(outcome)]
    content = "".join(f"{line}\n" for line in lines).encode()
    try:
        with replacing(path) as unfinished:
            unfinished.write_bytes(lzma.compress(content) if path.suffix == ".xz" else content)
    except OSError as error:
        raise TuneError(f"{path} cannot be written: {error.strerror or error}") from error
    return len(lines)


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file that `write` wrote.

    Raises:
        TuneError: there is no such file, or it holds no trials.
    """
    try:
        content = path.read_bytes()
        found = [
            json.loads(line) for line in (lzma.decompress(content) if path.suffix == ".xz" else content).splitlines()
        ]
    except (OSError, ValueError, lzma.LZMAError) as error:
        raise TuneError(f"{path} cannot be read as trials: {' '.join(str(error).split())}") from error
    if not all(isinstance(row, dict) and row.keys() >= {"study", "configuration", "curves"} for row in found):
        raise TuneError(f"{path} holds no trials; `lnlbench tune --curves` writes them")
    return found
