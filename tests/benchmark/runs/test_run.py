"""One run: what its key is made of, what its result holds, and readings that equal training with a stop."""

import pickle
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from lnlbench.benchmark import Job, Setting, fit, prepare
from lnlbench.benchmark.protocol.settings import setting
from lnlbench.benchmark.runs import run as runs
from lnlbench.benchmark.runs.metrics import diagnose
from lnlbench.benchmark.runs.reading import read_run
from lnlbench.benchmark.runs.record import Curves
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.verification.consistency import costs
from lnlbench.datasets.loading.images import load
from lnlbench.leaderboard.results.result import from_json, to_json, unpack
from lnlbench.leaderboard.results.rules import RULES
from lnlbench.methods import parse

NOISY = setting("digits/symmetric-0.4").override(epochs=4)
CPU = {"device": "cpu", "precision": "fp32"}


@pytest.fixture(scope="module")
def prepared():
    return prepare(NOISY, 0, load("digits"))


def run_of(text="ce", label=None, changed=NOISY, replicate=0, fingerprint="f"):
    return Run(changed, parse(text), label or text, replicate, fingerprint)


# Keys.

OTHER = {
    "dataset": "mnist",
    "noise": "symmetric-0.5",
    "model": "cnn4",
    "epochs": 5,
    "lr": 0.06,
    "weight_decay": 1e-4,
    "length": "full",
    "validation": 0.2,
    "batch_size": 32,
    "optimizer": "adam",
    "momentum": 0.8,
    "schedule": "constant",
    "augment": True,
    "samples": 500,
    "track": "open",
    "grad_clip": 5.0,
    "lr_min": 0.001,
}


@pytest.mark.parametrize("field", [f.name for f in fields(Setting) if f.name not in ("task", "precision")])
def test_the_key_changes_with_every_field_of_the_setting(field):
    assert getattr(NOISY, field) != OTHER[field]
    assert run_of(changed=replace(NOISY, **{field: OTHER[field]})).key != run_of().key


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(run_of("gce"), id="method"),
        pytest.param(run_of(replicate=1), id="replicate"),
        pytest.param(run_of(fingerprint="g"), id="data"),
        pytest.param(replace(run_of(), precision="bf16"), id="precision"),
    ],
)
def test_the_key_changes_with_all_that_makes_the_result(other):
    assert other.key != run_of().key


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("gce", "gce(q=0.7)", True, id="the default written out"),
        pytest.param("gce", "gce(q=0.71)", False, id="another value"),
        pytest.param("gce + sam", "sam + gce", True, id="another order of the same"),
        pytest.param("sam", "sam(adaptive=True)", False, id="a truth value"),
        pytest.param("ce + gce", "gce", True, id="cross-entropy adds nothing"),
        pytest.param("gce", "gce + early_stopping", False, id="a reading is a result of its own"),
    ],
)
def test_the_key_knows_the_method_with_every_value(one, other, same):
    assert (run_of(one).key == run_of(other).key) is same


def test_the_key_changes_with_the_protocol(monkeypatch):
    before = run_of().key
    monkeypatch.setattr(runs, "PROTOCOL", 2)
    assert run_of().key != before


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(run_of(changed=replace(NOISY, task="another")), id="the name of the task"),
        pytest.param(run_of(label="mine"), id="the label"),
        pytest.param(run_of(changed=replace(NOISY, precision="bf16")), id="what the recipe says of the precision"),
        pytest.param(run_of(changed=setting("digits/symmetric-0.4").override(epochs=4)), id="the way there"),
    ],
)
def test_the_key_does_not_change_with_names(other):
    assert other.key == run_of().key


def test_the_key_never_changes():
    fixed = Setting("any", "digits", "symmetric-0.4", "mlp", epochs=40, lr=0.05, weight_decay=0.0)
    run = Run(fixed, parse("gce"), "gce", 0, "0" * 64)
    assert run.key == "8cbed89ed4768732d50fd20f99350f61", "what is stored would be run again"


def test_a_key_that_was_asked_for_changes_nothing_else():
    """It is kept in the run; a copy with another value has a key of its own."""
    asked, fresh = run_of("gce"), run_of("gce")
    key = asked.key
    assert asked == fresh and repr(asked) == repr(fresh) and pickle.loads(pickle.dumps(asked)) == fresh
    assert pickle.loads(pickle.dumps(asked)).key == key == replace(asked, label="mine").key
    assert replace(asked, replicate=1).key == run_of("gce", replicate=1).key != key


