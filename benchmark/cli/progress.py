"""The progress of a sweep on standard error: what is being trained, how well, and how much is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from lnlbench.leaderboard.results.text import visible
from lnlbench.leaderboard.show.words import short_noise

if TYPE_CHECKING:
    from lnlbench.benchmark.runs.run import Run
    from lnlbench.benchmark.sweep.options import Options
    from lnlbench.benchmark.sweep.scheduler import Report
    from lnlbench.benchmark.sweep.worker import Event

VALIDATION = "validation_accuracy"


def followed(runs: Sequence[Run], options: Options, quiet: bool) -> Report:
    """Make the runs with a progress bar on stderr: setting, method, last validation accuracy, epochs, time left."""
    from lnlbench.benchmark.sweep.scheduler import sweep

    by_key = {run.key: run for run in runs}
    console = Console(stderr=True, quiet=quiet)
    words = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
    columns = (
        words,
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TextColumn("epochs"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        total = sum(run.setting.epochs for run in runs if run.host is None)
        task = progress.add_task(f"{len(runs)} run{'s' if len(runs) != 1 else ''}", total=total)
        seen: dict[str, int] = {}

        def watch(event: Event) -> None:
            run = by_key[event.key]
            epochs = run.setting.epochs if run.host is None else 0
            now = min(event.epoch + 1, epochs) if event.kind == "epoch" else epochs
            if event.kind == "epoch" and run.host is None:
                progress.update(task, description=described(run, event.numbers.get(VALIDATION)))
            progress.advance(task, max(0, now - seen.get(event.key, 0)))
            seen[event.key] = max(now, seen.get(event.key, 0))
            if event.kind == "failed":
                what = f" {run.setting.name} {run.name} s{run.replicate}: {event.reason}"
                console.print(Text.assemble(("failed", "red"), visible(what)))

        return sweep(runs, options, watch)


def described(run: Run, validation: float | None) -> str:
    """Return what is being trained: `digits sym 0.4 gce s0, validation 57.6 %`.

    Args:
        run: the run.
        validation: its last accuracy on noisy validation labels, a fraction; None where it is not known.
    """
    accuracy = "" if validation is None else f", validation {100 * validation:.1f} %"
    return visible(f"{run.setting.task} {short_noise(run.setting.noise)} {run.name} s{run.replicate}{accuracy}")
