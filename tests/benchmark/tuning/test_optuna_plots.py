"""What Optuna says of a study, where it has something to say."""

import optuna
import pytest
from optuna.distributions import FloatDistribution

from lnlbench.benchmark.tuning.optuna_plots import importance, plots


def study_of(points):
    """A study with trials at these values of a parameter, with these scores."""
    study = optuna.create_study(direction="maximize")
    for x, score in points:
        trial = optuna.trial.create_trial(params={"x": x}, distributions={"x": FloatDistribution(0, 1)}, value=score)
        study.add_trial(trial)
    return study


def test_a_value_that_decides_explains_everything():
    study = study_of([(0.1, 0.1), (0.2, 0.2), (0.6, 0.6), (0.9, 0.9)])
    assert importance(study) == {"x": pytest.approx(1.0)}
    assert {"importance.svg", "parallel.svg"} <= set(plots(study, True))


@pytest.mark.parametrize("points", [[(0.1, 0.5), (0.9, 0.5)], [(0.3, 0.5), (0.3, 0.6)]])
def test_where_no_value_explains_anything_there_is_no_importance(points):
    study = study_of(points)
    assert importance(study) == {}
    assert "importance.svg" not in plots(study, False)
