"""How long the networks are trained from which the noise is estimated, and what that costs; without torch."""

from __future__ import annotations

import math
from collections.abc import Iterable

from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.leaderboard.results.result import Result

FOLDS = 2
WARM_UP = 0.2  # share of the planned length, before much is memorised; the schedule ends with it
STEPS = 500  # at least: a network that is right for a fifth of the images says nothing of the labels
ANCHORS = 0.1  # share of a class's samples that are taken for certain
NEAR = 0.03  # an estimate that is no further from the share of errors is hardly more than that share
ESTIMATOR = (
    f"smaller of confident joint and label frequency among the {ANCHORS:.0%} surest, {FOLDS}-fold, "
    f"cross-entropy for {WARM_UP:g} of the length and {STEPS} steps at least, best epoch of the held-out half"
)
ESTIMATED = "estimated"
VERSION = 2
"""Of the estimate: raised with whatever changes it, since the text of a method that is told one names it."""
ESTIMATE = f"{ESTIMATED}-v{VERSION}"  # that name; the first version was "estimated" alone


def length_of(setting: Setting, samples: int) -> int:
    """Return how many epochs each half is trained for, of so many training samples."""
    steps = max(1, samples // FOLDS // setting.batch_size)
    return max(1, round(WARM_UP * setting.epochs), math.ceil(STEPS / steps))


def passes_of(length: int) -> tuple[float, float]:
    """Return how often each training sample is trained on, and how often it is evaluated besides.

    Every sample is trained on in all folds but one, evaluated in that one after each epoch, and at last once more.
    """
    return length * (FOLDS - 1.0), length + 1.0


def passes_read(host: Result, name: str, length: int) -> float:
    """Return how many passes a sample and epoch a reading of so many epochs is charged.

    They are its host's up to there, and all of those of an estimate, which is made before the first epoch.

    Args:
        host: the run that is read.
        name: "forward_passes" or "backward_passes".
        length: epochs of the reading.
    """
    curve = [value or 0.0 for value in host.curves[name]]
    estimate = host.cost[name] * host.trained - sum(curve)
    return float(sum(curve[:length]) + estimate) / length


def is_bound(estimates: Iterable[float], accuracy: float) -> bool:
    """Say whether an estimate is hardly below the share of the networks' errors.

    The rate of noise that cannot be predicted does not exceed that share; a good network's is about the rate itself.
    """
    return max(estimates) >= 1 - accuracy - NEAR
