"""What the command line shows: tables, progress, and the texts after a command."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from lnlbench.leaderboard.results.interval import difference_text
from lnlbench.leaderboard.results.listing import some
from lnlbench.leaderboard.show.terminal import Fitted, glued
from lnlbench.leaderboard.show.words import p_value

if TYPE_CHECKING:
    from lnlbench.benchmark import conformance
    from lnlbench.benchmark.runs.run import Run
    from lnlbench.benchmark.sweep.comparison import Verdict
    from lnlbench.benchmark.sweep.scheduler import Report
    from lnlbench.leaderboard.ranking.versus import Versus
    from lnlbench.leaderboard.results.result import Result

Rows = list[dict[str, Any]]
NEXT = "Next: `lnlbench leaderboard` explains and ranks all that is stored, `lnlbench ui` opens it."


def table(rows: Rows) -> Fitted:
    """Rows of the same columns as a table, in parts where it is too wide: the first column stands before each."""
    return Fitted([*rows[0]] if rows else [], [[*map(cell_text, row.values())] for row in rows], repeated=1)


def planned(rows: Rows) -> Fitted:
    """Return what a sweep would do as a table that fits 80 columns: replicates, and in the last row numbers of runs."""
    *cells, total = rows
    lines = [(row, [f"{_ranges(row[name])} {name}" for name in ("stored", "missing") if row[name]]) for row in cells]
    lines.append((total, [f"{total['stored']} stored", f"{total['missing']} missing"]))
    return table(
        [
            {
                "setting": row["setting"],
                "method": row["method"],
                "replicates": ", ".join(runs),
                "how": row["how"],
                "seconds": _seconds(row["seconds"]) + (f" ({row['from']})" if row["from"] else ""),
            }
            for row, runs in lines
        ]
    )


def _ranges(numbers: Sequence[int]) -> str:
    """Return sorted numbers of replicates as one writes them: `s0-2, s5`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"s{run[0]}-{run[-1]}" if len(run) > 1 else f"s{run[0]}" for run in runs)


def _seconds(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def report(found: Report, runs: Sequence[Run]) -> dict[str, Any]:
    """Return what a sweep did, JSON-able."""
    names = {run.key: f"{run.setting.name} {run.name} s{run.replicate}" for run in runs}
    failed = [{"run": names[key], "key": key, "reason": reason} for key, reason in found.failed.items()]
    return {
        "made": found.done,
        "resumed": found.resumed,
        "stored": found.stored,
        "failed": failed,
        "seconds": round(found.seconds, 2),
    }


def summary(found: Report, runs: Sequence[Run], why: str = "") -> str:
    """Return what a sweep did.

    Args:
        found: what the sweep gave.
        runs: that were asked for.
        why: what ended it, where it was run until something was decided.
    """
    made = f"{len(found.done)} run{'s' if len(found.done) != 1 else ''} made"
    if found.resumed:
        names = {run.key: f"{run.setting.name} {run.name} s{run.replicate}" for run in runs}
        resumed = [f"{names[key]} from epoch {epochs + 1}" for key, epochs in found.resumed.items()]
        made += f", {len(resumed)} of {'them' if len(found.done) > 1 else 'it'} from a checkpoint ({some(resumed, 3)})"
    lines = [f"{made}, {len(found.stored)} stored before, in {found.seconds:.1f} s."]
    lines += [f"failed: {failure['run']}: {failure['reason']}" for failure in report(found, runs)["failed"]]
    return "\n".join([*lines, *([f"{why[0].upper()}{why[1:]}."] if why else [])])


def ended(results: Sequence[Result], rule: str) -> Any:
    """Return the boards of what was run, what makes them doubtful, and one line of next steps; no legend."""
    from rich.console import Group

    from lnlbench.leaderboard.ranking.build import boards
    from lnlbench.leaderboard.ranking.grid import other_data, sort_into_grid, unpaired
    from lnlbench.leaderboard.ranking.notes import doubt, doubtful
    from lnlbench.leaderboard.show.terminal_board import TerminalBoard

    parts: list[Any] = []
    for board in boards(results, [rule]):
        parts += ["", TerminalBoard(board, legend=False), ""]
        parts += [Text(text) for text in (*board.sentences[:1], *map(doubt, doubtful(board)))]
    parts += [Text(other_data(setting)) for setting in unpaired(sort_into_grid(results)[0])]
    return Group(*parts, Text(NEXT))


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
            sign = " †" if setting in one.doubtful else ""
            parts += [Text(setting + sign, "bold"), _versus(one.method, list(rows)), ""]
        parts += map(Text, _about(one))
    return Group(*parts)


def _versus(method: str, rows: Sequence[Versus]) -> Fitted:
    """Return the comparisons of one setting as a table; the family is said beside p."""
    family = max((row.family for row in rows), default=0)
    header = ["against", method, "other", "difference", f"p (Holm, {family})", "n", "verdict"]
    lines = []
    for row in rows:
        n = str(row.n) if row.n == row.other_n else f"{row.n}, {row.other_n}"
        p = "-" if row.p is None else p_value(row.p)
        means = [f"{row.mean:.2f}", f"{row.other_mean:.2f}", glued(difference_text(row.difference, row.half))]
        lines.append([row.other, *means, p, n, row.verdict])
    return Fitted(header, lines)


def _about(one: Verdict) -> list[str]:
    """Say what must be known of a comparison: the test, what would decide, where the runs come from."""
    from lnlbench.leaderboard.ranking.notes import common_to_all

    borrowed = sorted(row.borrowed for row in one.rows if row.borrowed)
    spread = "nothing borrowed from other methods"
    if borrowed:
        worth = " to ".join(dict.fromkeys(f"{value:.1f}" for value in (borrowed[0], borrowed[-1])))
        spread = f"variances partly borrowed from other methods, worth {worth} replicates"
    lines = [f"Rule {one.rule}; Welch's t test, {spread}; p by Holm over the baselines of a setting."]
    if common := {row.setting: row.common for row in one.rows if row.common}:
        lines.append(f"{common_to_all(common)}, and no part of the test.")
    if equal := [row for row in one.rows if row.practically_equal]:
        lines.append(
            f"Practically equal: the whole interval lies within ± {equal[0].margin:g} points (`--margin`); more runs "
            "are not needed."
        )
    if open_rows := [row for row in one.rows if row.open]:
        needs = [
            f"{row.setting} {row.other} " + (f"at {row.needed} replicates" if row.needed else "not by more runs")
            for row in open_rows
        ]
        lines.append(f"What would decide at the gaps seen: {'; '.join(needs)}.")
    made = f"{one.made} run{'s' if one.made != 1 else ''} made"
    lines.append(f"{made}, {one.from_store} from the store, {one.from_package} from the package.")
    return [*lines, *one.notes, *(f"Not reused: {why}." for why in one.not_reused)]


def verdicts(reports: Sequence[conformance.Report]) -> Any:
    """Conformance reports as tables, and what to do next."""
    from rich.console import Group

    parts: list[Any] = []
    for one in reports:
        faults = "no fault" if not one.faults else "1 fault" if one.faults == 1 else f"{one.faults} faults"
        parts += [table(one.rows()), Text(f"{one.method}: {faults}, in {one.seconds:.0f} s.")]
    return Group(*parts)


def cell_text(value: Any) -> str:
    """Return a value as a cell of a table shows it."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)
