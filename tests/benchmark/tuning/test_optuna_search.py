"""Tuning: an exact number of trials whatever is killed, no test set and no true label in reach, fresh replicates."""

import io
import json
import lzma
import shutil
import sqlite3
import threading
import weakref
from collections import Counter
from contextlib import closing
from dataclasses import replace

import optuna
import pytest
import torch

from lnlbench.benchmark import Job, fit
from lnlbench.benchmark.engine.device import choose_compute
from lnlbench.benchmark.protocol import splits as data_module
from lnlbench.benchmark.protocol.settings import setting
from lnlbench.benchmark.protocol.splits import TEST, Blind, prepare
from lnlbench.benchmark.runs import facts
from lnlbench.benchmark.runs.facts import teller
from lnlbench.benchmark.sweep import worker
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import sweep
from lnlbench.benchmark.tuning import pipeline
from lnlbench.benchmark.tuning import search as optimisation
from lnlbench.benchmark.tuning.budget import Budget, TuneError
from lnlbench.benchmark.tuning.outcome import FinishedTraining, FinishedTrial, Outcome
from lnlbench.benchmark.tuning.pruning import pruning
from lnlbench.benchmark.tuning.scoring import SCORE, Scorer
from lnlbench.benchmark.tuning.sealed import REVEALED, SEALED
from lnlbench.benchmark.tuning.search_spec import told_value
from lnlbench.benchmark.tuning.trials import TUNING, WEIGHTS, Trial, bar_of, behind, train_trials
from lnlbench.datasets.loading.images import load
from lnlbench.datasets.noise import base as noise_base
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.rules import best_epoch, resolution
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods import Composition
from lnlbench.methods.base import Range

AT = "digits/symmetric-0.4"
FEW = Budget(trials=4, sampler="random", confirm=0, splits=1)


@pytest.fixture
def options(url):
    return Options(store=store_address(url), device="cpu", execution="loop")


def plan_of(options, methods="gce", targets=(AT,), replicates="0-1", epochs=2, **more):
    return pipeline.plan(targets, methods, replicates, {"epochs": epochs}, options, **more)


def failing(error):
    """What raises, in place of a function."""

    def fail(*of):
        raise error

    return fail


def client(url):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=url)


def made(url):
    """What MLflow holds of trials and searches."""
    experiments = [one.experiment_id for one in client(url).search_experiments()]
    found = client(url).search_runs(experiments, max_results=1000)
    return {kind: [run for run in found if run.data.tags.get("lnlbench.kind") == kind] for kind in ("trial", "study")}


