"""Networks: the stem for small images, weights from a seed alone, and what cannot be built."""

import copy

import pytest
import timm
import torch
from torch import nn

from lnlbench.benchmark.engine.models import OWN, ModelError, build, check_model

SMALL, LARGE = (3, 32, 32), (3, 224, 224)


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def random_states():
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [])]


@pytest.fixture(scope="module")
def resnet():
    return build("resnet18", 10, SMALL, 0)


def test_a_resnet_looks_at_small_images_in_full(resnet):
    stem = resnet.conv1
    assert (stem.kernel_size, stem.stride, stem.padding, stem.bias) == ((3, 3), (1, 1), (1, 1), None)
    assert isinstance(resnet.maxpool, nn.Identity)
    assert (stem.in_channels, stem.out_channels) == (3, 64)
    assert stem.weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.1)  # Kaiming, fan out
    shapes = {}
    resnet.layer1.register_forward_hook(lambda module, args, out: shapes.update(layer1=out.shape))
    resnet.layer4.register_forward_hook(lambda module, args, out: shapes.update(layer4=out.shape))
    assert resnet.eval()(torch.zeros(2, *SMALL)).shape == (2, 10)
    assert shapes == {"layer1": (2, 64, 32, 32), "layer4": (2, 512, 4, 4)}
    assert sum(p.numel() for p in resnet.parameters()) == 11_173_962  # as in He et al. with this stem, ten classes


def test_a_resnet_for_large_images_is_that_of_timm():
    ours = build("resnet18", 10, LARGE, 5).eval()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        theirs = timm.create_model("resnet18", num_classes=10).eval()
    images = torch.randn(1, *LARGE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))
    assert ours.conv1.stride == (2, 2)


