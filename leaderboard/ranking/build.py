"""Builds boards from results: cells, tests, ranks and notes."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np

from lnlbench.leaderboard.ranking.across import compare_across, mean_rank_intervals
from lnlbench.leaderboard.ranking.board import Board, Cell, Row
from lnlbench.leaderboard.ranking.budget import with_search
from lnlbench.leaderboard.ranking.column import column
from lnlbench.leaderboard.ranking.grid import sort_into_grid
from lnlbench.leaderboard.ranking.letters import groups, letters
from lnlbench.leaderboard.ranking.notes import notes
from lnlbench.leaderboard.ranking.statistics import complete_settings, interval, mean_ranks
from lnlbench.leaderboard.ranking.within import Within, within
from lnlbench.leaderboard.results.references import split_references
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import PRIMARY, RANKED, cyclic, rule_named, score

ALPHA = 0.05
Group = tuple[int, str, str]
"""Protocol version, length and track: what must never be ranked together."""


def boards(
    results: Iterable[Result],
    rules: Sequence[str] = (PRIMARY,),
    show: Collection[str] | None = None,
    *,
    seed: int = 0,
) -> list[Board]:
    """Return one board per protocol version, length, track and rule: what must not be ranked together is not mixed.

    Args:
        results: in order of age; of several results of one method, setting and replicate the last one counts.
        rules: names of `RULES`.
        show: the rows to keep, by name. Ranks and tests are made before: hiding a method changes no number.
        seed: of the bootstrap.

    Raises:
        ValueError: an unknown rule.
    """
    for name in rules:
        rule_named(name)
    found = grouped(results)
    return [build(found[group], rule, show, seed=seed) for group in sorted(found) for rule in rules]


def grouped(results: Iterable[Result]) -> dict[Group, list[Result]]:
    """Sort results by what must not be ranked together."""
    found: dict[Group, list[Result]] = defaultdict(list)
    for result in results:
        found[result.protocol, result.length, result.track].append(result)
    return dict(found)


def build(results: Sequence[Result], rule: str, show: Collection[str] | None = None, *, seed: int = 0) -> Board:
    """Return the board of results that may be ranked together.

    Raises:
        ValueError: no results, an unknown rule, or results of different protocol versions, lengths or tracks.
    """
    rule_named(rule)
    kinds = set(grouped(results))
    if len(kinds) != 1:
        raise ValueError(f"a board needs results of one protocol, length and track; got {sorted(kinds) or 'none'}")
    results, references = split_references(results)
    grid, found_notes = sort_into_grid(results)
    longer, _ = sort_into_grid(references)
    hosts = {result.key: result for result in results}
    readings = {name for name, cells in grid.items() if all(r.host for row in cells.values() for r in row.values())}
    scores = {
        name: {s: {i: score(run, rule, hosts) for i, run in runs.items()} for s, runs in cells.items()}
        for name, cells in (grid | longer).items()
    }
    ranked = [name for name in grid if rule in RANKED and (rule == "final" or name not in readings)]
    settings = list(dict.fromkeys(result.setting for result in results))
    by_setting = {setting: {name: scores[name].get(setting, {}) for name in ranked} for setting in settings}
    counted = complete_settings(by_setting, ranked) if ranked else settings
    tested = {setting: within(by_setting[setting], ALPHA) for setting in counted if ranked}
    places = {setting: test.ranks for setting, test in tested.items() if test.ranks is not None}
    mean_rank = mean_ranks(places, ranked)
    spans = mean_rank_intervals(places, ranked, np.random.default_rng(seed))
    across = compare_across({setting: test.means for setting, test in tested.items()}, ranked, ALPHA)

    rows = []
    for name, cells in (grid | longer).items():
        same = name in readings and rule != "final"
        made = {s: _cell(scores[name][s], runs, tested.get(s), name, same, rule) for s, runs in cells.items()}
        runs = [run for row in cells.values() for run in row.values()]
        averaged = [made[setting].mean for setting in counted if setting in made]
        rows.append(
            Row(
                name=name,
                methods=tuple(dict.fromkeys(run.method for run in runs)),
                told=tuple(sorted({told for run in runs for told in run.told})),
                networks=max(run.networks for run in runs),
                reading=name in readings,
                cells=made,
                mean_rank=mean_rank.get(name),
                average=math.fsum(averaged) / len(averaged) if len(averaged) == len(counted) > 0 else None,
                rank_interval=spans.get(name),
                reference=name in longer,
            )
        )
    rows.sort(key=lambda row: (math.inf if row.mean_rank is None else row.mean_rank, -_mean_of(row), row.name))
    names = [row.name for row in rows if row.name in ranked]
    cliques = groups(names, across.higher) if across.decidable else []
    if across.decidable:
        shared = letters(names, cliques)
        rows = [replace(row, letters=shared.get(row.name)) for row in rows]
    columns = []
    for setting in settings:
        test, runs = tested.get(setting), [result for result in results if result.setting == setting]
        more = (test.needed, test.pairs, test.groups) if test else ()
        columns.append(column(setting, runs, setting in counted, *more))
    found_notes += notes(rule, columns, [row for row in rows if row.name in ranked], rows, across, len(cliques))
    if rule == "mean10" and (cycles := sorted({run.label for run in (*results, *references) if cyclic(run)})):
        found_notes.append(f"Means of ten epochs within a cycle of the learning rate: {', '.join(cycles)}.")
    kept = tuple(row for row in rows if show is None or row.name in show)
    return Board(*kinds.pop(), rule, tuple(columns), kept, tuple(found_notes), across)


def _cell(
    scores: dict[int, float], runs: dict[int, Result], test: Within | None, name: str, same: bool, rule: str
) -> Cell:
    spread = interval(list(scores.values()))
    diverged = sum(run.diverged for run in runs.values())
    rank, letter = (test.rank(name), test.letter(name)) if test else (None, None)
    pairs = (next(iter(runs.values())).identity.get("tuning") or {}).get("scores", ()) if rule == PRIMARY else ()
    searched = with_search(list(scores.values()), pairs)
    return Cell(spread.mean, spread.half, spread.n, rank, letter, diverged, same, searched)


def _mean_of(row: Row) -> float:
    if row.average is not None:
        return row.average
    return math.fsum(cell.mean for cell in row.cells.values()) / len(row.cells) - 1  # incomplete rows follow
