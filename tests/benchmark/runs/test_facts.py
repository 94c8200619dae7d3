"""What methods are told: estimates against the truth, the truth and wrong truths, and where it is written down."""

from dataclasses import replace
from typing import ClassVar

import pytest
import torch

from lnlbench.benchmark import Job, fit, prepare, setting
from lnlbench.benchmark.engine.device import choose_compute
from lnlbench.benchmark.engine.job import FactError
from lnlbench.benchmark.protocol.splits import canonical
from lnlbench.benchmark.runs.estimate_recipe import ESTIMATOR, length_of
from lnlbench.benchmark.runs.estimators import anchor_rate, confident_joint, noise_rate, transition_matrix
from lnlbench.benchmark.runs.facts import Teller, at_rate, mode_of, modes, stated
from lnlbench.benchmark.runs.noise_estimate import Estimate, estimate
from lnlbench.benchmark.runs.run import Run
from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.datasets.loading.images import load
from lnlbench.methods import Method, parse
from lnlbench.methods._compose import Composition

CPU = {"device": "cpu", "precision": "fp32"}
HOW = choose_compute(**CPU)


class Knowing(Method):
    """Wants all there is to know."""

    told: ClassVar[tuple] = ("noise_rate", "transition_matrix", "clean_validation")


KNOWING = Composition((Knowing(),))


@pytest.fixture(scope="module")
def digits():
    return load("digits", None)


@pytest.fixture(scope="module")
def data(digits):
    return {
        noise: (wanted := canonical(setting(f"digits/{noise}"), digits), prepare(wanted, 0, digits))
        for noise in ("clean", "symmetric-0.4", "asymmetric-0.4")
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "rate_within", "row_within"),
    [("clean", 0.02, 0.05), ("symmetric-0.4", 0.06, 0.25), ("asymmetric-0.4", 0.06, 0.2)],
)
def test_the_estimate_is_near_the_truth(noise, rate_within, row_within, data):
    wanted, prepared = data[noise]
    facts = Teller(HOW).facts("estimated", KNOWING.told, wanted, prepared)
    assert abs(facts.values["noise_rate"] - prepared.manifest["realised_rate"]) < rate_within
    error = facts.ledger["error"]
    assert error["noise_rate"] == facts.values["noise_rate"] - prepared.manifest["realised_rate"]
    assert error["transition_matrix"] < row_within
    assert torch.allclose(facts.values["transition_matrix"].sum(1), torch.ones(10, dtype=torch.float64))
    epochs = length_of(wanted, len(prepared.split.given))
    assert facts.seconds > 0 and (facts.passes, facts.evaluations) == (epochs, epochs + 1)
    assert facts.ledger["estimator"] == ESTIMATOR
    assert facts.ledger["noise_rate"] == min(facts.ledger["estimates"].values())


@pytest.mark.slow
def test_an_estimate_needs_no_truth_and_is_made_once(data):
    wanted, prepared = data["symmetric-0.4"]
    first, second = (estimate(wanted, prepared.split, 0, HOW) for _ in range(2))
    assert first.rate == second.rate and torch.equal(first.matrix, second.matrix)
    teller = Teller(HOW)
    assert teller.estimate(wanted, prepared) is teller.estimate(wanted, prepared)
    assert teller.estimate(wanted, prepared).rate == first.rate


def test_the_confident_joint_of_a_perfect_network_is_the_count_of_the_labels():
    true = torch.arange(4).repeat(50)
    given = torch.where(torch.rand(200) < 0.3, torch.randint(4, (200,)), true)
    joint = confident_joint(torch.eye(4)[true] * 0.94 + 0.015, given)
    counts = torch.zeros(4, 4, dtype=torch.float64).index_put_((true, given), torch.ones(200).double(), accumulate=True)
    torch.testing.assert_close(joint, counts)
    assert noise_rate(joint) == pytest.approx((true != given).double().mean().item())
    torch.testing.assert_close(transition_matrix(joint), counts / 50)


def test_the_anchors_of_a_perfect_network_have_the_labels_of_their_class():
    given = torch.arange(4).repeat(50)
    wrong = torch.rand(200) < 0.3
    sure = torch.eye(4)[given] * 0.9 * torch.linspace(0.5, 1, 200).unsqueeze(1)
    labels = torch.where(wrong, (given + 1) % 4, given)
    expected = [wrong[given == k][-10:].double().mean().item() for k in range(4)]
    assert anchor_rate(sure, labels, 0.2) == pytest.approx(sum(expected) / 4)


