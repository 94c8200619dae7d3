"""The main job on the real data sets, at full size and through the public API."""

import pytest

from lnlbench.benchmark import run

NOISE = 0.4


@pytest.mark.realdata("ylecun/mnist")
def test_mnist_is_learned_in_one_epoch(url, data_dir):
    (result,) = run("mnist/clean", "ce", "0", tracking_uri=url, data_dir=data_dir, device="cpu", epochs=1, model="mlp")
    assert result.identity["dataset"]["official"] is True
    assert result.identity["split"]["train"] == 54000 and result.identity["split"]["test"] == 10000
    assert result.curves["test_accuracy"][0] > 0.85
    assert result.curves["validation_accuracy"][0] > 0.85


@pytest.mark.realdata("uoft-cs/cifar10")
def test_all_of_cifar10_trains_end_to_end(url, data_dir):
    how = {"tracking_uri": url, "data_dir": data_dir, "device": "cpu", "epochs": 2, "model": "cnn4"}
    (result,) = run(f"cifar10-fast/symmetric-{NOISE}", "ce", "0", **how)
    assert result.identity["dataset"]["official"] is True
    sizes = result.identity["split"]
    assert (sizes["train"], sizes["validation"], sizes["test"]) == (45000, 5000, 10000)
    assert result.identity["noise"]["realised_rate"] == pytest.approx(NOISE, abs=1e-3)
    curves = result.curves
    assert not result.diverged and result.trained == 2
    assert curves["test_accuracy"][1] > 0.4 > curves["validation_accuracy"][1] > 0.25, "validation labels are noisy"
    assert curves["error_wrong_online"][1] > curves["error_correct_online"][1] + 0.2, "true labels are learned first"
    assert curves["corrected_exact"][1] > curves["memorised_exact"][1]
    assert curves["auroc_exact"][1] > 0.6
