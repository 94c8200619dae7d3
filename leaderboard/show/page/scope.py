"""What one view of the page is computed from: runs that may be ranked together, of one data set or of all."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lnlbench.leaderboard.ranking.board import Board, Column
from lnlbench.leaderboard.ranking.build import build, grouped
from lnlbench.leaderboard.ranking.cost import Cost, cost
from lnlbench.leaderboard.ranking.grid import sort_into_grid
from lnlbench.leaderboard.ranking.rule_switch import Switched, switch
from lnlbench.leaderboard.results.references import split_references
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import RULES

ALL = "all"


@dataclass(frozen=True)
class Scope:
    """A view: boards of the same runs under every rule, the rule switch and the cost of each method."""

    group: str  # "default, fast, protocol 1"
    dataset: str  # or "all"
    boards: tuple[Board, ...]
    switched: tuple[Switched, ...]
    winners: tuple[str, ...]  # a sentence per setting whose winner the rule decides
    costs: tuple[Cost, ...]


def group_name(result: Result) -> str:
    """What must not be ranked together: the track, the length and the protocol version, in words."""
    return f"track {result.track}, length {result.length}, protocol {result.protocol}"


def noise_family(column: Column | Result) -> str:
    """The kind of noise without its rate: `symmetric` of `symmetric-0.5`."""
    return re.split(r"[-:]", column.noise)[0]


def scopes(results: Sequence[Result], seed: int = 0) -> list[Scope]:
    """Return the views of results: per group one of all its data sets, and one of each where there are several.

    The family of tests of a view is fixed here: whatever a reader hides, no number changes.
    """
    found = []
    for members in (runs for _, runs in sorted(grouped(results).items())):
        datasets = sorted({run.dataset for run in members})
        names = [ALL, *datasets] if len(datasets) > 1 else datasets
        for name in names:
            runs = [run for run in members if name in (ALL, run.dataset)]
            found.append(_scope(group_name(runs[0]), name, runs, seed))
    return found


def _scope(group: str, dataset: str, runs: Sequence[Result], seed: int) -> Scope:
    boards = tuple(build(runs, rule, seed=seed) for rule in RULES)
    switched, winners = switch(boards)
    ranked, longer = split_references(runs)
    grid = sort_into_grid(ranked)[0] | sort_into_grid(longer)[0]
    # Costs are compared over the settings that all methods have, as accuracies are.
    counted = [column.setting for column in boards[0].columns if column.counted]
    costs = [
        cost(name, {setting: list(cells[setting].values()) for setting in counted})
        for name, cells in grid.items()
        if counted and all(setting in cells for setting in counted)
    ]
    return Scope(group, dataset, boards, tuple(switched), tuple(winners), tuple(costs))