@pytest.mark.parametrize(
    ("samples", "epochs", "batch", "length"),
    [
        pytest.param(45000, 150, 128, 30, id="a fifth of a long training"),
        pytest.param(4500, 15, 64, 15, id="steps enough for a few images"),
        pytest.param(1293, 40, 64, 50, id="longer than the training itself"),
        pytest.param(60, 40, 64, 500, id="fewer images than a batch"),
    ],
)
def test_an_estimate_is_trained_for_steps_enough(samples, epochs, batch, length):
    assert length_of(replace(setting("digits/clean"), epochs=epochs, batch_size=batch), samples) == length


def test_each_half_is_predicted_by_its_best_epoch(data):
    """At a learning rate that ruins the network in the end, the estimate rests on what came before."""
    wanted, prepared = data["symmetric-0.4"]
    steady = estimate(wanted, prepared.split, 0, HOW)
    wild = estimate(replace(wanted, lr=20.0, schedule="constant"), prepared.split, 0, HOW)
    assert steady.accuracy > 0.5 and 0.1 < wild.accuracy < steady.accuracy
    assert steady.accuracy == pytest.approx(1 - 0.4, abs=0.06)


@pytest.mark.parametrize(
    ("joint", "anchors", "accuracy", "rate", "bound"),
    [(0.77, 0.67, 0.22, 0.67, True), (0.4, 0.39, 0.5, 0.39, False), (0.5, 0.53, 0.45, 0.5, True)],
)
def test_the_smaller_estimate_counts_and_either_near_the_errors_is_a_bound(joint, anchors, accuracy, rate, bound):
    found = Estimate(torch.eye(2), joint, anchors, accuracy, 0.0, 0.0, 0.0)
    assert (found.rate, found.upper_bound) == (rate, bound)


def test_classes_without_samples_or_confidence_keep_their_label():
    given = torch.tensor([0, 0, 1, 1])
    joint = confident_joint(torch.tensor([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0]] * 2), given)
    matrix = transition_matrix(joint)
    assert matrix.isfinite().all() and matrix[2].tolist() == [0, 0, 1]
    torch.testing.assert_close(matrix.sum(1), torch.ones(3, dtype=torch.float64))


def test_the_confident_joint_equals_cleanlab():
    cleanlab = pytest.importorskip("cleanlab.count")
    source = torch.Generator().manual_seed(0)
    true = torch.randint(5, (600,), generator=source)
    given = torch.where(torch.rand(600, generator=source) < 0.3, torch.randint(5, (600,), generator=source), true)
    p = (2 * torch.nn.functional.one_hot(true, 5) + torch.randn(600, 5, generator=source)).double().softmax(1)
    theirs = cleanlab.compute_confident_joint(given.numpy(), p.numpy(), calibrate=True)  # rows are given labels
    ours = confident_joint(p, given).T
    assert (ours - torch.from_numpy(theirs).double()).abs().max() <= 2  # theirs are rounded to whole samples


@pytest.mark.parametrize(
    ("mode", "rate"), [("true", 0.4), ("true-0.2", 0.2), ("true+0.2", 0.6), ("true-0.5", 0.0), ("true+0.7", 0.99)]
)
def test_the_truth_may_be_wrong_by_so_much(mode, rate, data):
    wanted, prepared = data["symmetric-0.4"]
    facts = Teller(HOW).facts(mode, KNOWING.told, wanted, prepared)
    assert facts.values["noise_rate"] == pytest.approx(rate, abs=2e-3)
    matrix = facts.values["transition_matrix"]
    torch.testing.assert_close(matrix.sum(1), torch.ones(10, dtype=torch.float64))
    assert (1 - matrix.diagonal()).mean().item() == pytest.approx(rate, abs=5e-3)
    assert torch.equal(facts.values["clean_validation"], prepared.truth.validation)
    assert facts.ledger["error"]["noise_rate"] == pytest.approx(rate - 0.4, abs=2e-3)
    assert facts.seconds == 0 and "estimator" not in facts.ledger


def test_no_row_flips_more_often_than_always_and_clean_data_flip_uniformly():
    matrix = torch.tensor([[0.4, 0.6], [0.0, 1.0]], dtype=torch.float64)
    assert at_rate(matrix, 0.3, 0.6).tolist() == [[0, 1], [0, 1]]
    torch.testing.assert_close(at_rate(torch.eye(3), 0.0, 0.2), 0.8 * torch.eye(3) + 0.1 * (1 - torch.eye(3)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("estimated", ["estimated"]),
        ("true-0.20, true+.1,true-0", ["true-0.2", "true+0.1", "true"]),
        ("all", ["estimated", "true", "true-0.2", "true+0.2"]),
    ],
)
def test_modes_have_one_spelling(text, found):
    assert modes(text) == found


@pytest.mark.parametrize("text", ["", "guess", "true*2", "true-2", "estimated,"])
def test_other_modes_are_refused(text):
    with pytest.raises(FactError, match=r"'estimated', 'true', 'true-0.2', 'true\+0.2' or 'all'"):
        modes(text)