@pytest.mark.slow
def test_a_search_from_its_first_trial_to_the_page(options, url, tmp_path):
    page = tmp_path / "docs" / "tuning.md"
    found = plan_of(options, "gce, early_stopping", ["digits/symmetric-0.4", "digits/symmetric-0.2"])
    assert [spec.name for spec in found.specs] == [
        f"tune/digits,epochs=2/symmetric-0.4/{name}" for name in ("gce", "ce")
    ], "one search per family, at its reference; a reading has none"
    outcomes, runs, report = pipeline.make(found, FEW, options)
    assert not report.failed and len(report.done) == len({run.key for run in runs}) == 3 * 2 * 2
    first = outcomes[0].trials[0]
    assert [len(outcome.trials) for outcome in outcomes] == [4, 4]
    assert (first.run.method, first.run.setting.lr) == (found.specs[0].run.method, 0.02), "first the defaults"
    assert all(0 < told.test < 1 and told.validation for outcome in outcomes for told in outcome.trials)
    for one in (one for outcome in outcomes for one in outcome.runs):
        curves = one.curves
        assert curves["test_accuracy"][best_epoch(curves["validation_accuracy"])] == pytest.approx(one.test)
        assert all(0 <= value <= 1 for value in curves["memorised"]), "exact after epochs 1 and 2"
        assert set(one.rules) == {"confident_loss", "corrected_accuracy"}

    store = Store(url)
    results = store.results()
    assert {result.track for result in results} == {"tuned"}, "trials are no results"
    winner = outcomes[0].winner
    gce = [result for result in results if result.label == "gce"]
    assert {result.identity["setting"]["lr"] for result in gce} == {winner.run.setting.lr}
    assert {result.setting for result in gce} == {f"digits,epochs=2/symmetric-{rate}" for rate in ("0.4", "0.2")}
    assert {result.cost["tuning_trials"] for result in gce} == {4}
    assert gce[0].cost["tuning_seconds"] == pytest.approx(outcomes[0].seconds, abs=0.01) and outcomes[0].seconds > 0
    draws = {result.identity["noise"]["labels_sha256"] for result in results}
    kinds = made(url)
    children = Counter(run.data.tags["mlflow.parentRunId"] for run in kinds["trial"])
    assert children == {run.info.run_id: 4 for run in kinds["study"]}
    for run in kinds["trial"]:
        trial = store.file(run.info.run_id, "noise.json").decode()
        assert not any(draw in trial for draw in draws), "the noise of tuning is no replicate's"
        assert SCORE in run.data.metrics and not (set(run.data.metrics) & {"accuracy/test", "score/noisy_val"})
        for name in (WEIGHTS, SEALED):
            with pytest.raises(StoreError):
                store.file(run.info.run_id, name)
        assert store.file(run.info.run_id, REVEALED)
    for run in kinds["study"]:
        for name in ("budget.svg", "importance.svg", "parallel.svg", "intermediate.svg"):
            assert store.file(run.info.run_id, name).startswith(b"<?xml")
        assert run.data.metrics["device_seconds"] > 0 and run.data.metrics["trials"] == 4

    done = pipeline.tune(found, FEW, options, None, page, "the command", curves=tmp_path / "curves.jsonl.xz")
    table = [json.loads(line) for line in lzma.decompress((tmp_path / "curves.jsonl.xz").read_bytes()).splitlines()]
    assert [(row["study"], row["place"]) for row in table] == [(o.spec.name, i) for o in outcomes for i in range(4)]
    assert all(len(row["curves"]["test_accuracy"]) == row["epochs"] == 2 for row in table)
    assert [row["label"] for row in table if row["chosen"]] == ["gce", "ce"]
    assert [(one.setting, [*one.chosen]) for one in done.won] == [
        (f"digits,epochs=2/symmetric-{rate}", ["gce", "ce", "early_stopping"]) for rate in ("0.4", "0.2")
    ]
    assert len(made(url)["trial"]) == 8 and not done.failed, "a second call makes nothing"
    written = [len(client(url).get_metric_history(run.info.run_id, "trials")) for run in kinds["study"]]
    assert written == [1, 1], "nor does it draw what is there"
    text = page.read_text()
    assert text.count("### digits,epochs=2/symmetric-0.4") == 1 and "the command" in text
    page.write_text(text.replace("# Tuning", "# Tuning\n\nby hand"))
    pipeline.tune(found, FEW, options, None, page, "another command")
    assert page.read_text() == text.replace("# Tuning", "# Tuning\n\nby hand").replace("the command", "another command")
    figures = sorted(path.name for path in (page.parent / "figures").iterdir())
    assert len(figures) == 2 and all(path.endswith(".svg") for path in figures)


@pytest.mark.slow
def test_progress_counts_trials_and_then_what_is_retrained(options):
    said: list[str] = []
    budget = Budget(trials=10, sampler="random", confirm=0, splits=1)
    sweep([run for _, run in plan_of(options, "gce", epochs=1).served.values()], options)
    pipeline.tune(plan_of(options, "gce", replicates="0-5", epochs=1), budget, options, say=said.append, both=True)
    assert said == ["10 of 10 trials made.", "10 of 10 runs retrained."], "two of twelve were stored before"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["co_teaching", "dividemix"])
