"""The main job on the real data sets, at full size and through the public API."""

import hashlib

import pytest
from timm.models import register_model
from torch import nn

from lnlbench.benchmark import run
from lnlbench.datasets.loading.images import load

NOISE = 0.4


@register_model
def strided_cnn(pretrained=False, *, num_classes, in_chans, **_):
    """Two convolutions that shrink the image at once: seconds of an epoch."""

    def block(channels, width, stride):
        return [nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]

    layers = [*block(in_chans, 16, 4), *block(16, 32, 2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 16, num_classes))


@pytest.mark.slow
@pytest.mark.realdata("ylecun/mnist")
def test_mnist_is_learned_in_one_epoch(url, data_dir):
    (result,) = run("mnist/clean", "ce", "0", tracking_uri=url, data_dir=data_dir, device="cpu", epochs=1, model="mlp")
    assert result.identity["dataset"]["official"] is True
    assert result.identity["split"]["train"] == 54000 and result.identity["split"]["test"] == 10000
    assert result.curves["test_accuracy"][0] > 0.85
    assert result.curves["validation_accuracy"][0] > 0.85


@pytest.mark.slow
@pytest.mark.realdata("uoft-cs/cifar10")
def test_all_of_cifar10_trains_end_to_end(url, data_dir):
    how = {"tracking_uri": url, "data_dir": data_dir, "device": "cpu", "epochs": 1, "model": "strided_cnn"}
    (result,) = run(f"cifar10-fast/symmetric-{NOISE}", "ce", "0", **how)
    assert result.identity["dataset"]["official"] is True
    sizes = result.identity["split"]
    assert (sizes["train"], sizes["validation"], sizes["test"]) == (45000, 5000, 10000)
    assert result.identity["noise"]["realised_rate"] == pytest.approx(NOISE, abs=1e-3)
    curves = result.curves
    assert not result.diverged and result.trained == 1
    assert curves["test_accuracy"][0] > 0.35 > curves["validation_accuracy"][0] > 0.22, "validation labels are noisy"
    assert curves["error_wrong_online"][0] > curves["error_correct_online"][0] + 0.2, "true labels are learned first"
    assert curves["corrected_exact"][0] > curves["memorised_exact"][0]
    assert curves["auroc_exact"][0] > 0.6


@pytest.mark.slow
@pytest.mark.realdata("zalando-datasets/fashion_mnist")
def test_fashion_mnist_is_official_and_learned_in_one_epoch(url, data_dir):
    images = load("fashion_mnist", data_dir)
    hashes = [hashlib.sha256(pixels.tobytes()).hexdigest() for pixels in (images.train_images, images.test_images)]
    assert [digest[:16] for digest in hashes] == ["2e487a6c89124f78", "c867c93ff9536059"], (
        "the pixels of Zalando's files"
    )
    how = {"tracking_uri": url, "data_dir": data_dir, "device": "cpu", "epochs": 1}
    (result,) = run("fashion-mlp/symmetric-0.4", "ce", "0", **how)
    assert result.identity["dataset"]["official"] is True
    assert result.identity["noise"]["realised_rate"] == pytest.approx(NOISE, abs=1e-3)
    assert result.curves["test_accuracy"][0] > 0.75 > 0.6 > result.curves["validation_accuracy"][0] > 0.45
