"""What the command line shows: tables, progress, and the texts after a command."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.leaderboard.show.terminal import Fitted, glued

if TYPE_CHECKING:
    from lnlbench.benchmark import conformance
    from lnlbench.benchmark.runs.run import Run
    from lnlbench.benchmark.sweep.comparison import Verdict
    from lnlbench.benchmark.sweep.options import Options
    from lnlbench.benchmark.sweep.scheduler import Report
    from lnlbench.benchmark.sweep.worker import Event

Rows = list[dict[str, Any]]


def table(rows: Rows) -> Fitted:
    """Rows of the same columns as a table."""
    return Fitted([*rows[0]] if rows else [], [[*map(_text, row.values())] for row in rows])


def assignments(texts: Sequence[str]) -> dict[str, Any]:
    """Fields and values of texts such as `lr=0.1`.

    Raises:
        SettingError: a text without a field or a value.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise SettingError(f"a changed field is written name=value, as in lr=0.1, but got {text!r}")
        try:
            found[name.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            found[name.strip()] = value.strip()
    return found


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
    """Comparisons as tables with a sentence each; accuracies in percent, differences in points."""
    from rich.console import Group

    def points(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.2f}"

    parts: list[Any] = []
    for one in found:
        for setting, rows in groupby(one.rows, lambda row: row.setting):
            header = ["against", one.method, "other", "difference", "p (Holm)", "n", "verdict"]
            lines = [
                [
                    row.other,
                    points(row.mean),
                    points(row.other_mean),
                    glued(f"{100 * row.test.difference:+.2f} ± {points(row.test.half)}"),
                    "-" if row.test.p is None else f"{row.test.p:.3f}",
                    str(row.test.n),
                    row.verdict.removesuffix(f" with {row.test.n} replicates"),
                ]
                for row in rows
            ]
            parts += [Text(setting, "bold"), Fitted(header, lines), ""]
        origin = f"{one.made} runs made, {one.from_store} from the store, {one.from_package} from the package."
        texts = [f"Rule {one.rule}; paired t over replicates. {one.sentence}", origin]
        parts += map(Text, [*texts, *(f"Not reused: {why}." for why in one.not_reused)])
    return Group(*parts)


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