def test_the_score_is_that_of_the_best_validation_epoch(options, method):
    """The same trial with the test set in sight, for once; its kept weights score what its best epoch scored, too."""
    (spec,) = plan_of(options, method, epochs=4).specs
    outcome = optimisation.search([spec], Budget(trials=1, confirm=0), options)[spec.name]
    scorer = Scorer(load("digits"), options, Store(options.store))
    trial = outcome.trials[0].run
    before = scorer.evaluated(trial, scorer.stored[trial.key], {})  # as where it is older than sealed curves
    (told,) = scorer.outcome(outcome).trials
    assert before == {SCORE: told.test} | {f"rule/{name}": value for name, value in told.runs[0].rules.items()}
    seen = prepare(told.run.setting, TUNING, load("digits"))

    run = told.run
    facts = teller(choose_compute("cpu", "fp32")).facts(run.told, run.method.told, run.setting, seen)
    job = Job(run.setting, run.method, TUNING, seen.split, facts.values)
    epochs = list(fit(job, device="cpu", precision="fp32"))
    best = max(epochs, key=lambda epoch: (epoch.validation_accuracy, -epoch.epoch))
    assert told.validation == best.validation_accuracy
    assert told.test == pytest.approx((best.predictions["test"] == seen.truth.test).double().mean().item())


def test_scoring_makes_data_and_estimates_once_and_computes_as_trials_do(options, monkeypatch):
    """Two searches on the same data, one of them told an estimate: it is not made again, and one thread made it."""
    estimates, loaded, drawn = [], [], []

    def estimate(*of):
        estimates.append(torch.get_num_threads())
        return real_estimate(*of)

    def load_once(*of):
        images = load(*of)
        loaded.append(weakref.ref(images))
        return images

    def draw(setting, name, *of):
        drawn.append(name)
        return prepare(setting, name, *of)

    real_estimate = facts.estimate
    monkeypatch.setattr(facts, "estimate", estimate)
    monkeypatch.setattr(pipeline, "load", load_once)
    monkeypatch.setattr("lnlbench.benchmark.tuning.scoring.prepare", draw)
    budget, before = Budget(trials=1, confirm=0), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for names in ("ce, gce", "co_teaching, sam"):
            facts.teller.cache_clear()
            closed = optimisation.search(plan_of(options, names, epochs=1).specs, budget, options)
            with Store(options.store) as store:
                scored = pipeline._scored(closed, options, store)
            assert list(scored) == list(closed) and all(outcome.trials[0].test for outcome in scored.values())
            assert estimates == [1], names
            assert len(loaded) == 1 and drawn == [TUNING], names
            assert loaded[0]() is None, "no label of the test set is in reach of the next search"
            estimates.clear(), loaded.clear(), drawn.clear()
    finally:
        torch.set_num_threads(before)


