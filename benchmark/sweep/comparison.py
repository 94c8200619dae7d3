"""A method against baselines: only what is missing is run, the rest comes from the store and from shipped results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lnlbench.benchmark.runs.estimate_recipe import ESTIMATED
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.sweep.comparison_plan import Comparison, planned
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import Report
from lnlbench.leaderboard.ranking.grid import data_of, other_data, sort_into_grid
from lnlbench.leaderboard.ranking.notes import doubt
from lnlbench.leaderboard.ranking.thresholds import MARGIN
from lnlbench.leaderboard.ranking.versus import Cells, Versus, versus
from lnlbench.leaderboard.results.comparable import comparable
from lnlbench.leaderboard.results.interval import difference_text
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, applies, can_score, rule_named, score
from lnlbench.leaderboard.store.reader import StoreReader

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
    doubtful: tuple[str, ...] = ()  # settings in which noisy validation chose the epochs and is not guaranteed
    apart: tuple[str, ...] = ()  # settings in which a baseline saw other labels, or another split
    left_out: str = ""  # why settings are, in a sentence; nothing where none is

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what else must be known, a sentence each."""
        left_out = [f"Left out: {self.left_out}."] if self.left_out else []
        return (*map(doubt, self.doubtful), *map(other_data, self.apart), *left_out)

    def frame(self) -> pd.DataFrame:
        """Return a row per setting and baseline; accuracies in percent, differences in points."""
        import pandas as pd

        return pd.DataFrame([row.json() for row in self.rows])

    def __repr__(self) -> str:
        rows = [f"{row.setting}: {self.method} against {row.other} {_said(row)}" for row in self.rows]
        return "\n".join([*rows, *self.notes])

    def _repr_html_(self) -> str:
        return str(self.frame().to_html(index=False, float_format="{:.2f}".format))

    def json(self) -> dict[str, Any]:
        """Return the verdict, JSON-able; accuracies in percent, differences in points."""
        runs = {"made": self.made, "from_store": self.from_store, "from_package": self.from_package}
        head = {"method": self.method, "rule": self.rule, "runs": runs, "not_reused": list(self.not_reused)}
        head["notes"] = list(self.notes)
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
    told: str = ESTIMATED,
    margin: float = MARGIN,
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
        told: how methods and baselines are told what they must know, as in `grid`.
        margin: points within which two methods are practically equal.
        say: is told, before anything is trained, why shipped results are made again, and which settings are left out.

    Raises:
        MethodError, SettingError, FactError, DataError, StoreError: something does not exist or cannot be used, or the
            rule finds nothing to measure in any setting.
        RunsFailed: runs failed; what is finished is stored.
    """
    found = planned(method, against, targets, replicates, changes, options, precision, told, rule)
    for line in found.warnings:
        say(line)
    report = sweep(found.missing, found.options)
    report.check()
    held, carried, wanted = found.held, found.carried, found.wanted
    hosts = {run.host.key for run in found.runs if run.host is not None and run.key in wanted}
    asked = [run.key for run in found.runs if run.key in wanted | hosts]
    made = [key for key in asked if key not in held.keys() | carried.keys()]
    with StoreReader(found.options.store) as store:
        every = {**carried, **held, **dict(zip(made, store.results_of(made), strict=True))}
    results = {run.key: every[run.key] for run in found.runs if run.key in wanted}
    cells, beside, unstable = _cells(found.runs, results, list(every.values()), rule)
    counts = (len(report.done), sum(key in held for key in wanted), sum(key in carried.keys() - held for key in wanted))
    doubtful = _doubtful(results.values(), rule)

    def verdict(name: str) -> Verdict:
        apart = _apart(name, found, results)
        rows = tuple(versus(cells, name, found.others, beside, unstable, apart, margin))
        return Verdict(name, rule, rows, *counts, found.not_reused, doubtful, tuple(apart), found.left_out)

    return [verdict(name) for name in found.names]


def _doubtful(results: Iterable[Result], rule: str) -> tuple[str, ...]:
    """Return the settings in which noisy validation chooses the epochs and is not guaranteed to choose well."""
    if not rule_named(rule).of_validation:
        return ()
    doubtful = (
        result.setting for result in results if not (result.identity.get("noise") or {}).get("guaranteed", True)
    )
    return tuple(dict.fromkeys(doubtful))


def _apart(name: str, found: Comparison, results: Mapping[str, Result]) -> dict[str, set[str]]:
    """Return by setting the others that saw other labels, or another split, than the method of that name.

    Code that draws noise is no part of a key, so that a stored run may be of what it drew before an edit.
    """
    seen = {
        (run.setting.name, run.replicate, run.name): data_of(results[run.key])
        for run in found.runs
        if run.key in results
    }
    apart: dict[str, set[str]] = {}
    for (setting, replicate, other), data in seen.items():
        if other in found.others and seen.get((setting, replicate, name), data) != data:
            apart.setdefault(setting, set()).add(other)
    return apart


def _said(row: Versus) -> str:
    tested = "" if row.p is None else f", p = {row.p:.3f} among {row.family}"
    return f"{difference_text(row.difference, row.half)} points{tested}: {row.verdict}"


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
    mine = {run.key: run.name for run in runs if run.key in results}
    kinds, labels = {comparable(result) for result in results.values()}, set(mine.values())
    texts = {result.method for result in results.values()}  # a method may be stored under several labels
    others = [
        result
        for result in known
        if comparable(result) in kinds and result.label not in labels and result.method not in texts
    ]
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