def test_what_is_missing_or_unknown_is_one_clear_error(data, job_of):
    with pytest.raises(FactError, match="must be told noise_rate, but the job says"):
        next(fit(job_of("co_teaching", told={}), **CPU))
    with pytest.raises(FactError, match="no fact is called 'depth'; a method may be told: noise_rate"):
        Teller(HOW).facts("true", ("depth",), *data["clean"])


def test_hooks_find_in_the_batch_what_the_method_declares(data):
    seen = []

    class Listening(Knowing):
        def loss(self, logits, batch, clock):
            seen.append(batch.told)
            return super().loss(logits, batch, clock)

    wanted, prepared = data["symmetric-0.4"]
    told = Teller(HOW).facts("true", KNOWING.told, wanted, prepared).values
    next(fit(Job(wanted, Composition((Listening(),)), 0, prepared.split, told), **CPU))
    assert seen[0].keys() == set(Knowing.told)
    assert seen[0]["transition_matrix"].dtype == torch.float32 and seen[0]["noise_rate"].shape == ()


def test_a_sweep_over_modes_runs_a_method_that_is_told_nothing_once():
    runs = grid(["digits/symmetric-0.4"], "ce, co_teaching, co_teaching + early_stopping", "0", {}, Options(), "all")
    assert [run.name for run in runs] == [
        "ce", *(f"co_teaching{mark}" for mark in ("", " [true]", " [true-0.2]", " [true+0.2]")),
        *(f"co_teaching + early_stopping{mark}" for mark in ("", " [true]", " [true-0.2]", " [true+0.2]")),
    ]  # fmt: skip
    assert len({run.key for run in runs}) == len(runs)
    assert {run.host.key for run in runs if run.host} == {run.key for run in runs if run.label == "co_teaching"}
    assert grid(["digits/symmetric-0.4"], "ce", "0", {}, Options())[0].key == runs[0].key


@pytest.mark.parametrize(
    ("text", "marks", "told"),
    [
        pytest.param("ce", [""], (), id="nothing"),
        pytest.param("clean_early_stopping", [""], ("clean_validation",), id="as it is"),
        pytest.param(
            "small_loss + clean_early_stopping", ["estimated-v2", "true-0.2"],
            ("clean_validation", "noise_rate (estimated)"), id="one of each",
        ),
    ],
)  # fmt: skip
def test_only_what_a_mode_changes_is_marked_with_it(text, marks, told):
    runs = [run for run in grid(["digits/clean"], text, "0", {}, Options(), "estimated,true-0.2") if run.label == text]
    assert [run.mark for run in runs] == marks
    method = runs[0].method
    assert [run.text for run in runs] == [f"{method} [{mark}]" if mark else str(method) for mark in marks]
    assert tuple(sorted(stated(method.told, runs[0].told))) == told


def test_a_fact_that_is_handed_over_is_neither_estimated_nor_wrong(data):
    facts = Teller(HOW).facts("estimated", ("clean_validation",), *data["symmetric-0.4"])
    assert facts.ledger == {"clean_validation": "true labels"} and facts.seconds == 0


def test_a_result_says_what_its_method_was_told(data, train_run):
    wanted, prepared = data["symmetric-0.4"]
    short = replace(wanted, epochs=5)
    run = Run(short, parse("small_loss"), "small_loss", 0, "f")
    result = train_run(run, prepared)
    told = result.identity["told"]
    assert result.told == ("noise_rate (estimated)",) and result.label == "small_loss"
    assert told["mode"] == "estimated" and told["estimator"] == ESTIMATOR
    assert 0 < told["out_of_fold_accuracy"] < 1 and isinstance(told["upper_bound"], bool)
    assert result.method == "small_loss(exponent=1.0, forget=1.0, ramp=0.05) [estimated-v2]", "other than of old"
    assert mode_of("estimated-v2") == mode_of("estimated") == "estimated" and mode_of("true-0.2") == "true-0.2"
    assert told["error"]["noise_rate"] == told["noise_rate"] - told["true"]["noise_rate"]
    cost = result.cost
    assert cost["estimate_seconds"] > 0
    assert cost["train_seconds"] == pytest.approx(cost["estimate_seconds"] + sum(result.curves["seconds_train"]))
    length = length_of(short, len(prepared.split.given))
    expected = (1 + (2 * length + 1) / 5, 1 + length / 5)
    assert (cost["forward_passes"], cost["backward_passes"]) == pytest.approx(expected)
    other = train_run(replace(run, told="true+0.2"), prepared)
    assert other.label == "small_loss [true+0.2]" and other.key != result.key
    assert other.curves["objective"] != result.curves["objective"]
