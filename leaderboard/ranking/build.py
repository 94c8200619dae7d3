"""Builds boards from results: rows, cells, tests and what they say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from lnlbench.leaderboard.ranking.board import Board, Cell, Column, Row, Status, Tests
from lnlbench.leaderboard.ranking.budget import searched
from lnlbench.leaderboard.ranking.column import column
from lnlbench.leaderboard.ranking.compare import Scores, common, compare, with_diverged
from lnlbench.leaderboard.ranking.eligible import Eligible, eligible
from lnlbench.leaderboard.ranking.notes import notes
from lnlbench.leaderboard.ranking.plan import plan
from lnlbench.leaderboard.ranking.scored import Scored, measurable, scored
from lnlbench.leaderboard.ranking.sentences import sentences
from lnlbench.leaderboard.ranking.shown import shown
from lnlbench.leaderboard.ranking.thresholds import ALPHA, MARGIN
from lnlbench.leaderboard.results.command import plugins_of
from lnlbench.leaderboard.results.precision import precision_of
from lnlbench.leaderboard.results.references import base
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, RANKED, rule_named
from lnlbench.leaderboard.results.standing import Standings, together

Group = tuple[str, int, str, str]
"""Suite, protocol version, length and track: what is never compared together."""

Suites = Mapping[str, Collection[str]]
"""Name of a suite → the settings that it lists."""


def boards(
    results: Iterable[Result],
    rules: Sequence[str] = (PRIMARY,),
    show: Collection[str] | None = None,
    *,
    suites: Suites | None = None,
    margin: float = MARGIN,
    complete: bool = False,
    standings: Standings | None = None,
) -> list[Board]:
    """Return one board per suite, protocol version, length, track and rule: what must not be compared is not mixed.

    A suite in which a rule finds nothing to measure, such as wrong labels among clean ones or readings without their
    hosts alone, has no board under it.

    Args:
        results: in order of age; of several results of one method, setting and replicate the last one counts.
        rules: names of `RULES`.
        show: the rows to keep, by their names or those of their methods. All is tested before: hiding a method changes
            no number, but sentences and notes are of the rows that are left. A board without one of them is none.
        suites: which settings share a board; by default those of one task, what stands before the slash.
        margin: points within which two methods are practically equal.
        complete: whether only settings count that all methods have.
        standings: how far results were checked, by key, where that is kept.

    Raises:
        ValueError: an unknown rule.
    """
    for name in rules:
        rule_named(name)
    groups = grouped(results, suites)
    made = partial(build, show=show, margin=margin, complete=complete, standings=standings)
    every = (
        made(groups[group], rule, suite=group[0])
        for group in sorted(groups)
        for rule in rules
        if measurable(groups[group], rule)
    )
    return [board for board in every if show is None or board.rows or board.below]


def grouped(results: Iterable[Result], suites: Suites | None = None) -> dict[Group, list[Result]]:
    """Sort results by what is never compared together: suite, protocol version, length and track."""
    every = list(results)
    settings = {result.setting for result in every}
    suite_of = {setting: name for name, members in (suites or {}).items() for setting in members}
    groups: dict[Group, list[Result]] = defaultdict(list)
    for result in every:
        # A run of a multiple of a setting's length is a reference beside that setting.
        setting = base(result.setting) if base(result.setting) in settings else result.setting
        suite = suite_of.get(setting, setting.partition("/")[0])
        groups[suite, result.protocol, result.length, result.track].append(result)
    return dict(groups)


def build(
    results: Sequence[Result],
    rule: str,
    show: Collection[str] | None = None,
    *,
    suite: str = "",
    margin: float = MARGIN,
    alpha: float = ALPHA,
    complete: bool = False,
    standings: Standings | None = None,
) -> Board:
    """Return the board of results that may be compared.

    Args:
        results: of one protocol version, length and track; in order of age.
        rule: name of one of `RULES`.
        show: as for `boards`.
        suite: the board's name; by default the tasks of the results.
        margin: as for `boards`.
        alpha: level of every family of tests.
        complete: as for `boards`.
        standings: as for `boards`.

    Raises:
        ValueError: no results, none that the rule gives a score, an unknown rule, or results of different protocol
            versions, lengths or tracks.
    """
    rule_named(rule)
    kinds = {(result.protocol, result.length, result.track) for result in results}
    if len(kinds) != 1:
        raise ValueError(f"a board needs results of one protocol, length and track; got {sorted(kinds) or 'none'}")
    if not measurable(results, rule):
        raise ValueError(f"the rule {rule!r} finds nothing to measure in these {len(results)} results")
    found = scored(results, rule)
    chosen = eligible(found.scores, found.candidates, found.settings, complete)
    table = _Table(found, chosen, chosen.rows if rule in RANKED and chosen.least > 1 else (), margin, alpha)
    cells = {setting: table.setting(setting) for setting in found.settings}
    settings = sorted(found.settings, key=lambda setting: setting not in chosen.counted)
    columns = [_column(found, setting, setting in chosen.counted, *cells[setting]) for setting in settings]
    scores, tests = table.overall() if len(chosen.counted) != 1 else cells[chosen.counted[0]]
    by_name = {
        name: {s: _searched(of[name], found.grid[name][s], rule) for s, (of, _) in cells.items() if name in of}
        for name in found.grid
    }
    held = {name: _standing(found, name, standings) for name in found.grid}
    rows = [
        replace(_row(found, chosen, name, scores.get(name), by_name[name]), standing=held[name]) for name in found.grid
    ]
    board = Board(
        suite=suite or ", ".join(dict.fromkeys(setting.partition("/")[0] for setting in found.settings)),
        protocol=results[0].protocol,
        length=results[0].length,
        track=results[0].track,
        rule=rule,
        reference=found.reference,
        margin=margin,
        alpha=alpha,
        columns=tuple(columns),
        rows=_in_order(row for row in rows if row.status in ("ranked", "same")),
        below=_in_order(row for row in rows if row.status in ("incomplete", "reference")),
        tests=tests,
    )
    board = replace(board, plan=plan(board, found))
    part, some = (board, found) if show is None else shown(board, found, show)
    said = (*(note.text for note in some.notes), *notes(part, some))
    return replace(part, sentences=tuple(sentences(part, board, found)), notes=said)


class _Table:
    """Compares the rows of a board, column by column."""

    def __init__(self, found: Scored, chosen: Eligible, compared: Sequence[str], margin: float, alpha: float) -> None:
        self.found, self.chosen, self.margin, self.alpha = found, chosen, margin, alpha
        self.compared = compared
        # Rows that lack a counted setting may still be compared in a setting that does not count.
        self.able = found.candidates if compared else ()

    def setting(self, setting: str) -> tuple[dict[str, Cell], Tests | None]:
        """Return the cells of one setting, and its tests."""
        scores = {name: row[setting] for name, row in self.found.scores.items() if setting in row}
        rows = self.compared if setting in self.chosen.counted else self.able
        who = [name for name in rows if len(scores.get(name, ())) > 1]
        lost = {name: self.found.diverged(name, setting) for name in scores}
        cells, tests = self._compare(scores, who, lost, trend=True)
        same = {name: self.found.as_host(name, setting) for name in cells}
        return {name: replace(cell, same_as_host=same[name]) for name, cell in cells.items()}, tests

    def overall(self) -> tuple[dict[str, Cell], Tests | None]:
        """Return the cells of the mean over the counted settings, replicate by replicate, and their tests."""
        counted = self.chosen.counted
        rows = {
            name: common([row[setting] for setting in counted])
            for name, row in self.found.scores.items()
            if counted and all(setting in row for setting in counted)
        }
        scores = {name: row for name, row in rows.items() if row}
        lost = {name: sum(self.found.diverged(name, setting) for setting in counted) for name in scores}
        return self._compare(scores, self.compared, lost, trend=False)

    def _compare(
        self, scores: Mapping[str, Scores], who: Collection[str], lost: Mapping[str, int], *, trend: bool
    ) -> tuple[dict[str, Cell], Tests | None]:
        own = [name for name in who if self.found.hosts[name] is None]
        cells, tests = compare(
            scores,
            who,
            sources=[name for name in own if not lost[name]],
            reference=self.found.reference,
            family=own,
            trend=trend,
            margin=self.margin,
            alpha=self.alpha,
        )
        return with_diverged(cells, lost), tests


def _column(found: Scored, setting: str, counted: bool, cells: Mapping[str, Cell], tests: Tests | None) -> Column:
    own = [name for name in cells if name not in found.longer] or list(cells)
    runs = [run for name in own for run in found.grid[name][setting].values()]
    usual = Counter(cells[name].n for name in own).most_common(1)[0][0]
    return column(setting, runs, counted=counted, n=usual, tests=tests)


def _row(found: Scored, chosen: Eligible, name: str, score: Cell | None, cells: dict[str, Cell]) -> Row:
    runs = found.runs(name)
    status: Status = "ranked" if name in chosen.rows else "incomplete"
    if name in found.longer:
        status = "reference"
    elif name in found.same and score is not None:
        status = "same"
    return Row(
        name=name,
        methods=tuple(dict.fromkeys(run.method for run in runs)),
        told=tuple(sorted({told for run in runs for told in run.told})),
        precisions=tuple(sorted({precision_of(run) for run in runs})),
        networks=max(run.networks for run in runs),
        plugins=tuple(dict.fromkeys(file for run in runs for file in plugins_of(run))),
        status=status,
        reading=found.hosts[name] is not None,
        host=found.hosts[name] or None,
        score=None if status == "incomplete" else score,
        cells=cells,
        have=chosen.have.get(name, sum(setting in cells for setting in chosen.counted)),
    )


def _standing(found: Scored, name: str, standings: Standings | None) -> str:
    return together(standings[run.key] for run in found.runs(name) if run.key in standings) if standings else ""


def _in_order(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows by their mean, best first; those without one follow, by how much they have; a reading follows its host."""

    def place(row: Row) -> tuple[float, float, bool, str]:
        cells = row.cells.values()
        mean = row.score.mean if row.score else sum(cell.mean for cell in cells) / max(1, len(cells)) - 1000
        return -mean, -row.have, row.status == "same", row.name

    return tuple(sorted(rows, key=place))


def _searched(cell: Cell, runs: Mapping[int, Result], rule: str) -> Cell:
    """Return the cell, of a tuned method with the interval that includes the search."""
    first = next(iter(runs.values()))
    tuning = (first.identity.get("tuning") or {}) if rule == PRIMARY else {}
    return replace(cell, searched=searched(tuning, cell, first.track))