@pytest.mark.parametrize(
    ("label", "text", "host_label", "host_text"),
    [
        pytest.param("early_stopping", "early_stopping", "ce", "ce", id="of cross-entropy"),
        pytest.param("gce + early_stopping", "gce + early_stopping", "gce", "gce(q=0.7)", id="of another"),
        pytest.param(
            "early_stopping + sam(rho=5e-1)", "early_stopping + sam(rho=5e-1)", "sam(rho=5e-1)", None, id="as written"
        ),
        pytest.param(
            "sam(rho=1e+0) + early_stopping", "sam(rho=1e+0) + early_stopping", "sam(rho=1e+0)", None, id="plus"
        ),
        pytest.param("gce", "gce", None, None, id="no reading"),
    ],
)
def test_hosts(label, text, host_label, host_text):
    host = run_of(text, label).host
    if host_label is None:
        assert host is None
    else:
        assert host.label == host_label
        assert str(host.method) == str(parse(host_text or host_label))
        assert host.key == run_of(host_label).key and host.host is None


# Results.


@pytest.fixture(scope="module")
def epochs(prepared):
    told = {"noise_rate": prepared.manifest["realised_rate"]}
    return {text: list(fit(Job(NOISY, parse(text), 0, prepared.split, told), **CPU)) for text in ("ce", "co_teaching")}


@pytest.fixture(scope="module")
def results(prepared, train_run):
    runs = {text: replace(run_of(text), told="true") for text in ("ce", "co_teaching")}
    return {text: train_run(run, prepared) for text, run in runs.items()}


@pytest.mark.parametrize("text", ["ce", "co_teaching"])
def test_curves_are_what_training_gave(text, results, epochs, prepared):
    result, curves = results[text], results[text].curves
    assert {len(row) for row in curves.values()} == {4} and result.trained == 4
    for name, field in (
        ("objective", "loss"),
        ("validation_accuracy", "validation_accuracy"),
        ("learning_rate", "lr"),
        ("weight_norm", "weight_norm"),
        ("distance", "distance"),
        ("forward_passes", "forward"),
        ("backward_passes", "backward"),
    ):
        assert curves[name] == [getattr(epoch, field) for epoch in epochs[text]], name
    truth = prepared.truth
    assert curves["test_accuracy"] == [
        (epoch.predictions["test"] == truth.test).double().mean().item() for epoch in epochs[text]
    ]
    for name in ("online", "exact"):
        for number, epoch in enumerate(epochs[text]):
            found = getattr(epoch, name)
            expected = {} if found is None else diagnose(found, prepared.split.given, truth.train)
            for key in ("loss_wrong", "memorised", "corrected", "auroc"):
                assert curves[f"{key}_{name}"][number] == expected.get(key)
    assert [value is None for value in curves["memorised_exact"]] == [False, False, True, False]
    assert ("precision_online" in curves) is (text == "co_teaching")
    assert min(curves["seconds_train"]) > 0 and min(curves["seconds_evaluate"]) > 0


def test_scores_can_be_computed_again_from_the_predictions(results, prepared):
    for text, result in results.items():
        predictions = unpack(result.predictions)
        assert predictions.shape == (4, 2 if text == "co_teaching" else 1, 360)
        again = (predictions == prepared.truth.test.numpy()).mean((1, 2))
        assert np.allclose(again, result.curves["test_accuracy"])


def test_the_ensemble_of_two_networks_has_a_curve(results, epochs, prepared):
    assert "test_accuracy_ensemble" not in results["ce"].curves
    expected = [
        (epoch.ensemble["test"] == prepared.truth.test).double().mean().item() for epoch in epochs["co_teaching"]
    ]
    assert results["co_teaching"].curves["test_accuracy_ensemble"] == expected
    assert expected != results["co_teaching"].curves["test_accuracy"]


@pytest.mark.parametrize("text", ["ce", "co_teaching"])
def test_a_result_says_what_made_it(text, results, prepared):
    result, run = results[text], replace(run_of(text), told="true")
    assert (result.key, result.protocol, result.host, result.track) == (run.key, 1, None, "default")
    assert (result.dataset, result.setting) == ("digits", "digits,epochs=4/symmetric-0.4")
    mark = "" if text == "ce" else " [true]"
    assert (result.method, result.label, result.replicate) == (f"{parse(text)}{mark}", f"{text}{mark}", 0)
    assert result.told == (() if text == "ce" else ("noise_rate (true)",))
    assert (result.networks, result.classes, result.epochs) == (2 if text == "co_teaching" else 1, 10, 4)
    assert result.identity["setting"] == NOISY.identity()
    assert result.identity["noise"] == prepared.manifest
    assert result.identity["split"]["sha256"] == prepared.identity["split"]["sha256"]
    assert result.identity["dataset"]["official"] is True
    assert {"lnlbench", "commit", "torch", "hardware", "device", "precision"} <= result.environment.keys()
    cost = result.cost
    assert cost["epochs"] == 4 and cost["networks"] == result.networks
    assert cost["train_seconds"] == pytest.approx(sum(result.curves["seconds_train"]))
    assert cost["total_seconds"] == pytest.approx(cost["train_seconds"] + sum(result.curves["seconds_evaluate"]))
    assert cost["samples_per_second"] == pytest.approx(4 * 1293 / cost["train_seconds"])
    assert cost["forward_passes"] == cost["backward_passes"] == result.networks
    assert 50 < cost["peak_memory_mb"] < 50_000


