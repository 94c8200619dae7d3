"""A method against baselines: only what is missing is run, the rest comes from the store and from shipped results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lnlbench.benchmark.protocol.keys import PROTOCOL
from lnlbench.benchmark.protocol.settings import SettingError, default_replicates, find
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.plugins import choose_methods
from lnlbench.benchmark.sweep.scheduler import Report
from lnlbench.leaderboard.ranking.grid import sort_into_grid
from lnlbench.leaderboard.ranking.versus import Cells, Versus, versus
from lnlbench.leaderboard.results.precision import precision_of
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, applies, can_score, rule_named, score
from lnlbench.leaderboard.results.setting_name import SettingName
from lnlbench.leaderboard.shipped import shipped
from lnlbench.leaderboard.store.reader import StoreReader
from lnlbench.methods._parse import parse

if TYPE_CHECKING:
    import pandas as pd

Sweep = Callable[[Sequence[Run], Options], Report]


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a comparison found, and where its runs came from."""

    method: str
    rule: str
    rows: tuple[Versus, ...]
    made: int
    from_store: int
    from_package: int
    not_reused: tuple[str, ...]  # why shipped results of these settings and methods do not count

    def frame(self) -> pd.DataFrame:
        """Return a row per setting and baseline; accuracies in percent, differences in points."""
        import pandas as pd

        return pd.DataFrame([row.json() for row in self.rows])

    def __repr__(self) -> str:
        return "\n".join(f"{row.setting}: {self.method} against {row.other} {_said(row)}" for row in self.rows)

    def _repr_html_(self) -> str:
        return str(self.frame().to_html(index=False, float_format="{:.2f}".format))

    def json(self) -> dict[str, Any]:
        """Return the verdict, JSON-able; accuracies in percent, differences in points."""
        runs = {"made": self.made, "from_store": self.from_store, "from_package": self.from_package}
        head = {"method": self.method, "rule": self.rule, "runs": runs, "not_reused": list(self.not_reused)}
        return {**head, "rows": [row.json() for row in self.rows]}


def compare(
    method: str,
    against: str,
    targets: Sequence[str],
    replicates: str,
    changes: Mapping[str, Any],
    options: Options,
    sweep: Sweep,
    rule: str = PRIMARY,
    precision: str = "auto",
    say: Callable[[str], None] = lambda line: None,
) -> list[Verdict]:
    """Compare methods with baselines, each on the same replicates.

    Args:
        method: a file, which may register several methods, or a text.
        against: baselines, separated by commas.
        targets: suites and settings.
        replicates: as in "0-4"; where empty those that all baselines have already, or the suites' own.
        changes: fields of the settings to change.
        options: how runs are executed, and the store.
        sweep: makes the missing runs.
        rule: that scores.
        precision: as in `fit`.
        say: is told, before anything is trained, why shipped results are made again.

    Raises:
        MethodError, SettingError, DataError, StoreError: something does not exist or cannot be used.
        RunsFailed: runs failed; what is finished is stored.
    """
    try:
        rule_named(rule)
    except ValueError as error:
        raise SettingError(str(error)) from None
    mine = choose_methods(method, options.plugins)
    others = choose_methods(against, mine.plugins)
    options = replace(options, plugins=others.plugins)
    names = [name for name in mine.texts if name not in others.texts] or [*mine.texts]
    texts = [text for text in others.texts if text not in names]
    if not names or not texts:
        raise SettingError(
            f"a comparison needs a method and other ones to hold it against, got {mine.text!r} and {others.text!r}"
        )
    for text in (*names, *texts):
        parse(text)  # a wrong name is said before any data are read
    suites = {SettingName.parse(setting.name).task for setting in find(targets)}
    carried = {result.key: result for result in shipped(suites=suites)}
    held: dict[str, Result] = {}
    if options.store.exists:
        with StoreReader(options.store) as store:
            held = {result.key: result for result in store.results()}
    known = held.keys() | carried.keys()

    def runs_of(texts: Sequence[str], replicates: str) -> list[Run]:
        return grid(targets, ", ".join(texts), replicates, changes, options, precision=precision)

    chosen = replicates or _common(runs_of(texts, "0-9"), known) or default_replicates()
    runs = runs_of([*names, *texts], chosen)
    wanted = {run.key for run in runs if run.label in {*names, *texts}}
    needed = {run.key for run in runs if run.key in wanted and run.key not in known}
    hosts = {run.key: run.host.key for run in runs if run.host is not None and run.key in wanted}
    needed |= {host for key, host in hosts.items() if key in needed or host not in known}
    why = tuple(_mismatches([run for run in runs if run.key in needed], carried.values()))
    for reason in why:
        say(f"not reused: {reason}")
    report = sweep([run for run in runs if run.key in needed], options)
    report.check()
    with StoreReader(options.store) as store:
        made = [run.key for run in runs if run.key in {*wanted, *hosts.values()} and run.key not in known]
        every = carried | held | dict(zip(made, store.results_of(made), strict=True))
    results = {key: every[key] for key in wanted}
    cells, beside, unstable = _cells(runs, results, list(every.values()), rule)
    counts = (len(report.done), sum(key in held for key in wanted), sum(key in carried.keys() - held for key in wanted))
    return [Verdict(name, rule, tuple(versus(cells, name, texts, beside, unstable)), *counts, why) for name in names]


