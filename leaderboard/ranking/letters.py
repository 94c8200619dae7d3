"""Compact letters: methods share a letter where no test tells them apart, one letter per maximal clique."""

from collections.abc import Mapping, Sequence, Set
from itertools import combinations
from string import ascii_lowercase

Pair = tuple[str, str]
LEGIBLE = 12  # groups that a reader can tell apart; three replicates of 38 methods have a hundred


def groups(names: Sequence[str], different: Set[Pair]) -> list[tuple[str, ...]]:
    """Return the maximal sets of names no two of which differ, each in the order of `names`, best-placed first.

    Args:
        names: in the order in which they are shown.
        different: pairs that a test tells apart, in either order.

    Source: maximal cliques by Bron and Kerbosch (1973) with Tomita's pivot (2006).
    """
    alike: dict[str, set[str]] = {name: set() for name in names}
    for a, b in combinations(names, 2):
        if (a, b) not in different and (b, a) not in different:
            alike[a].add(b)
            alike[b].add(a)
    cliques: list[set[str]] = []

    def grow(clique: set[str], candidates: set[str], done: set[str]) -> None:
        if not candidates and not done:
            cliques.append(clique)
            return
        pivot = max(candidates | done, key=lambda name: len(alike[name] & candidates))
        for name in sorted(candidates - alike[pivot]):
            grow(clique | {name}, candidates & alike[name], done & alike[name])
            candidates = candidates - {name}
            done = done | {name}

    if names:
        grow(set(), set(names), set())
    place = {name: i for i, name in enumerate(names)}
    ordered = [sorted(clique, key=place.__getitem__) for clique in cliques]
    return [tuple(clique) for clique in sorted(ordered, key=lambda clique: [place[name] for name in clique])]


def letters(names: Sequence[str], cliques: Sequence[Sequence[str]]) -> Mapping[str, str]:
    """Return each name's letters, of its `groups`: two share one if and only if they do not differ (Piepho, 2004).

    Where there are more groups than `LEGIBLE`, nobody has letters.
    """
    found = dict.fromkeys(names, "")
    for letter, group in zip(ascii_lowercase, cliques if len(cliques) <= LEGIBLE else (), strict=False):
        for name in group:
            found[name] += letter
    return found
