"""Diagnostics against plain loops over samples, and the area under the ROC curve against scikit-learn."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, roc_auc_score

from lnlbench.benchmark import Samples
from lnlbench.benchmark.runs.metrics import accuracy, auroc, diagnose


def samples(networks=2, count=60, selects=True, seed=0):
    source = torch.Generator().manual_seed(seed)
    loss = torch.rand(networks, count, generator=source, dtype=torch.float64) * 3
    return Samples(
        index=torch.randperm(100, generator=source)[:count],
        loss=loss,
        prediction=torch.randint(4, (networks, count), generator=source),
        residual=-torch.expm1(-loss),
        weight=torch.rand(networks, count, generator=source).round(decimals=1) if selects else None,
    )


def labels(rate=0.4, seed=1):
    source = torch.Generator().manual_seed(seed)
    true = torch.randint(4, (100,), generator=source)
    wrong = torch.rand(100, generator=source) < rate
    return torch.where(wrong, (true + torch.randint(1, 4, (100,), generator=source)) % 4, true), true


def by_hand(found, given, true):
    """The same numbers, one sample after another."""
    rows = {name: [] for name in diagnose(found, given, true) if name not in ("auroc", "found", "precision", "recall")}
    kept = right = clean = 0.0
    for network in range(len(found.loss)):
        for place, sample in enumerate(found.index.tolist()):
            label, truth = given[sample].item(), true[sample].item()
            vote = found.prediction[network, place].item()
            group = "correct" if label == truth else "wrong"
            rows[f"loss_{group}"].append(found.loss[network, place].item())
            rows[f"residual_{group}"].append(found.residual[network, place].item())
            rows[f"error_{group}"].append(float(vote != label))
            if group == "wrong":
                rows["memorised"].append(float(vote == label))
                rows["corrected"].append(float(vote == truth))
                rows["other"].append(float(vote not in (label, truth)))
            if found.weight is not None:
                weight = found.weight[network, place].item()
                kept += weight
                right += weight * (group == "correct")
                clean += group == "correct"
    numbers = {name: sum(row) / len(row) if row else None for name, row in rows.items()}
    if found.weight is not None:
        numbers |= {"precision": right / kept if kept else None, "recall": right / clean if clean else None}
    areas = [roc_auc_score((given != true)[found.index], row) for row in found.loss] if "wrong" in str(rows) else []
    shares = []
    for row in found.loss.tolist():
        wrong = (given != true)[found.index].tolist()
        ranked = [is_wrong for _, is_wrong in sorted(zip(row, wrong, strict=True), reverse=True)]
        shares.append(sum(ranked[: sum(wrong)]) / sum(wrong))
    return numbers | {"auroc": sum(areas) / len(areas), "found": sum(shares) / len(shares)}


@pytest.mark.parametrize("selects", [True, False], ids=["with a selection", "without"])
@pytest.mark.parametrize("networks", [1, 2])
def test_diagnostics_equal_a_plain_loop(networks, selects):
    found, (given, true) = samples(networks, selects=selects), labels()
    numbers = diagnose(found, given, true)
    expected = by_hand(found, given, true)
    assert numbers.keys() == expected.keys()
    for name, value in numbers.items():
        assert value == pytest.approx(expected[name], abs=1e-6), name
    assert ("precision" in numbers) is selects
    assert numbers["memorised"] + numbers["corrected"] + numbers["other"] == pytest.approx(1)


def test_labels_are_looked_up_by_index():
    found, (given, true) = samples(), labels()
    mixed = torch.randperm(60, generator=torch.Generator().manual_seed(2))
    rows = [None if x is None else x[:, mixed] for x in list(vars(found).values())[1:]]
    other = Samples(found.index[mixed], *rows)
    assert diagnose(other, given, true) == pytest.approx(diagnose(found, given, true))


@pytest.mark.parametrize(
    ("rate", "missing"),
    [
        pytest.param(
            0.0,
            {"loss_wrong", "error_wrong", "residual_wrong", "memorised", "corrected", "other", "auroc", "found"},
            id="clean",
        ),
        pytest.param(
            1.0, {"loss_correct", "error_correct", "residual_correct", "auroc", "found", "recall"}, id="all wrong"
        ),
    ],
)
def test_what_has_nothing_to_average_over_is_missing(rate, missing):
    numbers = diagnose(samples(), *labels(rate))
    assert {name for name, value in numbers.items() if value is None} == missing


def test_nothing_selected():
    found = samples()
    found = Samples(found.index, found.loss, found.prediction, found.residual, torch.zeros_like(found.loss))
    numbers = diagnose(found, *labels())
    assert numbers["precision"] is None and numbers["recall"] == 0


def test_everything_selected():
    found, (given, true) = samples(), labels()
    found = Samples(found.index, found.loss, found.prediction, found.residual, torch.ones_like(found.loss))
    numbers = diagnose(found, given, true)
    assert numbers["recall"] == 1
    assert numbers["precision"] == pytest.approx((given == true)[found.index].double().mean().item())


def test_a_diverged_network_has_numbers_that_are_none():
    found, (given, true) = samples(selects=False), labels()
    found = Samples(found.index, found.loss * math.nan, found.prediction, found.residual * math.nan)
    numbers = diagnose(found, given, true)
    assert numbers["auroc"] is None and math.isnan(numbers["loss_wrong"])
    assert numbers["memorised"] is not None


@pytest.mark.parametrize(
    "scores",
    [
        pytest.param(np.random.default_rng(0).normal(size=(2, 200)), id="all different"),
        pytest.param(np.random.default_rng(1).integers(0, 5, (2, 200)).astype(float), id="many ties"),
        pytest.param(np.ones((1, 200)), id="all equal"),
        pytest.param(np.where(np.arange(200) % 7 == 0, np.inf, np.arange(200.0))[None], id="infinite"),
        pytest.param(np.repeat(np.arange(100.0), 2)[None].astype(np.float32), id="pairs, float32"),
    ],
)
def test_auroc_equals_that_of_scikit_learn(scores):
    positive = np.random.default_rng(2).random(200) < 0.3
    finite = np.where(np.isinf(scores), 1e9, scores)  # scikit-learn refuses infinity; only the order matters
    expected = np.mean([roc_auc_score(positive, row) for row in finite])
    assert auroc(torch.tensor(scores), torch.tensor(positive)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("scores", "positive"),
    [
        pytest.param([[1.0, 2.0]], [True, True], id="only positives"),
        pytest.param([[1.0, 2.0]], [False, False], id="only negatives"),
        pytest.param([[1.0, math.nan]], [True, False], id="not a number"),
        pytest.param([[]], [], id="nothing"),
    ],
)
def test_auroc_of_one_group_is_missing(scores, positive):
    assert auroc(torch.tensor(scores), torch.tensor(positive, dtype=torch.bool)) is None


def test_a_perfect_detector_and_its_opposite():
    positive = torch.tensor([False, False, True, True])
    assert auroc(torch.tensor([[0.0, 1.0, 2.0, 3.0]]), positive) == 1
    assert auroc(torch.tensor([[3.0, 2.0, 1.0, 0.0]]), positive) == 0
    assert auroc(torch.tensor([[0.0, 1.0, 2.0, 3.0], [3.0, 2.0, 1.0, 0.0]]), positive) == 0.5, "mean of the networks"


@pytest.mark.parametrize(
    ("predictions", "expected"),
    [
        pytest.param([[0, 1, 2, 3]], 1.0, id="all right"),
        pytest.param([[0, 1, 2, 0]], 0.75, id="one wrong"),
        pytest.param([[0, 1, 2, 3], [1, 2, 3, 3]], 0.625, id="mean of two networks"),
    ],
)
def test_accuracy(predictions, expected):
    assert accuracy(torch.tensor(predictions, dtype=torch.uint8), torch.arange(4)) == expected


def test_a_small_mean_margin_marks_wrong_labels():
    given, true = labels()
    found = samples(networks=1)
    margins = torch.linspace(-1, 1, 60).unsqueeze(0)
    known = replace(found, mean_margin=margins)
    expected = roc_auc_score((given != true)[found.index], -margins[0])
    assert diagnose(known, given, true)["auroc_margin"] == pytest.approx(expected, abs=1e-12)
    assert "auroc_margin" not in diagnose(found, given, true)


def test_the_f1_of_what_is_suspected():
    given, true = labels()
    found = samples(networks=2)
    wrong = (given != true)[found.index]
    suspected = torch.stack([wrong, torch.arange(len(wrong)) % 3 == 0])
    known = replace(found, suspected=suspected)
    expected = (1 + f1_score(wrong, suspected[1])) / 2
    assert diagnose(known, given, true)["f1_confident"] == pytest.approx(expected, abs=1e-12)
    assert diagnose(known, true, true)["f1_confident"] is None, "there are none to find"
    assert "f1_confident" not in diagnose(found, given, true)