def _said(row: Versus) -> str:
    half = "" if row.half is None else f" ± {row.half:.2f}"
    tested = "" if row.p is None else f", p = {row.p:.3f} among {row.family}"
    return f"{row.difference:+.2f}{half} points{tested}: {row.verdict}"


def _common(runs: Sequence[Run], known: set[str]) -> str:
    """Return the replicates that all of these settings and methods have, where there are two of them or more."""
    lacking = {run.replicate for run in runs if run.key not in known}
    found = sorted({run.replicate for run in runs} - lacking)
    return ",".join(map(str, found)) if len(found) > 1 else ""


def _cells(
    runs: Sequence[Run], results: Mapping[str, Result], known: Sequence[Result], rule: str
) -> tuple[Cells, Cells, dict[str, set[str]]]:
    """Return the scores of the runs, of all other methods of their settings, and who tells of no variance by setting.

    Args:
        runs: that are compared, with the hosts of readings among them.
        results: of the runs, by key.
        known: all results at hand, the hosts of readings among them.
        rule: that scores.
    """
    mine = {run.key: run.label for run in runs if run.key in results}
    kinds, labels = {_kind(result) for result in results.values()}, set(mine.values())
    others = [result for result in known if _kind(result) in kinds and result.label not in labels]
    hosts = {result.key: result for result in (*known, *results.values())}
    rows, _ = sort_into_grid(others)  # as on boards, two methods of one label are two rows
    named = [(name, run) for name, of in rows.items() for cell in of.values() for run in cell.values()]
    here: dict[str, dict[str, dict[int, float]]] = {}
    beside: dict[str, dict[str, dict[int, float]]] = {}
    unstable: dict[str, set[str]] = {}
    for name, result, cells in [
        *((mine[key], results[key], here) for key in mine),
        *((name, run, beside) for name, run in named if name not in labels),
    ]:
        if not applies(rule, result) or not can_score(result, rule, hosts):
            continue
        row = cells.setdefault(result.setting, {}).setdefault(name, {})
        row[result.replicate] = 100 * score(result, rule, hosts)
        if result.diverged or result.host is not None:
            unstable.setdefault(result.setting, set()).add(name)
    return here, beside, unstable


def _kind(result: Result) -> tuple[object, ...]:
    """Return what results must share for one to stand beside another."""
    return result.setting, result.track, result.length, result.protocol, precision_of(result)


def _mismatches(runs: Sequence[Run], carried: Iterable[Result]) -> list[str]:
    """Say why shipped results of the same setting, label and replicate are not the runs asked for, a line a reason.

    Where precision is all that differs, the line has the option that reuses them.
    """
    alike = {(result.setting, result.label, result.replicate): result for result in carried}
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}  # of a reason the labels and the settings, in order
    for run in runs:
        other = alike.get((run.setting.name, run.label, run.replicate))
        if other is None:
            continue
        was, now = other.identity.get("setting", {}), run.setting.identity()
        fields = sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name) and name != "task")
        reasons = [
            f"protocol {other.protocol}, not {PROTOCOL}" if other.protocol != PROTOCOL else "",
            f"{other.method}, not {run.text}" if other.method != run.text else "",
            "another " + ", ".join(fields) if fields else "",
        ]
        why = "; ".join(filter(None, reasons))
        if (held := precision_of(other)) != run.precision:
            option = "" if why else f" (`--precision {held}` reuses them)"
            why = "; ".join(filter(None, [why, f"{held}, not {run.precision}{option}"]))
        labels, settings = found.setdefault(why or "other data or labels", ({}, {}))
        labels[run.label] = settings[run.setting.name] = None
    return [
        f"the shipped results of {', '.join(labels)} on {', '.join(settings)} are of {why}"
        for why, (labels, settings) in found.items()
    ]