def test_a_kill_between_score_and_deletion_leaves_no_file_for_good(options, monkeypatch):
    """What was scored before is looked at again without a question to MLflow, 20 ms each; what is left is deleted."""
    from mlflow import MlflowClient

    asked = []
    closed = optimisation.search(plan_of(options, epochs=1).specs, replace(FEW, trials=2, splits=2), options)

    def get_run(client, run_id, real=MlflowClient.get_run):
        asked.append(run_id)
        return real(client, run_id)

    def score():
        with Store(options.store) as store:
            (outcome,) = pipeline._scored(closed, options, store).values()
            runs = store.stored()
            entries = [runs.run(training.run.key) for training in outcome.trials[0].runs]
            return outcome, [store._files.to_read(entry.artifacts) for entry in entries]

    monkeypatch.setattr(MlflowClient, "get_run", get_run)
    with monkeypatch.context() as patched:
        patched.setattr(Store, "remove_files", failing(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            score()
    scored, folders = score()
    assert all((folder / REVEALED).exists() for folder in folders) and len(folders) == 2 == len({*asked})
    assert not [file for folder in folders for name in (WEIGHTS, SEALED) if (file := folder / name).exists()]
    asked.clear()
    assert score()[0].trials == scored.trials and asked == []


def test_a_search_on_a_subset_knows_the_size_of_its_validation_part(options):
    (spec,) = pipeline.plan([AT], "ce", "0", {"samples": 500, "epochs": 1}, options).specs
    assert spec.size == len(spec.trial(0, None).prepare(load("digits")).split.validation_given) == 50
    assert spec.resolution == pytest.approx(resolution(50, 0.6, 0.4, 10))


# Interrupted, refused.


@pytest.mark.slow
def test_a_search_that_was_interrupted_goes_on_as_if_nothing_had_happened(options, url, tmp_path, template):
    budget = Budget(trials=13, batch=2, confirm=0, splits=1)
    shutil.copy(template, tmp_path / "whole.db")
    whole = replace(options, store=store_address(f"sqlite:///{tmp_path / 'whole.db'}"))
    specs = plan_of(options, "ce", epochs=1).specs
    name = specs[0].name
    expected = optimisation.search(specs, budget, whole, f"sqlite:///{tmp_path / 'whole-studies.db'}")[name]
    seen = []

    def interrupt(event):
        if event.kind == "done" and event.key not in seen:
            seen.append(event.key)
            if len(seen) in (3, 11):
                raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            optimisation.search(specs, budget, options, watch=interrupt)
    found = optimisation.search(specs, budget, options, watch=interrupt)[name]
    assert [(told.values, told.validation) for told in found.trials] == [
        (told.values, told.validation) for told in expected.trials
    ]
    finished = Counter(run.data.tags["lnlbench.key"] for run in made(url)["trial"] if run.info.status == "FINISHED")
    assert finished == {told.run.key: 1 for told in found.trials} and len(finished) == 13


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "epochs", "difference"),
    [
        pytest.param(replace(FEW, trials=5), 2, "trials 4, not 5", id="budget"),
        pytest.param(replace(FEW, sampler="tpe"), 2, "sampler random, not tpe", id="sampler"),
        pytest.param(replace(FEW, seed=1), 2, "seed 0, not 1", id="seed"),
        pytest.param(
            replace(FEW, objective="epoch"),
            2,
            "objective window, not epoch; --objective window --splits 1 goes on with it",
            id="objective",
        ),
    ],
)
def test_another_search_of_the_same_name_is_refused(options, changed, epochs, difference):
    specs = plan_of(options, epochs=epochs).specs
    optimisation.search(specs, FEW, options)
    with pytest.raises(TuneError, match=f"the search 'tune/.*{difference}.*--study NAME starts another"):
        optimisation.search(specs, changed, options)


def test_other_ranges_and_another_protocol_are_refused(options, monkeypatch):
    specs = plan_of(options).specs
    optimisation.search(specs, FEW, options)
    monkeypatch.setattr("lnlbench.benchmark.tuning.space.WEIGHT_DECAY", Range(1e-6, 1e-2, log=True))
    monkeypatch.setattr("lnlbench.benchmark.tuning.search_spec.PROTOCOL", 2)
    with pytest.raises(TuneError, match=r"protocol 1, not 2.*weight_decay 1e-05 to 0\.01 log, not 1e-06 to 0\.01 log"):
        optimisation.search(specs, FEW, options)


def test_a_database_that_is_down_is_one_line(options):
    with pytest.raises(StoreError, match="cannot be") as caught:
        optimisation.search(plan_of(options).specs, FEW, options, "sqlite:////proc/none/studies.db")
    assert "\n" not in str(caught.value)


def test_what_training_raises_is_not_blamed_on_the_searches(options, monkeypatch):
    """A data file that is gone is no trouble of the database; what the database says during a round is."""
    specs = plan_of(options).specs
    monkeypatch.setattr(optimisation, "sweep", failing(FileNotFoundError(2, "No such file", "labels.npy")))
    with pytest.raises(FileNotFoundError, match=r"labels\.npy"):
        optimisation.search(specs, FEW, options)
    for asked in ("round", "closed"):
        locked = failing(sqlite3.OperationalError("database is locked"))
        with monkeypatch.context() as patched:
            patched.setattr(optimisation.Search, asked, property(locked) if asked == "closed" else locked)
            with pytest.raises(StoreError, match=r"studies\.db is locked"):
                optimisation.search(specs, FEW, options)


