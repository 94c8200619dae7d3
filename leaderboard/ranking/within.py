"""All that is tested within one setting: every pair of methods, and the ranks, groups and needs that follow."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from lnlbench.leaderboard.ranking.board import Pair
from lnlbench.leaderboard.ranking.letters import groups, letters
from lnlbench.leaderboard.ranking.power import paired_spread, replicates_needed
from lnlbench.leaderboard.ranking.statistics import Scores, compare_all, higher, ranks_of


@dataclass(frozen=True)
class Within:
    """The tests of one setting; ranks and letters are None where one of the pairs could not be tested."""

    means: Mapping[str, float]
    pairs: tuple[Pair, ...]
    ranks: Mapping[str, int] | None
    letters: Mapping[str, str] | None  # empty where the groups are too many
    groups: int | None  # how many there are
    needed: int | None  # replicates that a difference of half a point would take

    def rank(self, name: str) -> int | None:
        """The rank of a method, None where it has none."""
        return None if self.ranks is None else self.ranks.get(name)

    def letter(self, name: str) -> str | None:
        """The groups of a method, None where it has none."""
        return None if self.letters is None else self.letters.get(name)


def within(methods: Mapping[str, Scores], alpha: float = 0.05) -> Within:
    """Compare every two methods of one setting: paired t, p by Holm over all pairs.

    Args:
        methods: the scores of every method, none of them empty.
        alpha: level of the tests.
    """
    means = {name: math.fsum(scores.values()) / len(scores) for name, scores in methods.items()}
    order = sorted(means, key=lambda name: (-means[name], name))
    tests = compare_all({name: methods[name] for name in order})
    pairs = [
        Pair(a, b, test.difference, test.half, test.p, test.n)
        for a, b in combinations(order, 2)
        if (test := tests.get((a, b))) is not None
    ]
    better = higher(tests, order, alpha)
    ranks = {name: rank for name, rank in ranks_of(better, order).items() if rank is not None}
    cliques = None if better is None else groups(order, better)
    spread = paired_spread(methods)
    return Within(
        means,
        tuple(pairs),
        ranks or None,
        None if cliques is None else letters(order, cliques),
        None if cliques is None else len(cliques),
        None if spread is None else replicates_needed(spread, alpha / math.comb(len(order), 2)),
    )
