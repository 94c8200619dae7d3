"""Confirming and repeated splits, as a search really goes: the same trials after a kill, and older searches."""

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace

import optuna
import pytest

from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.tuning import pipeline
from lnlbench.benchmark.tuning.budget import BEFORE, Budget, TuneError
from lnlbench.benchmark.tuning.scoring import Scorer
from lnlbench.benchmark.tuning.sealed import SEALED, votes_after
from lnlbench.benchmark.tuning.search import search
from lnlbench.benchmark.tuning.search_spec import windowed
from lnlbench.benchmark.tuning.stages import curve
from lnlbench.benchmark.tuning.trials import WEIGHTS
from lnlbench.datasets.loading.images import load
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.store import Store

SHORT = Budget(trials=10, sampler="random", confirm=0.6, splits=2)  # two configurations on two splits, 3 x 2 confirm
PLAIN = Budget(trials=4, sampler="random", confirm=0, splits=1, objective="epoch")


@pytest.fixture
def options(url):
    return Options(store=store_address(url), device="cpu", execution="loop")


@pytest.fixture
def specs(options):
    return pipeline.plan(["digits/symmetric-0.4"], "ce", "0", {"epochs": 1}, options).specs


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_confirming_trials(options, specs, url, tmp_path):
    keys, (spec,) = [], specs

    def interrupt(event):
        if event.kind == "done" and event.key not in keys:
            keys.append(event.key)
            if len(keys) in (3, 6):  # in the search, and in what confirms it
                raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            search(specs, SHORT, options, watch=interrupt)
    found = search(specs, SHORT, options, watch=interrupt)[spec.name]
    made = [run.run.key for run in found.runs]
    assert len(set(made)) == len(made) == found.spent == 2 * 2 + 2 * 2, "two candidates: there are no more"
    assert Counter(keys) == dict.fromkeys(made, 1), "each once, whatever was killed"
    draws = {(run.run.draw, run.run.place) for run in found.runs}
    assert draws == {("tuning", "tuning"), ("tuning", "tuning split 1"), *((f"tuning {i}",) * 2 for i in (1, 2))}
    told = [one.identity["seeds"] for one in Store(url).results_of(made)]
    assert len({seeds["noise"] for seeds in told}) == 3 and len({seeds["split"] for seeds in told}) == 4
    assert [one.number for one in found.confirmed] == [0, 1]

    sealed = {run.run.key: votes_of(Store(url), run) for run in found.runs}
    for run in found.runs:
        with nullcontext() if not run.run.fresh else pytest.raises(StoreError):
            assert Store(url).file(Store(url).stored()[run.run.key], WEIGHTS)  # for rules among which none confirms
    scored = Scorer(load("digits"), options, Store(url)).outcome(found)
    for group in [told.runs for told in scored.trials] + [one.runs for one in scored.confirmed]:
        first, second = (sealed[run.run.key] for run in group)
        alike = (first == second).double().mean().item()
        assert [run.rules["agreement"] for run in group] == [pytest.approx(alike)] * 2
    assert Scorer(load("digits"), options, Store(url)).outcome(found) == scored, "once it is unsealed, what was kept"
    assert found.trials[0].validation == pytest.approx(sum(m.validation for m in found.trials[0].runs) / 2)

    kept = optuna.load_study(study_name=spec.name, storage=f"sqlite:///{tmp_path / 'studies.db'}")
    assert kept.metric_names and kept.user_attrs["setting"] == spec.run.setting.name
    for trial, one in zip(kept.trials, found.trials, strict=True):
        assert list(trial.intermediate_values) == [1], "its curve, for optuna-dashboard"
        assert trial.intermediate_values[1] == pytest.approx(one.validation)


@pytest.mark.slow
def test_a_search_reads_no_training_more_than_twice(options, specs, monkeypatch):
    """Once when it is told, and once when it is told already; a look at Optuna's notes is one for all trainings."""
    read, looks, real = Counter(), [], Store.results_of
    monkeypatch.setattr(Store, "results_of", lambda store, keys: read.update(keys) or real(store, keys))
    noted = optuna.Study.user_attrs.fget
    monkeypatch.setattr(optuna.Study, "user_attrs", property(lambda study: looks.append(study) or noted(study)))
    budget = Budget(trials=18, sampler="random", confirm=1 / 3, splits=1)  # three rounds, and one that confirms
    found = search(specs, budget, options)[specs[0].name]
    assert len(found.runs) == 18 and read.keys() == {training.run.key for training in found.runs}
    assert max(read.values()) == 2 and len(looks) < 40


def votes_of(store, made):
    """What a trial predicts of the test images after the only epoch."""
    return votes_after(store.file(store.stored()[made.run.key], SEALED), 0)


@pytest.mark.slow
def test_a_search_from_before_is_refused_and_can_be_gone_on_with(options, specs, tmp_path):
    (spec,) = specs
    first = search(specs, PLAIN, options)[spec.name]
    kept = optuna.load_study(study_name=spec.name, storage=f"sqlite:///{tmp_path / 'studies.db'}")
    older = {name: value for name, value in kept.user_attrs["definition"].items() if name not in BEFORE}
    kept.set_user_attr("definition", older | {"trials": 12})
    with pytest.raises(TuneError, match=r"made with confirm 0, not 0\.5; --confirm 0 --splits 1 goes on") as caught:
        search(specs, replace(PLAIN, trials=12, confirm=0.5), options)
    assert "\n" not in str(caught.value)
    kept.set_user_attr("definition", older)
    assert search(specs, PLAIN, options)[spec.name].trials == first.trials


def test_a_window_does_not_reward_a_lucky_epoch():
    steady, lucky = [0.5] * 12, [0.4, 0.4, 0.4, 0.4, 0.4, 0.7, 0.1, 0.4, 0.4, 0.4, 0.4, 0.4]
    assert windowed(steady, 30) == pytest.approx(0.5) and windowed(lucky, 30) == pytest.approx(0.46)
    assert windowed([0.2, 0.6, 0.4], 18) == pytest.approx(0.4), "one that ended early: all it has"
    assert windowed([0.2, 0.6, None, float("nan")], 6) == 0.6, "of six epochs a single one"


def test_a_curve_is_the_mean_of_its_splits_and_has_few_steps():
    assert curve([[0.1, 0.3], [0.3]]) == {1: pytest.approx(0.2), 2: 0.3}
    assert curve([]) == {} and curve([[None, float("nan")]]) == {}
    long = curve([[i / 1000 for i in range(150)]])
    assert len(long) <= 65 and long[150] == 0.149