def test_searches_that_are_closed_sweep_nothing(options, monkeypatch):
    """A sweep reads the keys of the whole store: with 56 methods, 28 times for nothing."""
    specs = plan_of(options, "ce, gce", epochs=1).specs
    closed = optimisation.search(specs, Budget(trials=1, confirm=0, splits=1), options)
    monkeypatch.setattr(optimisation, "sweep", failing(AssertionError("nothing is missing")))
    again = optimisation.search(specs, Budget(trials=1, confirm=0, splits=1), options)
    assert [outcome.trials for outcome in again.values()] == [outcome.trials for outcome in closed.values()]


def test_a_search_that_cannot_be_opened_gives_its_claim_back(options, monkeypatch):
    class Opened(optimisation.Search):
        """Is opened once, to be checked, and then the store is away."""

        opened = False

        def __init__(self, *how):
            if Opened.opened:
                raise StoreError("the store is away")
            Opened.opened = True
            super().__init__(*how)

    monkeypatch.setattr(optimisation, "Search", Opened)
    (spec,) = plan_of(options).specs
    with pytest.raises(StoreError, match="the store is away"):
        optimisation.search([spec], FEW, options)
    assert not [thread for thread in threading.enumerate() if thread.name == f"claim {spec.key[:8]}"]
    with Store(options.store) as store:
        assert store.claims.states([spec.key]) == {}


def test_a_round_that_another_process_told_meanwhile_is_told_once(options, monkeypatch):
    """A process that was suspended beyond its claim goes on in the middle of telling."""
    plain = optimisation.Search

    class Suspended(plain):
        taken_over = False

        def __init__(self, *how):
            super().__init__(*how)
            self.how = how

        def told(self, *of):
            if not Suspended.taken_over:
                Suspended.taken_over = True
                plain(*self.how).tell(self.how[-1], {})
            return super().told(*of)

    monkeypatch.setattr(optimisation, "Search", Suspended)
    specs = plan_of(options).specs
    outcome = optimisation.search(specs, FEW, options)[specs[0].name]
    assert Suspended.taken_over and len(outcome.trials) == 4


@pytest.mark.slow
def test_a_trial_that_fails_is_told_the_floor_and_counts(options, monkeypatch):
    real = train_trials

    def sometimes(members, **how):
        if any(run.replicate == 2 for run, _ in members):
            raise RuntimeError("no luck")
        return real(members, **how)

    monkeypatch.setattr("lnlbench.benchmark.tuning.trials.train_trials", sometimes)
    specs = plan_of(options).specs
    outcome = optimisation.search(specs, FEW, options)[specs[0].name]
    assert [told.reason for told in outcome.trials] == ["", "", "RuntimeError: no luck", ""]
    assert outcome.winner.number != 2
    again = optimisation.search(specs, FEW, options)[specs[0].name]
    assert [told.reason for told in again.trials] == [told.reason for told in outcome.trials], "told once and for all"


@pytest.mark.slow
def test_a_method_whose_every_trial_fails_stops_no_other(options, monkeypatch, tmp_path):
    real = train_trials

    def partly(members, **how):
        if any(run.label == "gce" for run, _ in members):
            raise RuntimeError("no luck")
        return real(members, **how)

    monkeypatch.setattr("lnlbench.benchmark.tuning.trials.train_trials", partly)
    page, curves = tmp_path / "tuning.md", tmp_path / "curves.jsonl"
    done = pipeline.tune(plan_of(options, "gce, ce"), FEW, options, None, page, both=True, curves=curves)
    why = "every trial failed, the first: RuntimeError: no luck"
    assert done.failed == [f"tune/digits,epochs=2/symmetric-0.4/gce: {why}"]
    assert [(row["failed"], row["winner"] is None) for row in done.rows] == [(4, True), (0, False)]
    assert f"- gce at digits,epochs=2/symmetric-0.4: {why}\n" in page.read_text()
    assert "| ce |" in page.read_text() and "| gce |" not in page.read_text()
    assert {result.label for result in Store(options.store).results()} == {"ce"}
    rows = [json.loads(line) for line in curves.read_text().splitlines()]
    assert [row["chosen"] for row in rows if row["label"] == "gce"] == [False] * 4
    only = pipeline.tune(plan_of(options, "gce"), FEW, options, None, tmp_path / "only.md")
    assert len(only.failed) == 1 and why in (tmp_path / "only.md").read_text()


