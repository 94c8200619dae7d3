"""How far the order of methods under one noise is their order under another (Spearman's correlation of ranks)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from lnlbench.leaderboard.ranking.scored import scored
from lnlbench.leaderboard.results.markdown import table
from lnlbench.leaderboard.results.result import Result

LEGEND = (
    "Above, the correlation of the orders by the means over the replicates; below it, the least and the largest of "
    "single replicates. That is no confidence interval: a mean has less noise than its replicates, so that orders by "
    "means may agree more than those of any single one. *On the diagonal*, the mean correlation of two replicates."
)
Scores = Mapping[str, Mapping[str, Mapping[int, float]]]


def to_markdown(runs: Sequence[Result], rule: str) -> str:
    """Return the correlations of every two settings as a table, below it how far one setting agrees with itself.

    Of methods that are trained themselves, never diverged and have the same replicates in all settings. The order in a
    setting is that of means over replicates; below it the least and the largest correlation of single replicates.
    Of one setting with itself it is the mean over pairs of replicates: what another noise is to be held against.
    """
    found = scored(runs, rule)
    kept = _kept(found.scores, [name for name in found.candidates if found.hosts[name] is None], found.settings)
    kept = {name: cells for name, cells in kept.items() if not any(found.diverged(name, s) for s in found.settings)}
    settings = list(found.settings)
    values = np.array([[list(kept[name][s].values()) for name in kept] for s in settings])  # [s, m, n]
    rows = []
    for i, setting in enumerate(settings):
        cells = [_with_itself(values[i]) if i == j else _of(values[i], values[j]) for j in range(len(settings))]
        rows.append([_short(setting), *(cells[j] if j >= i else "" for j in range(len(settings)))])
    said = f"{len(kept)} methods, {values.shape[2]} replicates, rule `{rule}`. {LEGEND}"
    return f"{table(['', *map(_short, settings)], rows, 'l' + 'r' * len(settings))}\n\n{said}\n"


def _kept(scores: Scores, names: Sequence[str], settings: Sequence[str]) -> Scores:
    """Return the scores of those methods that have the same replicates everywhere, as most have, in their order."""
    held = {name: frozenset.intersection(*(frozenset(scores[name].get(s, {})) for s in settings)) for name in names}
    most = max((len(replicates) for replicates in held.values()), default=0)
    common = frozenset.intersection(*(replicates for replicates in held.values() if len(replicates) == most))
    whole = [name for name in names if held[name] >= common]
    return {name: {s: {i: scores[name][s][i] for i in sorted(common)} for s in settings} for name in whole}


def _of(one: np.ndarray, other: np.ndarray) -> str:
    single = [_spearman(a, b) for a, b in zip(one.T, other.T, strict=True)]
    said = f"{_spearman(one.mean(1), other.mean(1)):.2f}<br>{min(single):.2f} to {max(single):.2f}"
    return said.replace("-", "−")


def _with_itself(one: np.ndarray) -> str:
    return f"*{np.mean([_spearman(a, b) for a, b in combinations(one.T, 2)]):.2f}*".replace("-", "−")


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)


def _short(setting: str) -> str:
    return setting.partition("/")[2].replace("-", " ")
