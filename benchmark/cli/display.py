"""What the command line shows: tables, progress, and the texts after a command."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from lnlbench.leaderboard.show.terminal import Fitted, glued
from lnlbench.leaderboard.show.words import p_value

if TYPE_CHECKING:
    from lnlbench.benchmark import conformance
    from lnlbench.benchmark.runs.run import Run
    from lnlbench.benchmark.sweep.comparison import Verdict
    from lnlbench.benchmark.sweep.options import Options
    from lnlbench.benchmark.sweep.scheduler import Report
    from lnlbench.benchmark.sweep.worker import Event
    from lnlbench.leaderboard.ranking.versus import Versus

Rows = list[dict[str, Any]]


def table(rows: Rows) -> Fitted:
    """Rows of the same columns as a table."""
    return Fitted([*rows[0]] if rows else [], [[*map(_text, row.values())] for row in rows])


def followed(runs: Sequence[Run], options: Options, quiet: bool) -> Report:
    """Make the runs with a progress bar on stderr that counts epochs and shows the time left."""
    from lnlbench.benchmark.sweep.scheduler import sweep

    by_key = {run.key: run for run in runs}
    console = Console(stderr=True, quiet=quiet)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("epochs"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=console) as progress:
        trained = [run for run in runs if run.host is None]
        total = sum(run.setting.epochs for run in trained)
        task = progress.add_task(f"{len(runs)} runs", total=total)
        seen: dict[str, int] = {}

        def watch(event: Event) -> None:
            run = by_key[event.key]
            epochs = run.setting.epochs if run.host is None else 0
            now = min(event.epoch + 1, epochs) if event.kind == "epoch" else epochs
            progress.advance(task, max(0, now - seen.get(event.key, 0)))
            seen[event.key] = max(now, seen.get(event.key, 0))
            if event.kind == "failed":
                what = f" {run.setting.name} {run.name} s{run.replicate}: {event.reason}"
                console.print(Text.assemble(("failed", "red"), what))

        return sweep(runs, options, watch)


def report(found: Report, runs: Sequence[Run]) -> dict[str, Any]:
    """Return what a sweep did, JSON-able."""
    names = {run.key: f"{run.setting.name} {run.name} s{run.replicate}" for run in runs}
    failed = [{"run": names[key], "key": key, "reason": reason} for key, reason in found.failed.items()]
    return {"made": found.done, "stored": found.stored, "failed": failed, "seconds": round(found.seconds, 2)}


def summary(found: Report, runs: Sequence[Run]) -> str:
    """Return what a sweep did, and what to do next."""
    lines = [f"{len(found.done)} runs made, {len(found.stored)} stored before, in {found.seconds:.1f} s."]
    lines += [f"failed: {failure['run']}: {failure['reason']}" for failure in report(found, runs)["failed"]]
    lines.append("Next: `lnlbench leaderboard` ranks them, `lnlbench ui` opens them in MLflow.")
    return "\n".join(lines)


def checked(text: str, plugins: Sequence[Path], quiet: bool) -> list[conformance.Report]:
    """Return the conformance reports of the methods of a file, or of one text, with what is being checked on stderr.

    Raises:
        MethodError: no such file or method.
    """
    from lnlbench.benchmark.conformance import report_of
    from lnlbench.benchmark.sweep.plugins import choose_methods
    from lnlbench.methods._parse import parse

    texts = choose_methods(text, plugins).texts
    for one in texts or [text]:
        parse(one)
    console = Console(stderr=True, quiet=quiet)
    with console.status("") as status:
        return [report_of(one, lambda name, one=one: status.update(f"{one}: {name}")) for one in texts]  # type: ignore[misc]


def compared(found: Sequence[Verdict]) -> Any:
    """Return comparisons as tables with a sentence each; accuracies in percent, differences in points."""
    from rich.console import Group

    parts: list[Any] = []
    for one in found:
        for setting, rows in groupby(one.rows, lambda row: row.setting):
            parts += [Text(setting, "bold"), _versus(one.method, list(rows)), ""]
        parts += map(Text, _about(one))
    return Group(*parts)


def _versus(method: str, rows: Sequence[Versus]) -> Fitted:
    """Return the comparisons of one setting as a table; the family is said beside p."""
    family = max((row.family for row in rows), default=0)
    header = ["against", method, "other", "difference", f"p (Holm, {family})", "n", "verdict"]
    lines = []
    for row in rows:
        half = "" if row.half is None else f" ± {row.half:.2f}"
        n = str(row.n) if row.n == row.other_n else f"{row.n}, {row.other_n}"
        p = "-" if row.p is None else p_value(row.p)
        means = [f"{row.mean:.2f}", f"{row.other_mean:.2f}", glued(f"{row.difference:+.2f}{half}")]
        lines.append([row.other, *means, p, n, row.verdict])
    return Fitted(header, lines)


def _about(one: Verdict) -> list[str]:
    """Say what must be known of a comparison: the test, what would decide, where the runs come from."""
    borrowed = sorted(row.borrowed for row in one.rows if row.borrowed)
    spread = "nothing borrowed from other methods"
    if borrowed:
        worth = " to ".join(dict.fromkeys(f"{value:.1f}" for value in (borrowed[0], borrowed[-1])))
        spread = f"variances partly borrowed from other methods, worth {worth} replicates"
    lines = [f"Rule {one.rule}; Welch's t test, {spread}; p by Holm over the baselines of a setting."]
    open_rows = [row for row in one.rows if row.p is not None and not row.same and row.verdict.startswith("cannot")]
    if open_rows:
        needs = [
            f"{row.setting} {row.other} " + (f"at {row.needed} replicates" if row.needed else "not by more runs")
            for row in open_rows
        ]
        lines.append(f"What would decide at the gaps seen: {'; '.join(needs)}.")
    lines.append(f"{one.made} runs made, {one.from_store} from the store, {one.from_package} from the package.")
    return [*lines, *(f"Not reused: {why}." for why in one.not_reused)]


def verdicts(reports: Sequence[conformance.Report]) -> Any:
    """Conformance reports as tables, and what to do next."""
    from rich.console import Group

    parts: list[Any] = []
    for one in reports:
        faults = f"{one.faults} faults" if one.faults else "no fault"
        parts += [table(one.rows()), Text(f"{one.method}: {faults}, in {one.seconds:.0f} s.")]
    return Group(*parts)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)