def test_the_worst_is_clipped():
    assert told_value(0.5, 0.6, 10_000, 10) == pytest.approx(0.6 - 5 * 0.0049, abs=1e-4)
    assert told_value(0.59, 0.6, 10_000, 10) == 0.59
    assert told_value(None, None, 100, 10) == 0.0
    assert told_value(None, 0.6, 10_000, 10) == told_value(0.1, 0.6, 10_000, 10)


# Out of reach.


class Poison:
    """In the place of an array: its length is no secret (it says whether the data set is whole), all else fails."""

    def __init__(self, length):
        object.__setattr__(self, "length", length)

    def __len__(self):
        return object.__getattribute__(self, "length")

    def __getattribute__(self, name):
        if name == "__class__":
            return Poison
        raise AssertionError(f"{name} was asked of what tuning must not read")

    def __getitem__(self, index):
        raise AssertionError("what tuning must not read was read")


@pytest.fixture
def drawn_before(monkeypatch):
    """The labels of tuning, drawn by somebody else: the noise, too, need not see a true label any more."""
    images, real = load("digits"), noise_base.parse_noise(setting(AT).noise)
    seeds, original = {}, type(real).corrupt

    def corrupt(self, poison, number):
        seeds.setdefault(number, original(real, images, number))
        return seeds[number]

    monkeypatch.setattr(type(real), "corrupt", corrupt)
    return images


@pytest.mark.slow
def test_the_tuner_reads_neither_test_labels_nor_true_labels(options, drawn_before, monkeypatch):
    names = ("train_labels", "test_labels")
    secret = replace(drawn_before, **{name: Poison(len(getattr(drawn_before, name))) for name in names})
    specs = plan_of(options, "gce, co_teaching").specs
    monkeypatch.setattr(data_module, "load_blind", lambda name, data_dir: secret)
    data_module._kept.cache_clear()
    worker._latest.clear()
    try:
        outcomes = optimisation.search(specs, FEW, options)
        assert [told.reason for outcome in outcomes.values() for told in outcome.trials] == [""] * 8
        with pytest.raises((AssertionError, ValueError)):  # the poison works
            prepare(specs[0].run.setting, 0, secret)
    finally:
        data_module._kept.cache_clear()
        worker._latest.clear()


def test_a_trial_takes_no_data_that_know_the_truth():
    run = Trial(setting(AT), Composition(), "ce", 0, "f")
    with pytest.raises(TypeError, match="blind data, but got Trial on Prepared"):
        next(train_trials([(run, prepare(setting(AT), TUNING, load("digits")))]))


def test_blind_data_have_no_place_for_the_truth():
    assert set(Blind.__dataclass_fields__) == {"split", "identity"}
    data = Trial(setting(AT), Composition(), "ce", 0, "f").prepare(load("digits"))
    assert isinstance(data, Blind) and set(data.split.probes) == {TEST}


def test_a_trial_knows_no_accuracy_but_validation(options, url):
    specs = plan_of(options).specs
    outcome = optimisation.search(specs, FEW, options)[specs[0].name]
    result = Store(url).result(outcome.trials[1].run.key)
    assert not result.scored and result.track == TUNING
    known = {name for name, row in result.curves.items() if any(value is not None for value in row)}
    assert not {name for name in known if name.endswith(("_online", "_exact"))} and "test_accuracy" not in known
    assert {(one.test, *one.curves, *one.rules) for one in outcome.runs} == {(None,)}, "sealed until it is closed"
    weights = Store(url).file(Store(url).stored()[outcome.trials[1].run.key], WEIGHTS)
    assert set(torch.load(io.BytesIO(weights), weights_only=True)) == {"models", "averaged"}


