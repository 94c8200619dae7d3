"""Results sorted into rows and scored under one rule: what boards are computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lnlbench.leaderboard.ranking.compare import Scores
from lnlbench.leaderboard.ranking.grid import Grid, Note, sort_into_grid
from lnlbench.leaderboard.results.references import split_references
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import applies, can_score, rule_named, score
from lnlbench.leaderboard.results.setting_name import SettingName

REFERENCE = "ce"
"""The method that all are held against: plain cross-entropy, whose full text is its name."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Rows by name, those that are references to a shorter setting among them.

    `scores` are row → setting → replicate → accuracy in percent, `hosts` row → the row that it is read off (None for
    runs of their own), `same` the readings that are no other than their host under this rule, `longer` the references.
    What has no score, a reading without its host, is in the grid alone.
    """

    grid: Grid
    scores: Mapping[str, Mapping[str, Scores]]
    hosts: Mapping[str, str | None]
    same: frozenset[str]
    longer: frozenset[str]
    settings: tuple[str, ...]
    reference: str | None
    notes: tuple[Note, ...]

    @property
    def candidates(self) -> list[str]:
        """Return the rows that may be compared."""
        return [name for name in self.grid if name not in self.same | self.longer]

    def runs(self, name: str) -> list[Result]:
        """Return all results of a row."""
        return [run for runs in self.grid[name].values() for run in runs.values()]

    def unscored(self, name: str) -> int:
        """Return how many results of a row have no score under this rule: readings without their hosts."""
        return sum(len(runs) - len(self.scores[name].get(setting, ())) for setting, runs in self.grid[name].items())

    def diverged(self, name: str, setting: str) -> int:
        """Return how many runs of a cell diverged."""
        return sum(run.diverged for run in self.grid[name].get(setting, {}).values())

    def as_host(self, name: str, setting: str) -> bool:
        """Return whether a cell has the scores of the runs that it was read off."""
        host = self.hosts[name]
        if host is None:
            return False
        return self.scores[name][setting].items() <= self.scores.get(host, {}).get(setting, {}).items()


def measurable(results: Sequence[Result], rule: str) -> bool:
    """Return whether a rule gives any of these results a score."""
    by_key = {result.key: result for result in results}
    return any(applies(rule, result) and can_score(result, rule, by_key) for result in results)


def scored(results: Sequence[Result], rule: str) -> Scored:
    """Return results in rows, scored under a rule.

    Args:
        results: in order of age; of several results of one method, setting and replicate the last one counts.
        rule: name of one of `RULES` or `DETECTION`.
    """
    ranked, references = split_references([result for result in results if applies(rule, result)])
    grid, notes = sort_into_grid(ranked)
    longer, _ = sort_into_grid(references)
    by_key = {result.key: result for result in results}  # references too have hosts
    every = grid | longer
    names = {run.key: name for name, cells in every.items() for runs in cells.values() for run in runs.values()}
    scores = {name: _scores(cells, rule, by_key) for name, cells in every.items()}
    hosts = {name: _host(cells, names) for name, cells in every.items()}
    found = Scored(
        grid=every,
        scores=scores,
        hosts=hosts,
        same=frozenset(),
        longer=frozenset(longer),
        settings=tuple(sorted({s for row in scores.values() for s in row}, key=lambda s: SettingName.parse(s).order)),
        reference=_reference(grid),
        notes=tuple(notes),
    )
    asked = rule_named(rule).of_method
    same = {
        name
        for name in grid
        if hosts[name] is not None and (not asked or all(found.as_host(name, s) for s in grid[name]))
    }
    return Scored(**{**vars(found), "same": frozenset(same)})


def _scores(
    cells: Mapping[str, Mapping[int, Result]], rule: str, hosts: Mapping[str, Result]
) -> dict[str, dict[int, float]]:
    found = {
        s: {i: 100 * score(run, rule, hosts) for i, run in runs.items() if can_score(run, rule, hosts)}
        for s, runs in cells.items()
    }
    return {s: row for s, row in found.items() if row}


def _host(cells: Mapping[str, Mapping[int, Result]], names: Mapping[str, str]) -> str | None:
    """Return the row that a row is read off; an empty name where its host is missing, None where it is no reading."""
    keys = [run.host for runs in cells.values() for run in runs.values()]
    if None in keys:
        return None
    return next((names[key] for key in keys if key is not None and key in names), "")


def _reference(grid: Grid) -> str | None:
    if REFERENCE in grid:
        return REFERENCE
    alone = (name for name, cells in grid.items() if _texts(cells) == {REFERENCE})
    return next(alone, None)


def _texts(cells: Mapping[str, Mapping[int, Result]]) -> set[str]:
    return {run.method for runs in cells.values() for run in runs.values()}
