"""The definition of a search: one method in one setting, its trials, and the settings that it serves."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lnlbench.benchmark.protocol.keys import PROTOCOL
from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.splits import canonical, fingerprint, validation_size
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.tuning.budget import Budget
from lnlbench.benchmark.tuning.space import Space
from lnlbench.benchmark.tuning.trials import Trial
from lnlbench.datasets.loading.images import Images
from lnlbench.datasets.noise.base import parse_noise
from lnlbench.leaderboard.results.precision import OTHERS, PLAIN
from lnlbench.leaderboard.results.result import Result
from lnlbench.leaderboard.results.rules import best_epoch, resolution

WINDOW = 1 / 6
"""Length of a window of epochs, as a share of the training."""
WORST = 5.0
"""Standard errors of validation below the defaults, beyond which the sampler is told no difference."""


@dataclass(frozen=True)
class SearchSpec:
    """One method in one setting, to be searched once."""

    name: str
    run: Run  # with the registered defaults; its replicate means nothing
    classes: int
    size: int  # of the validation part
    noise_rate: float = 0.0  # expected share of wrong labels

    @property
    def space(self) -> Space:
        """The ranges that are searched."""
        return Space(self.run.method, self.run.setting, self.run.label)

    @property
    def key(self) -> str:
        """The key that the process which asks and tells claims."""
        return "study:" + hashlib.sha256(self.name.encode()).hexdigest()

    @property
    def resolution(self) -> float:
        """One standard error of validation in units of clean accuracy, of a network that makes no error."""
        try:
            return resolution(max(1, self.size), 1 - self.noise_rate, self.noise_rate, self.classes)
        except ValueError:  # human labels of no diagonal dominance: validation resolves nothing
            return math.inf

    def splits(self, budget: Budget) -> int:
        """Return on how many splits a configuration is scored."""
        return budget.for_resolution(self.resolution)

    def definition(self, budget: Budget) -> dict[str, Any]:
        """Return all that defines the search: one that differs is another search."""
        setting = {name: value for name, value in self.run.setting.identity().items() if name != "task"}
        return {
            "protocol": PROTOCOL,
            **vars(budget),
            "splits": self.splits(budget),
            "method": self.run.text,
            "precision": self.run.precision,
            "data": self.run.fingerprint,
            **{f"setting.{name}": value for name, value in setting.items()},
            **{f"range.{name}": text for name, text in self.space.describe().items()},
        }

    def precision_in(self, stored: Container[str]) -> str:
        """Return the precision that the search's first trial was computed in, by the keys that are stored."""
        first = self.trial(0, None)
        return next((name for name in OTHERS if replace(first, precision=name).key in stored), PLAIN)

    def trial(
        self, number: int, values: dict[str, Any] | None, bar: Sequence[float] = (), part: int = 0, fresh: int = 0
    ) -> Trial:
        """Return one training of a configuration.

        Args:
            number: its place in the budget.
            values: by name; None for the registered defaults.
            bar: what it must reach, as in `Trial`.
            part: which split of the draw.
            fresh: which draw, as in `Trial`.

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
            part=part,
            fresh=fresh,
        )


def reference(setting: Setting, images: Images) -> Setting:
    """Return the setting at which a noise family is tuned: the same task at the family's reference noise.

    Raises:
        DataError: the data set cannot have this noise.
    """
    noise = parse_noise(setting.noise).reference(images.card)
    return canonical(replace(setting, noise=str(noise)), images)


def specs_of(runs: Iterable[Run], images_of: Any, name: str, per_setting: bool) -> dict[str, tuple[SearchSpec, Run]]:
    """Return the search that serves each run, by the run's key: readings are served by that of their host.

    Args:
        runs: the grid with registered defaults.
        images_of: from a data set's name to its images.
        name: of the tuning; part of the searches' names.
        per_setting: search in every setting and not at the reference of its family.
    """
    served = {}
    for run in runs:
        images = images_of(run.setting.dataset)
        host = run.host or run
        at = run.setting if per_setting else reference(run.setting, images)
        searched = replace(host, setting=at, replicate=0, fingerprint=fingerprint(at, images))
        size = validation_size(at, images)
        called, rate = f"{name}/{at.name}/{host.name}", noise_rate(at, images)
        served[run.key] = SearchSpec(called, searched, images.card.classes, size, rate), run
    return served


def noise_rate(setting: Setting, images: Images) -> float:
    """Return the share of wrong labels to expect; 0 where nobody knows it.

    Raises:
        DataError: the labels are to be read from a file, and cannot be.
    """
    noise = parse_noise(setting.noise)
    matrix = noise.matrix(images.card)
    if matrix is not None:
        return float(1 - matrix.diagonal().mean())
    if noise.rate is not None:
        return noise.rate
    return float(noise.corrupt(images, 0).manifest["realised_rate"] or 0.0)


def value_of(result: Result, objective: str) -> float | None:
    """Return a trial's objective, one of `OBJECTIVES`; None where it diverged."""
    if result.diverged:
        return None
    curve = result.curves["validation_accuracy"]
    return curve[best_epoch(curve)] if objective == "epoch" else windowed(curve, result.epochs)


def windowed(curve: Sequence[float | None], epochs: int) -> float:
    """Return the highest mean of a validation curve over consecutive epochs, a sixth of the planned length.

    The best single epoch of a fluctuating curve is a lucky one, and the more so the more the curve fluctuates.
    """
    values = np.array([0.0 if value is None or math.isnan(value) else value for value in curve])
    length = min(len(values), max(1, round(epochs * WINDOW)))
    return float(np.convolve(values, np.full(length, 1 / length), "valid").max())


def told_value(accuracy: float | None, defaults: float | None, size: int, classes: int) -> float:
    """Return the value for the sampler: never less than five standard errors below the defaults.

    A cliff of diverging runs would fill the scale of a Gaussian process, and differences among the good ones vanish.

    Args:
        accuracy: of the trial; None where it failed.
        defaults: accuracy of trial 0; None where it failed, which stands for guessing.
        size: of the validation part.
        classes: of the data set.
    """
    anchor = 1 / classes if defaults is None else defaults
    floor = max(0.0, anchor - WORST * math.sqrt(anchor * (1 - anchor) / max(1, size)))
    return floor if accuracy is None else max(accuracy, floor)
