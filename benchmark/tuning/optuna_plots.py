"""Optuna's own view of a search: the importance of its values, and its plots."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from lnlbench.benchmark.tuning import figures
from lnlbench.benchmark.tuning.front import FRONT

OBJECTIVE, COST = "noisy-validation accuracy", "passes per sample"
"""The names of the objectives in Optuna."""


class View:
    """A search as Optuna sees it, computed and drawn where it is asked for, once: that takes seconds.

    Args:
        study: the search in its database, which is copied and may be closed afterwards.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = optuna.create_study(directions=study.directions)
        self._study.add_trials(study.get_trials(deepcopy=False))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.set_metric_names([OBJECTIVE, COST][: len(study.directions)])

    @cached_property
    def importance(self) -> dict[str, float]:
        """The share of the accuracy's variance that each value explains (fANOVA, Hutter et al., ICML 2014).

        Nothing where no value explains any: all scores are the same, or no tree of the forest splits the trials.
        """
        if not self._varies:
            return {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = optuna.importance.get_param_importances(self._study, evaluator=_fanova(), target=_accuracy)
            except RuntimeError as error:
                if "zero total variance" not in str(error):
                    raise
                return {}
        return {name: float(value) for name, value in found.items()}

    @cached_property
    def plots(self) -> dict[str, bytes]:
        """Optuna's own plots, as SVG: what matters, which values go together, curves or front."""
        draw, study = optuna.visualization.matplotlib, self._study
        of: dict[str, Any] = {"target": _accuracy, "target_name": OBJECTIVE}
        if len(study.directions) > 1:
            kinds = {FRONT: lambda: draw.plot_pareto_front(study)}
        else:
            kinds = {"intermediate.svg": lambda: draw.plot_intermediate_values(study)}
        if self.importance:  # without any Optuna cannot draw it
            kinds["importance.svg"] = lambda: draw.plot_param_importances(study, evaluator=_fanova(), **of)
        if self._varies:
            kinds["parallel.svg"] = lambda: draw.plot_parallel_coordinate(study, **of)
        return {name: figures.drawn(plot) for name, plot in kinds.items()}

    @property
    def _varies(self) -> bool:
        complete = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return len({_accuracy(trial) for trial in complete}) > 1


def _accuracy(trial: FrozenTrial) -> float:
    return float(trial.values[0])


def _fanova() -> optuna.importance.FanovaImportanceEvaluator:
    return optuna.importance.FanovaImportanceEvaluator(seed=0)