@pytest.mark.parametrize("side", [32, 64, 65])
def test_the_stem_changes_up_to_64_pixels(side):
    assert build("resnet18", 10, (3, side, side), 0).conv1.kernel_size == ((3, 3) if side <= 64 else (7, 7))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        pytest.param("mlp", (1, 28, 28), id="mlp"),
        pytest.param("cnn4", (1, 28, 28), id="cnn4"),
        pytest.param("cnn4", (1, 8, 8), id="cnn4 on digits"),
        pytest.param("cnn8", SMALL, id="cnn8"),
        pytest.param("cnn_folded", SMALL, id="cnn_folded"),
        pytest.param("cnn_folded_small", SMALL, id="cnn_folded_small"),
        pytest.param("resnet_folded", SMALL, id="resnet_folded"),
        pytest.param("resnet18", (1, 28, 28), id="resnet18 in grey"),
        pytest.param("vit_tiny_patch16_224", SMALL, id="a transformer, at the size of the images"),
    ],
)
def test_weights_are_a_function_of_the_seed(name, shape):
    torch.manual_seed(1)
    before = random_states()
    first = build(name, 7, shape, 3)
    assert all(map(torch.equal, random_states(), before)), "the caller's random state"
    assert first.training
    torch.manual_seed(2)
    assert same(first, build(name, 7, shape, 3))
    assert not same(first, build(name, 7, shape, 4))
    assert first.eval()(torch.zeros(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize(
    ("name", "shape", "parameters", "multiplications"),
    [
        pytest.param("mlp", (1, 28, 28), 203_530, 203_264, id="mlp: 784-256-10"),
        pytest.param("cnn4", (1, 28, 28), 206_970, 1_218_048, id="cnn4: 1.2 M"),
        pytest.param("cnn_folded", SMALL, 526_730, 20_646_400, id="cnn_folded: 20.6 M"),
        pytest.param("cnn_folded_small", SMALL, 134_346, 5_604_608, id="cnn_folded_small: 5.6 M"),
        pytest.param("resnet_folded", SMALL, 1_231_562, 16_615_936, id="resnet_folded: 16.6 M"),
        pytest.param("resnet_folded_small", SMALL, 310_122, 4_375_808, id="resnet_folded_small: 4.4 M"),
        pytest.param("vgg11_plain", SMALL, 28_144_010, 171_679_744, id="vgg11_plain: 8 convolutions, 3 linear"),
        pytest.param("vgg11_plain_small", SMALL, 1_769_066, 11_069_440, id="vgg11_plain_small: a quarter of its width"),
    ],
)
def test_size_of_our_networks(name, shape, parameters, multiplications):
    model, count = build(name, 10, shape, 0), 0

    def add(module, args, out):
        nonlocal count
        count += module.weight.numel() * (out[0].numel() // out.shape[1] if out.ndim == 4 else 1)

    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            module.register_forward_hook(add)
    model.eval()(torch.zeros(1, *shape))
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert count == multiplications


@pytest.mark.parametrize(("name", "width"), [("vgg11_plain", 64), ("vgg11_plain_small", 16)])
def test_vgg11_plain_starts_as_published_and_drops_half_of_the_classifier(name, width):
    model = build(name, 10, SMALL, 0)
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    assert [module.out_channels for module in convolutions] == [width * times for times in (1, 2, 4, 4, 8, 8, 8, 8)]
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    for module in convolutions[1:]:  # Kaiming, fan out
        assert module.weight.std().item() == pytest.approx((2 / (module.out_channels * 9)) ** 0.5, rel=0.02)
    for module in linear:
        assert module.weight.std().item() == pytest.approx(0.01 * (64 / width) ** 0.5, rel=0.02)
    assert not any(module.bias.any() for module in convolutions + linear)
    dropped = [module.p for module in model.modules() if isinstance(module, nn.Dropout)]
    assert dropped == [0.5, 0.5]
    images = torch.randn(2, *SMALL, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert not torch.equal(model(images), model(images)), "dropout in training"
        model.eval()
        assert torch.equal(model(images), model(images))
        assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 10), "pooled to one pixel at any size"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("resnet81", "unknown model 'resnet81'; did you mean 'resnet18'?", id="close to timm's"),
        pytest.param("cnn5", "unknown model 'cnn5'; did you mean 'cnn", id="close to ours"),
        pytest.param("", "unknown model ''", id="empty"),
    ],
)
def test_an_unknown_name_gets_the_closest(name, message):
    for refuse in (check_model, lambda name: build(name, 10, SMALL, 0)):
        with pytest.raises(ModelError) as error:
            refuse(name)
        assert message in str(error.value) and ", ".join(OWN) in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        pytest.param("vit_tiny_patch16_224", (1, 8, 8), id="smaller than a patch"),
        pytest.param("inception_v3", SMALL, id="nothing left half-way"),
        pytest.param("cnn8", (1, 4, 4), id="nothing left after pooling"),
    ],
)
def test_images_that_a_network_cannot_take(name, shape):
    with pytest.raises(ModelError) as error:
        build(name, 10, shape, 0)
    assert f"{name!r}" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["cnn4", "cnn8", "cnn_folded_small"])
def test_pooling_before_relu_is_relu_before_pooling(name):
    """To the last bit, in logits and gradients: where a maximum is positive it is the same one, else nothing flows."""
    model = build(name, 10, (3, 16, 16), 0)
    parts = []
    for part in model.features:
        swapped = isinstance(part, nn.ReLU) and parts and isinstance(parts[-1], nn.MaxPool2d)
        parts.insert(len(parts) - swapped, part)
    usual = copy.deepcopy(model)
    last = [nn.ReLU()] if name == "cnn_folded_small" else []  # which comes after its global pooling
    usual.features = copy.deepcopy(nn.Sequential(*parts, *last))
    assert [type(part) for part in parts] != [type(part) for part in model.features]
    images = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    found = []
    for one in (model, usual):
        logits = one(images)
        found.append([logits, *torch.autograd.grad(logits.square().sum(), list(one.parameters()))])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