# Pruning.


def test_no_trial_is_given_up_before_a_third():
    bar = bar_of([[0.2, 0.5, 0.4, 0.6], [0.4, 0.3]], 10)
    assert bar[:4] == pytest.approx((0.3, 0.45, 0.45, 0.5)) and bar[9] == pytest.approx(0.5)
    assert not behind(bar, [0.1, 0.1], 10), "its time of grace"
    assert behind(bar, [0.1, 0.1, 0.1], 10) and not behind(bar, [0.1, 0.5, 0.1], 10)
    assert not behind((), [0.0] * 9, 10), "nothing to compare with"


@pytest.mark.slow
def test_pruned_trials_end_early_and_count(options):
    budget = Budget(trials=14, sampler="random", prune=True, batch=4, confirm=0, splits=1)
    specs = plan_of(options, "ce", epochs=5).specs
    outcome = optimisation.search(specs, budget, options)[specs[0].name]
    trained = [made.epochs for made in outcome.runs]
    assert len(trained) == 14 and trained[:10] == [5] * 10 and min(trained) >= 2
    left = 14 * 5 - sum(trained)
    said = pruning([outcome])
    assert f"gave up {sum(n < 5 for n in trained)} of 14 trials and saved {left} of 70 epochs" in said
    assert pruning([replace(outcome, trials=outcome.trials[:10])]) == "Pruning gave up none of 10 trials."


def test_a_better_trial_that_was_given_up_is_named(options):
    """A winner of 0.6, and a trial that stood at 0.9 when it was given up after 2 of 5 epochs."""
    (spec,) = plan_of(options, "ce", epochs=5).specs
    runs = [
        FinishedTraining(spec.trial(i, None), validation, 1.0, epochs=epochs)
        for i, validation, epochs in ((0, 0.5, 5), (1, 0.4, 2))
    ]
    for test, said in ((0.9, "For ce a trial that was given up had a higher"), (0.5, "No trial had a higher")):
        scored = [replace(runs[0], test=0.6), replace(runs[1], test=test)]
        outcome = Outcome(spec, FEW, tuple(FinishedTrial(i, {}, (one,)) for i, one in enumerate(scored)))
        assert said in pruning([outcome]) and "saved 3 of 10 epochs, about 2 device-seconds" in pruning([outcome])


def test_a_tuner_that_is_suspended_while_it_writes_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("lnlbench.leaderboard.store.database.WAIT", 0.1)
    file = tmp_path / "studies.db"
    other = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
    with optimisation.opened(f"sqlite:///{file}") as storage, closing(other):
        other.execute("BEGIN IMMEDIATE")
        waked = threading.Timer(0.5, other.rollback)
        waked.start()
        optuna.create_study(storage=storage, study_name="s")
        waked.join()


@pytest.mark.slow
def test_a_search_from_before_is_of_the_precision_of_its_trials(options, url, tmp_path):
    """Definitions of before name no precision: the trials that are stored say which it was."""
    rounded, plain = (plan_of(options, precision=precision).specs for precision in ("bf16", "fp32"))
    storage = f"sqlite:///{tmp_path / 'studies.db'}"
    first = optimisation.search(rounded, FEW, options, storage)[rounded[0].name]
    kept = optuna.load_study(study_name=rounded[0].name, storage=storage)
    kept.set_user_attr("definition", {k: v for k, v in kept.user_attrs["definition"].items() if k != "precision"})
    again = optimisation.search(rounded, FEW, options, storage)[rounded[0].name]
    assert again.trials == first.trials and len(made(url)["trial"]) == 4, "it was closed, and stays so"
    with pytest.raises(TuneError, match="precision bf16, not fp32; --study NAME starts another"):
        optimisation.search(plain, FEW, options, storage)
