"""`verify --rerun`: some of the verified results are made again, and what came of each is a finding."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from lnlbench.benchmark.engine.device import ExecutionError
from lnlbench.benchmark.engine.models import ModelError
from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.benchmark.sweep.plugins import name_of_run
from lnlbench.benchmark.verification.findings import OK, UNKNOWN, WRONG, Finding
from lnlbench.benchmark.verification.likeness import DIFFERS, IDENTICAL
from lnlbench.benchmark.verification.present import present
from lnlbench.benchmark.verification.receipts import Receipt, archive_of
from lnlbench.benchmark.verification.reproduce import ReproductionError, reproduce
from lnlbench.datasets.loading.errors import DataError
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.submission import results_of
from lnlbench.leaderboard.store.address import StoreAddress
from lnlbench.leaderboard.store.reader import existing
from lnlbench.methods._errors import MethodError

WHAT = "rerun"
IMPOSSIBLE = (ReproductionError, MethodError, SettingError, DataError, ExecutionError, ModelError)
"""Why a run cannot be made again here, which says nothing about its result."""


def chosen(found: Sequence[Receipt], count: int, seed: int) -> set[str]:
    """Return the keys of so many results that are not wrong, the same for the same results and seed."""
    fit = sorted({receipt.result.key for receipt in found if receipt.state != WRONG})
    return set(random.Random(seed).sample(fit, min(count, len(fit))))


def records(what: Sequence[str], plugins: Iterable[Path], address: StoreAddress) -> Iterator[Result]:
    """Yield the results, with predictions, that `receipts` verifies; errors as there."""
    file = archive_of(what)
    if file is None:
        with existing(address) as store:
            name, own = name_of_run(what, plugins)
            yield store.find(name, present(own))[1]
    else:
        yield from results_of(file)


def rerun(
    results: Iterable[Result], keys: set[str], data_dir: Path | None, say: Callable[[str], None]
) -> list[tuple[str, Finding]]:
    """Make results again, where each was made if such a device is here.

    Args:
        results: with predictions.
        keys: of those to make again.
        data_dir: where data sets are.
        say: is told what is made next.

    Returns:
        what each is called, and its finding: ok if it is reproduced to the bit or comes within the band, wrong if it
        differs, unknown if it cannot be made here.
    """
    found = []
    for result in results:
        if result.key in keys:
            say(f"making {result.name} again, which took {result.cost.get('total_seconds', 0.0):.1f} s")
            found.append((result.name, _finding(result, data_dir)))
    return found


def _finding(result: Result, data_dir: Path | None) -> Finding:
    try:
        made = reproduce(result, data_dir=data_dir)
    except IMPOSSIBLE as error:
        return Finding(WHAT, UNKNOWN, f"it cannot be made again here: {' '.join(str(error).split())}")
    said = made.sentence.replace(f"{IDENTICAL}:", "reproduced:", 1)
    return Finding(WHAT, WRONG if made.outcome == DIFFERS else OK, said)
