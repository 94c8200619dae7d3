"""What a search of so many trials is worth: budget curves, and intervals that include the search."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lnlbench.leaderboard.ranking.board import Cell
from lnlbench.leaderboard.ranking.confirming import choose
from lnlbench.leaderboard.results.form import TUNED

Floats = npt.NDArray[np.float64]
Pairs = Sequence[tuple[float, float]]
"""Validation and test accuracy of each trial."""
RESAMPLES = 2000
ENDS = np.array([0.025, 0.975])
"""Of 95 % intervals, as levels."""


def expected(pairs: Pairs, size: int) -> float:
    """Return the expected test accuracy of the validation winner among `size` of the trials.

    Over all orders of the trials, exactly: of N sorted by validation, the r-th (from 0) wins among n drawn without
    replacement with probability C(N - 1 - r, n - 1) / C(N, n). Trials of equal validation win equally often.
    (With replacement this is the estimator of Dodge et al., "Show Your Work", EMNLP 2019.)

    Raises:
        ValueError: no such number of trials.
    """
    if not 1 <= size <= len(pairs):
        raise ValueError(f"the size of a search must be in 1 to {len(pairs)}, got {size}")
    validation, test = np.asarray(pairs, float).T
    chance = winning(len(pairs), size)
    order = np.argsort(-validation, kind="stable")
    _, group = np.unique(-validation[order], return_inverse=True)
    share = np.bincount(group, chance) / np.bincount(group)
    return float((share[group] * test[order]).sum())


def winning(count: int, size: int) -> Floats:
    """Return the probability of each of `count` trials, best first, to be the best of `size` drawn ones."""
    chance = np.zeros(count)
    left = size / count  # of the first: C(N - 1, n - 1) / C(N, n)
    for place in range(count - size + 1):
        chance[place] = left
        left *= (count - place - size) / max(1, count - 1 - place)
    return chance


def curve(pairs: Pairs) -> list[tuple[int, float, float, float]]:
    """Return n, expectation, and the ends of its 95 % bootstrap interval over trials, for n = 1, 2, 4, ... and all."""
    count = len(pairs)
    sizes = [*(2**i for i in range(count.bit_length()) if 2**i < count), count]
    _, test = _resampled(pairs)
    rows = []
    for size in sizes:
        means = (winning(count, size) * test).sum(1)
        low, high = np.quantile(means, ENDS)
        rows.append((size, expected(pairs, size), float(low), float(high)))
    return rows


def incumbents(pairs: Pairs) -> list[float]:
    """Return the test accuracy of the validation winner after each trial, in the order in which they were made."""
    best, found = -1.0, []
    for validation, test in pairs:
        if validation > best:
            best, now = validation, test
        found.append(now)
    return found


def searched(tuning: Mapping[str, Any], cell: Cell, track: str) -> tuple[float, float] | None:
    """Return the interval of a tuned method's mean that includes the search which its record tells of.

    Without a confirming stage as `with_search`, and so on every track but `tuned`, whose rows alone hold what was
    confirmed. There its draws are resampled, and the choice is made again: it covers the configurations that were
    confirmed. None where the cell has no interval.

    Args:
        tuning: what a record says of the search; nothing where it was none.
        cell: the method's, in percent.
        track: of its runs.
    """
    confirming = tuning.get("confirming") if track == TUNED else None
    if not confirming:
        return with_search(cell, [(validation, 100 * test) for validation, test in tuning.get("scores", ())])
    test = {row["trial"]: 100 * float(np.mean(row["test"])) for row in confirming}
    chosen = _rechosen(tuple((row["trial"], tuple(row["validation"])) for row in confirming))
    shift = np.array([test[number] for number in chosen]) - test[tuning["trial"]]
    return _ends(cell, shift)


def with_search(cell: Cell, pairs: Pairs) -> tuple[float, float] | None:
    """Return the interval of a tuned method's mean that includes the search; None where the cell has none.

    Another search would have chosen another winner: the trials are resampled, and the winner's test accuracy there
    minus that of the actual winner is added to the mean of the replicates and its t error. It covers the values that
    were tried, not those that were not.
    """
    if not pairs:
        return None
    _, test = _resampled(pairs)
    shift = test[:, 0] - incumbents(pairs)[-1]
    return _ends(cell, shift)


@lru_cache(maxsize=128)  # of the searches of a board: one may serve several settings
def _rechosen(draws: tuple[tuple[int, tuple[float, ...]], ...]) -> tuple[int, ...]:
    """Return which configuration each of `RESAMPLES` bootstrap samples of the fresh draws would have chosen."""
    count = len(draws[0][1])
    rows = np.random.default_rng([0, 0]).integers(0, count, (RESAMPLES, count))
    # A choice does not depend on the order of the draws: without it there are ten samples of three draws.
    samples = [tuple(row) for row in np.sort(rows, axis=1).tolist()]
    numbers = {
        sample: choose({number: [scores[draw] for draw in sample] for number, scores in draws}).number
        for sample in set(samples)
    }
    return tuple(numbers[sample] for sample in samples)


def _ends(cell: Cell, shift: Floats) -> tuple[float, float] | None:
    """Return the ends of the cell's interval where its mean may be shifted by any of these values, all as likely.

    They are quantiles of a mixture of t distributions, exactly, and never closer than those of the cell's own interval:
    no other interval of that width holds more of a distribution with one peak, and so none more of the mixture.
    """
    if cell.half is None or cell.freedom is None:
        return None
    from scipy import special  # 0.1 s to import, so not before it is needed

    places, counts = np.unique(shift, return_counts=True)
    own = special.stdtrit(cell.freedom, ENDS)
    scale = cell.half / own[1]
    low, high = places[0] + scale * own, places[-1] + scale * own  # [2], around each end
    for _ in range(60):  # bisection
        middle = (low + high) / 2
        mass = special.stdtr(cell.freedom, (middle[:, None] - places) / scale) @ counts / len(shift)
        low, high = np.where(mass < ENDS, middle, low), np.where(mass < ENDS, high, middle)
    first, last = (cell.mean + high).tolist()
    return first, last


def _resampled(pairs: Pairs) -> tuple[Floats, Floats]:
    """Return bootstrap samples of the trials [RESAMPLES, N], each sorted by validation, ties in random order."""
    generator = np.random.default_rng([0, 0])
    count = len(pairs)
    validation, test = np.asarray(pairs, float).T
    drawn = generator.integers(0, count, (RESAMPLES, count))
    order = np.lexsort((generator.random(drawn.shape), -validation[drawn]), axis=1)
    drawn = np.take_along_axis(drawn, order, 1)
    return validation[drawn], test[drawn]
