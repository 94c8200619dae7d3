"""Compact letters: two names share a letter if and only if nothing tells them apart, and no letter is superfluous."""

from itertools import combinations

import networkx
import numpy as np
import pytest

from lnlbench.leaderboard.ranking.letters import LEGIBLE, groups, letters


@pytest.mark.parametrize(
    ("different", "expected"),
    [
        pytest.param(set(), {"x": "a", "y": "a", "z": "a"}, id="nothing differs"),
        pytest.param({("x", "z")}, {"x": "a", "y": "ab", "z": "b"}, id="the middle belongs to both"),
        pytest.param({("z", "x")}, {"x": "a", "y": "ab", "z": "b"}, id="the order of a pair means nothing"),
        pytest.param({("x", "y"), ("y", "z"), ("x", "z")}, {"x": "a", "y": "b", "z": "c"}, id="all differ"),
        pytest.param({("x", "y")}, {"x": "a", "y": "b", "z": "ab"}, id="a group need not be contiguous"),
    ],
)
def test_by_hand(different, expected):
    assert letters("xyz", groups("xyz", different)) == expected


@pytest.mark.parametrize("seed", range(8))
def test_against_networkx_on_random_tables(seed):
    rng = np.random.default_rng(seed)
    names = [f"m{i}" for i in range(rng.integers(1, 12))]
    different = {pair for pair in combinations(names, 2) if rng.uniform() < 0.4}
    graph = networkx.Graph()
    graph.add_nodes_from(names)
    graph.add_edges_from(set(combinations(names, 2)) - different)
    cliques = groups(names, different)
    assert {frozenset(group) for group in cliques} == set(map(frozenset, networkx.find_cliques(graph)))
    found = letters(names, cliques)
    for a, b in combinations(names, 2):
        assert bool(set(found[a]) & set(found[b])) == (len(cliques) <= LEGIBLE and (a, b) not in different)


def test_nobody_has_no_letters():
    assert letters([], []) == {}
    assert groups([], set()) == []


def test_letters_end_where_nobody_could_read_them():
    names = [f"{i:03}" for i in range(LEGIBLE + 1)]
    for count in (LEGIBLE, LEGIBLE + 1):
        few = names[:count]
        found = letters(few, groups(few, set(combinations(few, 2))))
        assert len(set(found.values())) == (count if count <= LEGIBLE else 1)
    assert set(found.values()) == {""}
