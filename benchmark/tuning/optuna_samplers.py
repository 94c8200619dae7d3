"""Optuna's samplers by name; Optuna itself is imported once one of them is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

STARTUP = 10
"""Configurations before the sampler learns: the defaults, then random values; they can all be made at once."""


def _gp(seed: int) -> BaseSampler:
    from optuna.samplers import GPSampler

    return GPSampler(seed=seed, n_startup_trials=STARTUP)


def _tpe(seed: int) -> BaseSampler:
    from optuna.samplers import TPESampler

    return TPESampler(seed=seed, n_startup_trials=STARTUP)


def _random(seed: int) -> BaseSampler:
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=seed)


SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {"gp": _gp, "tpe": _tpe, "random": _random}
"""What makes a sampler, by its name: called with a seed."""
