"""The outcome of a closed search: its configurations, their confirmation, and the one that was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.tuning.budget import Budget, TuneError
from lnlbench.benchmark.tuning.search_spec import SearchSpec
from lnlbench.benchmark.tuning.trials import Trial
from lnlbench.leaderboard.ranking.confirming import DEFAULTS, Choice, best, choose
from lnlbench.leaderboard.results.form import TUNED

if TYPE_CHECKING:
    from lnlbench.benchmark.tuning.optuna_plots import View

Curves = Mapping[str, list[float | None]]


@dataclass(frozen=True)
class FinishedTraining:
    """One training of a configuration that is over."""

    run: Trial
    validation: float | None  # what it scores by the objective; None where it failed or diverged
    seconds: float = 0.0  # on the device
    reason: str = ""  # why it failed
    epochs: int = 0  # that were trained
    passes: float = 0.0  # forward and backward ones of each training sample, over the whole training
    test: float | None = None  # at the best epoch, once it is scored; chance where there is no epoch
    rules: Mapping[str, float] = field(default_factory=dict)  # what else could choose, once it is scored
    curves: Curves = field(default_factory=dict)  # once they are revealed

    @property
    def pruned(self) -> bool:
        """Whether it was given up; a method that may stop by itself is taken to have done so."""
        return not self.reason and 0 < self.epochs < self.run.setting.epochs and not self.run.method.answers("stop")


@dataclass(frozen=True)
class FinishedTrial:
    """A configuration of the search."""

    number: int
    values: dict[str, Any]  # by name; those of the defaults as they are, in the range or not
    runs: tuple[FinishedTraining, ...]  # one per split; none where the method refused the values together
    refusal: str = ""  # why there are none

    @property
    def run(self) -> Trial | None:
        """Its first training."""
        return self.runs[0].run if self.runs else None

    @property
    def validation(self) -> float | None:
        """Mean score over its splits; None where one of them has none."""
        return _mean([training.validation for training in self.runs])

    @property
    def test(self) -> float | None:
        """Mean test accuracy over its splits, once all are scored."""
        return _mean([training.test for training in self.runs])

    @property
    def seconds(self) -> float:
        """Device-seconds of its splits."""
        return sum(training.seconds for training in self.runs)

    @property
    def passes(self) -> float | None:
        """Mean passes over its splits; None where it has no score."""
        return None if self.validation is None else _mean([training.passes for training in self.runs])

    @property
    def reason(self) -> str:
        """Why it failed."""
        return self.refusal or next((training.reason for training in self.runs if training.reason), "")


@dataclass(frozen=True)
class Confirmed:
    """A configuration on its fresh draws."""

    number: int
    runs: tuple[FinishedTraining, ...]

    def scores(self, classes: int) -> list[float]:
        """Return the validation accuracy of each draw; chance where it failed or diverged."""
        return [1 / classes if training.validation is None else training.validation for training in self.runs]


@dataclass(frozen=True)
class Outcome:
    """A search that is closed: all its configurations, in order."""

    spec: SearchSpec
    budget: Budget
    trials: tuple[FinishedTrial, ...]
    confirmed: tuple[Confirmed, ...] = ()  # the defaults first
    view: View | None = field(default=None, compare=False)  # of the search in Optuna's database

    @property
    def importance(self) -> dict[str, float]:
        """The share of the accuracy's variance that each value explains, once it is asked for."""
        return self.view.importance if self.view else {}

    @property
    def plots(self) -> dict[str, bytes]:
        """Optuna's plots by the name of the file, drawn once they are asked for."""
        return self.view.plots if self.view else {}

    @property
    def lost(self) -> str:
        """Why the first trial failed, if all of the search did: then nothing is chosen."""
        known = any(trial.validation is not None for trial in self.trials)
        return "" if known else self.trials[DEFAULTS].reason

    @cached_property
    def searched(self) -> FinishedTrial:
        """The configuration of the best validation accuracy, ties to the earliest: the choice of the search alone.

        Raises:
            TuneError: every trial failed.
        """
        if self.lost:
            raise TuneError(f"every trial of {self.spec.name!r} failed, the first: {self.lost}")
        return self.trials[best({trial.number: trial.validation for trial in self.trials})]

    @cached_property
    def choice(self) -> Choice | None:
        """The choice by the fresh draws; None where nothing was confirmed."""
        return choose(self._draws()) if self.confirmed else None

    @property
    def winner(self) -> FinishedTrial:
        """The configuration that is chosen.

        Raises:
            TuneError: every trial failed.
        """
        return self.searched if self.choice is None else self.trials[self.choice.number]

    @property
    def runs(self) -> list[FinishedTraining]:
        """Every training."""
        searched = [training for trial in self.trials for training in trial.runs]
        return searched + [training for one in self.confirmed for training in one.runs]

    @property
    def seconds(self) -> float:
        """Device-seconds of all trials."""
        return sum(training.seconds for training in self.runs)

    @property
    def spent(self) -> int:
        """How many trials of the budget were used, those of refused values included."""
        splits = self.spec.splits(self.budget)
        return len(self.trials) * splits + sum(len(one.runs) for one in self.confirmed)

    def scores(self) -> list[tuple[float, float]]:
        """Return validation and test accuracy of every scored trial, in order; failed ones have 0 in the first."""
        chance = 1 / self.spec.classes
        pairs = [(trial.validation or 0.0, trial.test if trial.runs else chance) for trial in self.trials]
        return [(validation, test) for validation, test in pairs if test is not None]

    def tuned(
        self, setting: Setting, content: str, replicate: int, reading: Run | None = None, track: str = TUNED
    ) -> Run:
        """Return a replicate of the winner in a setting: the search's own, or one of another rate of its noise family.

        Args:
            setting: what to run.
            content: the fingerprint of its data.
            replicate: its number; none shares draw, split or seed with the trials.
            reading: of the search's method, where the winner is to be read off with its registered values.
            track: whose choice.
        """
        won = self.winner if track == TUNED else self.searched
        if won.run is None:
            raise TuneError(f"the winner of {self.spec.name!r} has no run")
        recipe = replace(setting, lr=won.run.setting.lr, weight_decay=won.run.setting.weight_decay)
        method, label = won.run.method, self.spec.run.label
        if reading is not None:
            names = {part.name for part in method.parts}
            method = replace(method, parts=(*method.parts, *(p for p in reading.method.parts if p.name not in names)))
            label = reading.label
        searched = self.spec.run
        return Run(
            recipe,
            method,
            label,
            replicate,
            content,
            track=track,
            tuning=self.said(won),
            told=searched.told,
            precision=searched.precision,
        )

    def said(self, won: FinishedTrial) -> dict[str, Any]:
        """Return the facts on the search that a record of the chosen configuration holds."""
        said: dict[str, Any] = {
            "study": self.spec.name,
            "reference": self.spec.run.setting.name,
            "trial": won.number,
            "trials": self.spent,
            "seconds": round(self.seconds, 3),
            "validation": won.validation,
            "scores": [list(pair) for pair in self.scores()],
            **{name: getattr(self.budget, name) for name in ("sampler", "seed", "batch", "prune", "objective")},
        }
        if (splits := self.spec.splits(self.budget)) > 1:
            said["splits"] = splits
        if self.confirmed:
            said["confirming"] = [
                {
                    "trial": one.number,
                    "validation": self._draws()[one.number],
                    "test": [training.test for training in one.runs],
                }
                for one in self.confirmed
            ]
        return said

    def _draws(self) -> dict[int, list[float]]:
        return {one.number: one.scores(self.spec.classes) for one in self.confirmed}


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
