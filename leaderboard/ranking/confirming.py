"""Choose a configuration after a search: by fresh draws that the best few share with the defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DEFAULTS = 0
"""The number of the configuration with the registered defaults, which is always the first."""
KEPT = 3
"""Configurations that are confirmed: the defaults and the best two others."""
COMPARED = 2
"""Configurations without which there is nothing to choose: the defaults and another."""
FEWEST = 2
"""Fresh draws that a standard error needs."""


@dataclass(frozen=True)
class Choice:
    """What the fresh draws say."""

    number: int  # of the chosen configuration
    gain: float  # mean score of the best other minus that of the defaults
    error: float  # standard error of that difference


def best(scores: Mapping[int, float | None]) -> int:
    """Return the configuration of the highest score, ties to the earliest.

    Raises:
        ValueError: none has a score.
    """
    found = [(score, -number) for number, score in scores.items() if score is not None]
    if not found:
        raise ValueError("no configuration has a score")
    return -max(found)[1]


def candidates(scores: Mapping[int, float | None]) -> list[int]:
    """Return the defaults and the best others, in the order of their scores; those without a score are left out."""
    others = {number: score for number, score in scores.items() if number != DEFAULTS and score is not None}
    return [DEFAULTS, *sorted(others, key=lambda number: (-others[number], number))[: KEPT - 1]]


def choose(draws: Mapping[int, Sequence[float]]) -> Choice:
    """Choose by the mean over fresh draws; the defaults stay unless another is better by more than its standard error.

    A draw is the same for every configuration, so what it adds to all of them drops out: the variance is that of the
    scores less the means of configuration and draw, over all configurations, and a difference of two means over n
    draws has the standard error √(2 s²/n).

    Args:
        draws: configuration → its score in each draw, as many as the others have; the defaults among them.

    Raises:
        ValueError: the defaults are missing, or the configurations have different draws or fewer than two.
    """
    counts = {len(row) for row in draws.values()}
    if DEFAULTS not in draws or len(counts) != 1 or min(counts) < FEWEST:
        raise ValueError(f"need the defaults and as many draws of each, at least {FEWEST}; got {dict(draws)}")
    means = {number: math.fsum(row) / len(row) for number, row in draws.items()}
    others = {number: mean for number, mean in means.items() if number != DEFAULTS}
    if not others:
        return Choice(DEFAULTS, 0.0, 0.0)
    first = best(others)
    (count,) = counts
    grand = math.fsum(means.values()) / len(means)
    added = [math.fsum(column) / len(means) - grand for column in zip(*draws.values(), strict=True)]
    rest = [score - means[number] - added[i] for number, row in draws.items() for i, score in enumerate(row)]
    freedom = (len(means) - 1) * (count - 1)
    error = math.sqrt(2 * math.fsum(value**2 for value in rest) / freedom / count)
    gain = others[first] - means[DEFAULTS]
    return Choice(first if gain > error else DEFAULTS, gain, error)
