"""What one view of the page is computed from: runs of one suite that may be compared."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lnlbench.leaderboard.ranking.board import Board, Column
from lnlbench.leaderboard.ranking.build import build, grouped
from lnlbench.leaderboard.ranking.cost import Cost, costs
from lnlbench.leaderboard.ranking.grid import sort_into_grid
from lnlbench.leaderboard.ranking.rule_switch import Switched, switch
from lnlbench.leaderboard.results.references import base, split_references
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import RULES
from lnlbench.leaderboard.results.standing import Standings


@dataclass(frozen=True)
class Scope:
    """A view: boards of the same runs under every rule, the rule switch and the cost of each method."""

    group: str  # "default, fast, protocol 1"
    suite: str
    boards: tuple[Board, ...]
    switched: tuple[Switched, ...]
    winners: tuple[str, ...]  # sentences: whether the rule decides who is first
    costs: tuple[Cost, ...]


def group_name(result: Result) -> str:
    """Return what must not be ranked together: the track, the length and the protocol version, in words."""
    return f"track {result.track}, length {result.length}, protocol {result.protocol}"


def noise_family(column: Column | Result) -> str:
    """Return the kind of noise without its rate: `symmetric` of `symmetric-0.5`."""
    return re.split(r"[-:]", column.noise)[0]


def suite_name(result: Result) -> str:
    """Return the suite that a result's board is of."""
    return base(result.setting).partition("/")[0]


def scopes(results: Sequence[Result], standings: Standings | None = None) -> list[Scope]:
    """Return the views of results, one per suite, protocol version, length and track.

    The family of tests of a view is fixed here: whatever a reader hides, no number changes.
    """
    return [_scope(group[0], runs, standings) for group, runs in sorted(grouped(results).items())]


def _scope(suite: str, runs: Sequence[Result], standings: Standings | None) -> Scope:
    boards = tuple(build(runs, rule, suite=suite, standings=standings) for rule in RULES)
    switched, winners = switch(boards)
    ranked, longer = split_references(runs)
    grid = sort_into_grid(ranked)[0] | sort_into_grid(longer)[0]
    spent = costs(grid, [column.setting for column in boards[0].counted])
    return Scope(group_name(runs[0]), suite, boards, tuple(switched), tuple(winners), tuple(spent))
