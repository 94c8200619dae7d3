"""What Optuna says of a study, where it has something to say."""

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState
from optuna.visualization.matplotlib import plot_intermediate_values

from lnlbench.benchmark.tuning import figures
from lnlbench.benchmark.tuning.optuna_plots import View


def study_of(points):
    """A study with trials at these values of a parameter, with these scores."""
    study = optuna.create_study(direction="maximize")
    for x, score in points:
        trial = optuna.trial.create_trial(params={"x": x}, distributions={"x": FloatDistribution(0, 1)}, value=score)
        study.add_trial(trial)
    return study


def test_a_value_that_decides_explains_everything():
    view = View(study_of([(0.1, 0.1), (0.2, 0.2), (0.6, 0.6), (0.9, 0.9)]))
    assert view.importance == {"x": pytest.approx(1.0)}
    assert {"importance.svg", "parallel.svg"} <= set(view.plots)


@pytest.mark.parametrize("points", [[(0.1, 0.5), (0.9, 0.5)], [(0.3, 0.5), (0.3, 0.6)]])
def test_where_no_value_explains_anything_there_is_no_importance(points):
    view = View(study_of(points))
    assert view.importance == {}
    assert "importance.svg" not in view.plots


def test_a_search_is_drawn_as_it_was_when_its_database_is_closed(tmp_path):
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 'studies.db'}", direction="maximize")
    for score in (0.1, None, 0.3):
        trial = study.ask({"x": FloatDistribution(0, 1)})
        trial.report(0.2, 1)
        study.tell(trial, score, state=None if score else TrialState.FAIL)
    study.ask()
    expected = figures.drawn(lambda: plot_intermediate_values(study))
    view = View(study)
    study.tell(3, 0.9)
    assert view.plots["intermediate.svg"] == expected
