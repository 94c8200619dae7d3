"""What a tuning is, as plain values: studies, their budget, their outcome; which study serves which settings."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lnlbench.benchmark.protocol.keys import PROTOCOL
from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.splits import canonical, fingerprint
from lnlbench.benchmark.protocol.unknown_names import unknown
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.tuning.space import Space
from lnlbench.benchmark.tuning.trials import Trial
from lnlbench.datasets.loading.images import Images
from lnlbench.datasets.noise.base import parse_noise
from lnlbench.leaderboard.results.precision import OTHERS, PLAIN
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import best_epoch

SAMPLERS = ("gp", "tpe", "random")
STARTUP = 10
"""Trials before the sampler learns: the defaults, then random values; they can all be made at once."""
WORST = 5.0
"""Standard errors of validation below the defaults, from which on all is equally bad for the sampler."""


class TuneError(ValueError):
    """A study that cannot be made, or that is another one than asked for; one line."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How every method is searched: the same for all of them."""

    trials: int = 20
    sampler: str = "gp"
    seed: int = 0
    batch: int = 2  # trials asked for at once, after the first ten; not the number of processes
    prune: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            TuneError: naming what came and what would be right.
        """
        if self.sampler not in SAMPLERS:
            raise TuneError(unknown("sampler", self.sampler, SAMPLERS))
        if self.trials < 1 or self.batch < 1:
            raise TuneError(f"trials and batch are at least 1, but got {self.trials} and {self.batch}")

    def round(self, number: int) -> tuple[int, int]:
        """Where the round begins and ends that a trial belongs to, the end not included."""
        if number < STARTUP:
            return 0, min(STARTUP, self.trials)
        begin = number - (number - STARTUP) % self.batch
        return begin, min(self.trials, begin + self.batch)


@dataclass(frozen=True)
class Study:
    """One method in one setting, to be searched once."""

    name: str
    run: Run  # with the registered defaults; its replicate means nothing
    classes: int
    size: int  # of the validation part

    @property
    def space(self) -> Space:
        """What is searched."""
        return Space(self.run.method, self.run.setting, self.run.label)

    @property
    def key(self) -> str:
        """What is claimed by the process that asks and tells."""
        return "study:" + hashlib.sha256(self.name.encode()).hexdigest()

    def definition(self, budget: Budget) -> dict[str, Any]:
        """All that makes the study what it is: one that differs is another study."""
        setting = {name: value for name, value in self.run.setting.identity().items() if name != "task"}
        return {
            "protocol": PROTOCOL,
            **vars(budget),
            "method": self.run.text,
            "precision": self.run.precision,
            "data": self.run.fingerprint,
            **{f"setting.{name}": value for name, value in setting.items()},
            **{f"range.{name}": text for name, text in self.space.describe().items()},
        }

    def precision_in(self, stored: Container[str]) -> str:
        """Return the precision that the study's first trial was computed in, by the keys that are stored."""
        first = self.trial(0, None)
        return next((name for name in OTHERS if replace(first, precision=name).key in stored), PLAIN)

    def trial(self, number: int, values: dict[str, Any] | None, bar: Sequence[float] = ()) -> Trial:
        """Return the run of a trial; without values, that of the registered defaults.

        Raises:
            MethodError: values that the method refuses together.
        """
        run = self.run
        method, setting = (run.method, run.setting) if values is None else self.space.apply(values)
        return Trial(
            setting,
            method,
            run.label,
            number,
            run.fingerprint,
            study=self.name,
            told=run.told,
            precision=run.precision,
            bar=tuple(bar),
        )


@dataclass(frozen=True)
class Told:
    """A trial that is over."""

    number: int
    values: dict[str, Any]  # by name; those of the defaults as they are, in the range or not
    run: Trial | None  # None where the method refused the values together
    validation: float | None  # accuracy at the best epoch; None where it failed or diverged
    seconds: float = 0.0  # on the device
    reason: str = ""  # why it failed
    test: float | None = None  # at that epoch, once it is scored; chance where there is no epoch


