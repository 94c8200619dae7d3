"""Optuna's own view of a search: the importance of its values, and its plots."""

from __future__ import annotations

import warnings
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from lnlbench.benchmark.tuning import figures
from lnlbench.benchmark.tuning.front import FRONT

OBJECTIVE, COST = "noisy-validation accuracy", "passes per sample"
"""The names of the objectives in Optuna."""


def importance(study: optuna.Study) -> dict[str, float]:
    """Return the share of the accuracy's variance that each value explains (fANOVA, Hutter et al., ICML 2014).

    Nothing where no value explains any: all scores are the same, or no tree of the forest splits the trials.
    """
    if not _varies(study):
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = optuna.importance.get_param_importances(study, evaluator=_fanova(), target=_accuracy)
        except RuntimeError as error:
            if "zero total variance" not in str(error):
                raise
            return {}
    return {name: float(value) for name, value in found.items()}


def plots(study: optuna.Study, matters: bool) -> dict[str, bytes]:
    """Return Optuna's own plots of a search, as SVG: what matters, which values go together, curves or front.

    Args:
        study: the search in its database.
        matters: whether `importance` found any, without which Optuna cannot draw it.
    """
    draw = optuna.visualization.matplotlib
    of: dict[str, Any] = {"target": _accuracy, "target_name": OBJECTIVE}
    if len(study.directions) > 1:
        kinds = {FRONT: lambda: draw.plot_pareto_front(study)}
    else:
        kinds = {"intermediate.svg": lambda: draw.plot_intermediate_values(study)}
    if matters:
        kinds["importance.svg"] = lambda: draw.plot_param_importances(study, evaluator=_fanova(), **of)
    if _varies(study):
        kinds["parallel.svg"] = lambda: draw.plot_parallel_coordinate(study, **of)
    return {name: figures.drawn(plot) for name, plot in kinds.items()}


def _varies(study: optuna.Study) -> bool:
    return len({_accuracy(trial) for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))}) > 1


def _accuracy(trial: FrozenTrial) -> float:
    return float(trial.values[0])


def _fanova() -> optuna.importance.FanovaImportanceEvaluator:
    return optuna.importance.FanovaImportanceEvaluator(seed=0)
