"""The budget of a search, equal for every method: how many runs, and what each of them is for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from lnlbench.benchmark.protocol.unknown_names import unknown
from lnlbench.benchmark.tuning.optuna_samplers import SAMPLERS, STARTUP
from lnlbench.leaderboard.ranking.confirming import COMPARED, FEWEST, KEPT

CONFIRM = 0.45
"""Share of the trials that confirm: of 20 nine, three fresh draws of three configurations."""
COARSE = 0.01
"""A validation accuracy whose resolution is worse, in clean accuracy, is measured on several splits."""
NARROWEST = 10
"""Configurations that a search on several splits tries at least."""
OBJECTIVES = ("window", "epoch")
"""The score of a trial: its highest mean of noisy-validation accuracy over consecutive epochs, or its best epoch's."""
BEFORE = {"confirm": 0, "splits": 1, "objective": "epoch", "cost": False}
"""The values of fields that the definitions of older searches lack."""


class TuneError(ValueError):
    """A search that cannot be made, or that differs from the one asked for; one line."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How every method is searched: the same for all of them.

    A trial is one training. Some search, `splits` of them for each configuration; the rest confirms: the best
    few configurations and the defaults are trained again on fresh draws.
    """

    trials: int = 20
    sampler: str = "gp"
    seed: int = 0
    batch: int = 2  # configurations asked for at once, after the first ten; not the number of processes
    prune: bool = False
    confirm: float = CONFIRM
    splits: int = 0  # of each configuration; 0: `for_resolution` chooses
    objective: str = OBJECTIVES[0]
    cost: bool = False  # whether the sampler is told what a configuration costs, too

    def __post_init__(self) -> None:
        """Refuse a budget that cannot be spent.

        Raises:
            TuneError: naming what came and what would be right.
        """
        if self.sampler not in SAMPLERS:
            raise TuneError(unknown("sampler", self.sampler, SAMPLERS))
        if self.objective not in OBJECTIVES:
            raise TuneError(unknown("objective", self.objective, OBJECTIVES))
        if self.cost and self.prune:
            raise TuneError(
                "--prune and --cost exclude each other: a trial that is given up costs less than its values"
            )
        if self.trials < 1 or self.batch < 1:
            raise TuneError(f"trials and batch are at least 1, but got {self.trials} and {self.batch}")
        if not 0 <= self.confirm < 1:
            raise TuneError(f"the share of the trials that confirm is at least 0 and below 1, but got {self.confirm}")
        if self.confirm and self.draws < FEWEST:
            enough = math.ceil(KEPT * FEWEST / self.confirm)
            raise TuneError(
                f"{self.confirm:g} of {self.trials} trials gives {KEPT} configurations {self.draws} fresh draws each, "
                f"at least {FEWEST} are needed: {enough} trials or more, or --confirm 0"
            )
        if not 0 <= self.splits <= max(1, self.searching):
            raise TuneError(f"splits are 0 (chosen by resolution) to {self.searching}, but got {self.splits}")
        if self.confirm and self.configurations(max(1, self.splits)) < COMPARED:
            raise TuneError(
                f"--confirm {self.confirm:g} of {self.trials} trials leaves {self.searching} to search, and so no "
                f"{COMPARED} configurations to confirm; a smaller share, or --confirm 0"
            )

    @property
    def draws(self) -> int:
        """How many fresh draws each confirmed configuration is trained on; 0 where nothing is confirmed."""
        return int(self.confirm * self.trials + 1e-9) // KEPT

    @property
    def searching(self) -> int:
        """How many trials are left to the search."""
        return self.trials - KEPT * self.draws

    def configurations(self, splits: int) -> int:
        """Return how many configurations the search tries, each on so many splits."""
        return self.searching // splits

    def for_resolution(self, resolution: float) -> int:
        """Return on how many splits a configuration is scored: `splits`, or as many as the validation needs.

        As many as bring its resolution to about a point, and no more than leave `NARROWEST` configurations to try.

        Args:
            resolution: one standard error of validation in units of clean accuracy, a fraction.
        """
        if self.splits:
            return self.splits
        most = self.searching // NARROWEST
        return max(1, round(min((resolution / COARSE) ** 2, most)))

    def round(self, number: int, splits: int = 1) -> tuple[int, int]:
        """Return begin and end (exclusive) of the round that the configuration of a number belongs to."""
        every = self.configurations(splits)
        if number < STARTUP:
            return 0, min(STARTUP, every)
        begin = number - (number - STARTUP) % self.batch
        return begin, min(every, begin + self.batch)


def resuming(held: Mapping[str, Any], differing: Iterable[str]) -> str:
    """Return the options that continue a search; empty where not only the budget differs.

    Args:
        held: the definition that the search was made with.
        differing: the names in it that are not as asked for.
    """
    if not set(differing) <= {field.name for field in fields(Budget)}:
        return ""
    names = dict.fromkeys([*differing, "splits"])  # how many there are by default follows from the others
    flags = [f"--{name}" if held[name] is True else f"without --{name}" for name in names if _is_flag(held[name])]
    return " ".join([*(f"--{name} {held[name]}" for name in names if not _is_flag(held[name])), *flags])


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)