@pytest.mark.parametrize("text", ["ce", "co_teaching"])
def test_a_result_survives_json(text, results):
    assert from_json(to_json(results[text])) == results[text]


def test_a_run_that_diverges_is_a_result(prepared, train_run):
    wild = replace(NOISY, lr=100.0, weight_decay=1.0, momentum=0.99, epochs=30)
    result = train_run(run_of(changed=wild), prepared)
    assert result.diverged and 0 < result.trained < 30 and result.epochs == 30
    assert all(rule(result) == 0.1 for rule in RULES.values()), "chance"
    assert to_json(from_json(to_json(result))) == to_json(result)
    reading = read_run(run_of("early_stopping(patience=1.0)", changed=wild), result)
    assert reading.diverged and reading.trained == result.trained


def test_the_watcher_sees_every_epoch(prepared, train_run):
    seen = []
    result = train_run(run_of(), prepared, watch=lambda _, epoch, numbers: seen.append((epoch, numbers)))
    assert [epoch for epoch, _ in seen] == [0, 1, 2, 3]
    for epoch, numbers in seen:
        assert numbers == {n: row[epoch] for n, row in result.curves.items() if n in numbers}


def test_a_curve_that_begins_late_has_gaps_before():
    curves = Curves()
    curves.add({"a": 1.0}, np.zeros(1))
    curves.add({"a": 2.0, "b": 3.0}, np.zeros(1))
    curves.add({"b": 4.0}, np.zeros(1))
    curves.add({"b": 5.0, "late": 6.0, "a": 7.0}, np.zeros(1))
    expected = {"a": [1.0, 2.0, None, 7.0], "b": [None, 3.0, 4.0, 5.0], "late": [None, None, None, 6.0]}
    assert list(curves.values.items()) == list(expected.items()), "in the order in which they came, in every process"


# Readings.

STOPPED = NOISY.override(epochs=16, lr=0.3)


@pytest.fixture(scope="module")
def host(prepared, train_run):
    return train_run(run_of(changed=STOPPED), prepared)


@pytest.mark.parametrize("patience", [0.05, 0.1, 0.2, 1.0])
def test_a_reading_equals_training_with_the_stop_honoured(patience, prepared, host, train_run):
    run = run_of(f"early_stopping(patience={patience})", changed=STOPPED)
    trained, read = train_run(run, prepared), read_run(run, host)
    assert read.trained == trained.trained
    assert read.curves.keys() == trained.curves.keys()
    for name in read.curves.keys() - {"seconds_train", "seconds_evaluate"}:
        assert read.curves[name] == trained.curves[name], name
    assert np.array_equal(unpack(read.predictions), unpack(trained.predictions))
    assert (read.report, read.key, read.method) == (trained.report, trained.key, trained.method)
    assert read.host == host.key and trained.host is None
    for rule in RULES.values():
        assert rule(read) == rule(trained)
    stopped = read.trained < 16
    assert stopped is (patience < 1.0), "or this says nothing about stopping"


def test_a_reading_costs_its_host_up_to_the_stop(host):
    read = read_run(run_of("early_stopping(patience=0.05)", changed=STOPPED), host)
    length = read.trained
    assert length < 16 and read.cost["epochs"] == length
    assert read.cost["train_seconds"] == pytest.approx(sum(host.curves["seconds_train"][:length]))
    assert read.cost["total_seconds"] < host.cost["total_seconds"]
    assert read.environment == host.environment
    assert from_json(to_json(read)) == read


def test_a_reading_pays_for_the_whole_estimate_of_its_host(prepared, train_run):
    text, stopped = "small_loss", "small_loss + early_stopping(patience=0.05)"
    host = train_run(run_of(text, changed=STOPPED), prepared)
    run = run_of(stopped, changed=STOPPED)
    trained, read = train_run(run, prepared), read_run(run, host)
    assert read.trained == trained.trained < host.trained
    for name in ("forward_passes", "backward_passes"):
        assert read.cost[name] == pytest.approx(trained.cost[name]) and read.cost[name] > host.cost[name]
    assert costs(read, host) == []


def test_every_method_of_a_replicate_has_the_same_data_weights_and_batches(prepared):
    still = replace(NOISY, lr=0.0, weight_decay=0.0, epochs=1)
    first, second = (next(fit(Job(still, parse(t), 0, prepared.split), **CPU)) for t in ("ce", "gce + sam"))
    other = next(fit(Job(still, parse("ce"), 1, prepared.split), **CPU))
    weights = [e.state()["networks"]["models"][0]["head.weight"] for e in (first, second, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    assert torch.equal(first.online.index, second.online.index)
    assert not torch.equal(first.online.index, other.online.index)
    pair = Job(still, parse("co_teaching"), 0, prepared.split, {"noise_rate": 0.4})
    two = next(fit(pair, **CPU)).state()["networks"]["models"]
    assert torch.equal(two[0]["head.weight"], weights[0]) and not torch.equal(two[1]["head.weight"], weights[0])