@dataclass(frozen=True)
class Outcome:
    """A study that is closed: all its trials, in order."""

    study: Study
    budget: Budget
    trials: tuple[Told, ...]
    importance: dict[str, float] = field(default_factory=dict)

    @property
    def winner(self) -> Told:
        """The trial of the best validation accuracy, ties to the earliest.

        Raises:
            TuneError: every trial failed.
        """
        good = [told for told in self.trials if told.validation is not None]
        if not good:
            reasons = "; ".join(sorted({told.reason or "diverged" for told in self.trials}))
            raise TuneError(f"every trial of {self.study.name!r} failed: {reasons}")
        return max(good, key=lambda told: (told.validation or 0.0, -told.number))

    @property
    def seconds(self) -> float:
        """Device-seconds of all trials."""
        return sum(told.seconds for told in self.trials)

    def scores(self) -> list[tuple[float, float]]:
        """Return validation and test accuracy of every scored trial, in order; failed ones have 0 in the first."""
        return [(t.validation if t.validation is not None else 0.0, t.test) for t in self.trials if t.test is not None]

    def tuned(self, setting: Setting, content: str, replicate: int, reading: Run | None = None) -> Run:
        """Return a replicate of the winner in a setting: of the study's own, or of another rate of its family.

        Args:
            setting: what to run.
            content: the fingerprint of its data.
            replicate: its number; none shares draw, split or seed with the trials.
            reading: of the study's method, where the winner is to be read off with its registered values.
        """
        won = self.winner
        if won.run is None:
            raise TuneError(f"the winner of {self.study.name!r} has no run")
        recipe = replace(setting, lr=won.run.setting.lr, weight_decay=won.run.setting.weight_decay)
        said = {
            "study": self.study.name,
            "reference": self.study.run.setting.name,
            "trial": won.number,
            "trials": len(self.trials),
            "seconds": round(self.seconds, 3),
            "validation": won.validation,
            "scores": [list(pair) for pair in self.scores()],
            **{name: getattr(self.budget, name) for name in ("sampler", "seed", "batch", "prune")},
        }
        method, label = won.run.method, self.study.run.label
        if reading is not None:
            names = {part.name for part in method.parts}
            method = replace(method, parts=(*method.parts, *(p for p in reading.method.parts if p.name not in names)))
            label = reading.label
        searched = self.study.run
        return Run(
            recipe,
            method,
            label,
            replicate,
            content,
            track="tuned",
            tuning=said,
            told=searched.told,
            precision=searched.precision,
        )


def reference(setting: Setting, images: Images) -> Setting:
    """Return the setting at which a noise family is tuned: the same task at the family's reference noise.

    Raises:
        DataError: the data set cannot have it.
    """
    noise = parse_noise(setting.noise).reference(images.card)
    return canonical(replace(setting, noise=str(noise)), images)


def studies_of(runs: Iterable[Run], images_of: Any, name: str, per_setting: bool) -> dict[str, tuple[Study, Run]]:
    """Return the study that serves each run, by the run's key: readings are served by that of their host.

    Args:
        runs: the grid with registered defaults.
        images_of: from a data set's name to its images.
        name: of the tuning; part of the studies' names.
        per_setting: search in every setting and not at the reference of its family.
    """
    served = {}
    for run in runs:
        images = images_of(run.setting.dataset)
        host = run.host or run
        at = run.setting if per_setting else reference(run.setting, images)
        searched = replace(host, setting=at, replicate=0, fingerprint=fingerprint(at, images))
        size = round(at.validation * len(images.train_images))
        served[run.key] = Study(f"{name}/{at.name}/{host.name}", searched, images.card.classes, size), run
    return served


def accuracy_of(result: Result) -> float | None:
    """Return a trial's objective: noisy-validation accuracy at the best epoch; None where it diverged."""
    if result.diverged:
        return None
    curve = result.curves["validation_accuracy"]
    return curve[best_epoch(curve)]


def told_value(accuracy: float | None, defaults: float | None, size: int, classes: int) -> float:
    """Return the value for the sampler: never less than five standard errors below the defaults.

    A cliff of diverging runs would fill the scale of a Gaussian process, and differences among the good ones vanish.

    Args:
        accuracy: of the trial; None where it failed.
        defaults: of trial 0, if it did not fail; guessing else.
        size: of the validation part.
        classes: of the data set.
    """
    anchor = 1 / classes if defaults is None else defaults
    floor = max(0.0, anchor - WORST * math.sqrt(anchor * (1 - anchor) / max(1, size)))
    return floor if accuracy is None else max(accuracy, floor)
