"""The papers' networks: their layers, how they begin, and that recipes of the track `paper` train them."""

import pytest
import torch
from torch import nn

from lnlbench.benchmark import setting
from lnlbench.benchmark.engine.models import build
from lnlbench.benchmark.protocol.settings import suites

MNIST, CIFAR = (1, 28, 28), (3, 32, 32)


def layers(name, shape):
    """Return the layers that hold weights, in order, with their sizes."""
    kinds = {nn.Conv2d: "conv", nn.BatchNorm2d: "norm", nn.BatchNorm1d: "norm1d", nn.Linear: "linear"}
    return [
        (kinds[type(module)], module.weight.shape[0])
        for module in build(name, 10, shape, 0).modules()
        if type(module) in kinds
    ]


def test_apl_has_batchnorm_behind_every_layer_but_the_head():
    tail = [("linear", 128), ("norm1d", 128), ("linear", 10)]
    assert layers("apl_cnn4", MNIST) == [("conv", 32), ("norm", 32), ("conv", 64), ("norm", 64), *tail]
    widths = [64, 64, 128, 128, 196, 196]
    convolutions = [layer for width in widths for layer in (("conv", width), ("norm", width))]
    assert layers("apl_cnn8", CIFAR) == [*convolutions, ("linear", 256), ("norm1d", 256), ("linear", 10)]
    assert build("apl_cnn4", 10, MNIST, 0).hidden[0].in_features == 64 * 7 * 7
    assert build("apl_cnn8", 10, CIFAR, 0).hidden[0].in_features == 196 * 4 * 4 == 3136


@pytest.mark.parametrize(("name", "shape"), [("apl_cnn4", MNIST), ("apl_cnn8", CIFAR)])
def test_apl_begins_with_uniform_weights_of_its_bounds_and_has_biases(name, shape):
    for module in build(name, 10, shape, 3).modules():
        if isinstance(module, nn.Conv2d):
            bound = (6 / (module.in_channels * 9)) ** 0.5  # Kaiming, fan in, of a ReLU
        elif isinstance(module, nn.Linear):
            bound = (6 / (module.in_features + module.out_features)) ** 0.5  # Xavier
        else:
            continue
        assert module.bias is not None
        assert 0.9 * bound < module.weight.abs().max().item() <= bound
        assert module.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)


def test_co_teaching_has_nine_convolutions_and_drops_channels_while_it_trains():
    widths = [128, 128, 128, 256, 256, 256, 512, 256, 128]
    expected = [layer for width in widths for layer in (("conv", width), ("norm", width))]
    assert layers("coteaching_cnn9", CIFAR) == [*expected, ("linear", 10)]
    for shape in (MNIST, CIFAR):
        model, images = build("coteaching_cnn9", 10, shape, 0), torch.rand(2, *shape)
        assert model(images).shape == (2, 10)
        slopes = {m.negative_slope for m in model.modules() if isinstance(m, nn.LeakyReLU)}
        assert slopes == {0.01} and [m.p for m in model.modules() if isinstance(m, nn.Dropout2d)] == [0.25, 0.25]
        with torch.no_grad():
            assert not torch.equal(model.train()(images), model(images))
            assert torch.equal(model.eval()(images), model(images))


def test_recipes_have_the_networks_and_rules_of_their_papers():
    assert suites()["paper-alf-mnist"][0].track == "paper"
    names = ("paper-apl", "paper-apl-mnist", "paper-alf-mnist", "paper-co-teaching", "paper-co-teaching-mnist")
    found = {name: setting(f"{name}/clean") for name in names}
    assert [(s.model, s.optimizer, s.grad_clip, s.lr_min, s.weight_decay) for s in found.values()] == [
        ("apl_cnn8", "sgd", 5.0, 0.0, 1e-4),
        ("apl_cnn4", "nesterov", 5.0, 1e-3, 1e-2),
        ("apl_cnn4", "sgd", 5.0, 0.0, 1e-3),
        ("coteaching_cnn9", "adam", 0.0, 0.0, 0.0),
        ("coteaching_cnn9", "adam", 0.0, 0.0, 0.0),
    ]
