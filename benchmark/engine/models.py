"""What timm gives: networks by any of its names, with the stem that small images need, beside ours; optimisers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import timm
import torch
from timm.models import register_model
from timm.optim import create_optimizer_v2, list_optimizers  # type: ignore[attr-defined]
from torch import Tensor, nn

from lnlbench.benchmark.engine.paper_networks import PAPER_NETWORKS
from lnlbench.benchmark.protocol.unknown_names import did_you_mean

SMALL = 64  # side in pixels up to which a network for 224-pixel images must not shrink the image before it looks
OWN = (
    "mlp",
    "mlp3",
    "cnn4",
    "cnn8",
    "cnn_folded",
    "cnn_plain",
    "vgg11_plain",
    *(make.__name__ for make in PAPER_NETWORKS),
)


class ModelError(ValueError):
    """A network that does not exist, or that cannot take the images."""


class MLP(nn.Module):
    """Hidden layers with ReLU, then a linear one."""

    def __init__(self, pixels: int, classes: int, hidden: Sequence[int]) -> None:
        super().__init__()
        sizes = list(zip((pixels, *hidden), hidden, strict=False))
        self.hidden = nn.Sequential(*(layer for a, b in sizes for layer in (nn.Linear(a, b), nn.ReLU())))
        self.head = nn.Linear(hidden[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, ...] to logits [B, classes]."""
        logits: Tensor = self.head(self.hidden(images.flatten(1)))
        return logits


class CNN(nn.Module):
    """Blocks of 3×3 convolutions with BatchNorm and ReLU, each block halved by max pooling, then two linear layers."""

    def __init__(self, shape: tuple[int, int, int], classes: int, blocks: Sequence[Sequence[int]], hidden: int) -> None:
        super().__init__()
        channels, height, width = shape
        layers: list[nn.Module] = []
        for block in blocks:
            for width_out in block:
                layers += [
                    nn.Conv2d(channels, width_out, 3, padding=1, bias=False),
                    nn.BatchNorm2d(width_out),
                    nn.ReLU(),
                ]
                channels = width_out
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        self.features = nn.Sequential(*layers)
        self.hidden = nn.Linear(channels * height * width, hidden)
        self.head = nn.Linear(hidden, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, C, H, W] to logits [B, classes]."""
        logits: Tensor = self.head(self.hidden(self.features(images).flatten(1)).relu())
        return logits


class FoldedCNN(nn.Module):
    """Convolutions with BatchNorm on images whose 2×2 pixels are folded into channels, then their largest responses.

    The fold quarters the positions before the first convolution, and global max pooling leaves no large linear layer:
    a colour image of 32×32 costs 20.6 M multiplications, and all of CIFAR-10 fits into a few minutes of a CPU core.
    """

    def __init__(self, channels: int, classes: int, blocks: Sequence[Sequence[int]]) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.PixelUnshuffle(2)]
        channels *= 4
        for number, block in enumerate(blocks):
            layers += [nn.MaxPool2d(2)] if number else []
            for width in block:
                layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, C, H, W] of even sides to logits [B, classes]."""
        logits: Tensor = self.head(self.features(images).flatten(2).amax(2))
        return logits


class VGG(nn.Module):
    """VGG-11 without BatchNorm, pooled to one pixel, with the dropout of the original classifier."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for block in ((64,), (128,), (256, 256), (512, 512), (512, 512)):
            for width in block:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1))
        hidden = [nn.Linear(512, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()]
        self.classifier = nn.Sequential(*hidden, nn.Linear(4096, classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, C, H, W] to logits [B, classes]."""
        logits: Tensor = self.classifier(self.features(images).flatten(1))
        return logits


@register_model
def vgg11_plain(pretrained: bool = False, *, num_classes: int, in_chans: int, **_: Any) -> VGG:
    """As Han et al. 2025 train it on two classes of CIFAR-10."""
    return VGG(in_chans, num_classes)


@register_model
def cnn_plain(pretrained: bool = False, *, num_classes: int, in_chans: int, img_size: int, **_: Any) -> nn.Sequential:
    """Three convolutions (32, 64, 64) and two linear layers without BatchNorm, for the study of segment gradients."""
    layers: list[nn.Module] = []
    for inputs, outputs, pooled in ((in_chans, 32, False), (32, 64, True), (64, 64, True)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), *([nn.MaxPool2d(2)] if pooled else [])]
    side = img_size // 4
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * side**2, 128), nn.ReLU(), nn.Linear(128, num_classes))


@register_model
def mlp(pretrained: bool = False, *, num_classes: int, in_chans: int, img_size: int, **_: Any) -> MLP:
    """Pixels - 256 - classes."""
    return MLP(in_chans * img_size**2, num_classes, (256,))


@register_model
def mlp3(pretrained: bool = False, *, num_classes: int, in_chans: int, img_size: int, **_: Any) -> MLP:
    """Pixels - 512 - 512 - 512 - classes: large enough to memorise half of MNIST's labels within ten epochs."""
    return MLP(in_chans * img_size**2, num_classes, (512, 512, 512))


@register_model
def cnn4(pretrained: bool = False, *, num_classes: int, in_chans: int, img_size: int, **_: Any) -> CNN:
    """Two convolutions (16, 32) and two linear layers: 1.2 M multiplications for an image of 28×28."""
    return CNN((in_chans, img_size, img_size), num_classes, ((16,), (32,)), 128)


@register_model
def cnn8(pretrained: bool = False, *, num_classes: int, in_chans: int, img_size: int, **_: Any) -> CNN:
    """Six convolutions (64, 64, 128, 128, 196, 196) and two linear layers, as in Ma et al. 2020 (APL) for CIFAR-10."""
    return CNN((in_chans, img_size, img_size), num_classes, ((64, 64), (128, 128), (196, 196)), 256)


@register_model
def cnn_folded(pretrained: bool = False, *, num_classes: int, in_chans: int, **_: Any) -> FoldedCNN:
    """Four convolutions (64, 128, 128, 256) on folded pixels: CIFAR-10 on a CPU, memorised within fifteen epochs."""
    return FoldedCNN(in_chans, num_classes, ((64,), (128, 128), (256,)))


for _network in PAPER_NETWORKS:
    register_model(_network)


def check_timm_optimiser(name: str) -> None:
    """Refuse an optimiser `timm:NAME` that timm does not have.

    Raises:
        ModelError: with the closest match.
    """
    own, known = name.removeprefix("timm:"), [str(optimizer) for optimizer in list_optimizers()]
    if own != name and own not in known:
        hint = did_you_mean(own, known)
        raise ModelError(f"unknown optimiser {name!r}; {hint}known to timm {timm.__version__}: {', '.join(known)}")


def timm_optimiser(
    name: str, params: list[Tensor], lr: float, weight_decay: float, momentum: float
) -> torch.optim.Optimizer:
    """Make an optimiser `timm:NAME` as timm makes it; `momentum` goes to those that take one.

    Raises:
        ModelError: timm does not have it, or it wants a package that is not installed.
    """
    check_timm_optimiser(name)
    try:
        return create_optimizer_v2(
            params, name.removeprefix("timm:"), lr=lr, weight_decay=weight_decay, momentum=momentum
        )
    except (AssertionError, ImportError, TypeError, ValueError) as error:
        raise ModelError(f"timm cannot make the optimiser {name!r} here: {error}") from error


def check_model(name: str) -> None:
    """Refuse a name that is no network.

    Raises:
        ModelError: with the closest match.
    """
    if not timm.is_model(name):
        hint = did_you_mean(name, [*OWN, *timm.list_models()])
        raise ModelError(f"unknown model {name!r}; {hint}any timm name works, and {', '.join(OWN)}")


@lru_cache(maxsize=64)
def check_fit(name: str, classes: int, shape: tuple[int, int, int]) -> None:
    """Refuse a network that cannot take images of this size, by building it once.

    Raises:
        ModelError: unknown, or it cannot.
    """
    build(name, classes, shape, 0)


def build(name: str, classes: int, shape: tuple[int, int, int], seed: int) -> nn.Module:
    """Build a network whose weights are drawn on the CPU from a seed.

    A timm ResNet that gets images of 64 pixels or less has its stem changed as the field does for CIFAR: a 3×3
    convolution with stride 1 and no pooling.

    Args:
        name: of ours or of timm's.
        classes: number of outputs.
        shape: channels, height, width of an image.
        seed: of the weights; the caller's random state is left as it was.

    Raises:
        ModelError: unknown, or it cannot take images of this size.
    """
    check_model(name)
    channels, side = shape[0], shape[1]
    sizes: list[dict[str, Any]] = [{"img_size": side}] if name in OWN else [{"img_size": side}, {}]
    with torch.random.fork_rng(devices=[]):
        for size in sizes:
            torch.default_generator.manual_seed(seed)  # `torch.manual_seed` would set those of all GPUs, too
            try:
                model: nn.Module = timm.create_model(name, num_classes=classes, in_chans=channels, **size)
            except TypeError:  # most convolutional networks take any size and know no `img_size`
                continue
            except (AssertionError, ValueError, RuntimeError) as error:
                raise ModelError(f"model {name!r} cannot take images of {channels}×{side}×{side}: {error}") from error
            if side <= SMALL:
                _shrink_stem(model)
            _check_size(name, model, shape)
            return model
    raise ModelError(f"model {name!r} cannot be built for images of {channels}×{side}×{side}")


def _check_size(name: str, model: nn.Module, shape: tuple[int, int, int]) -> None:
    """Refuse a network that was built, but fails on the first image: one smaller than its patches, for example."""
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, *shape))
    except Exception as error:  # whatever a network of another library raises
        raise ModelError(f"model {name!r} cannot take images of {'×'.join(map(str, shape))}: {error}") from error
    model.train()


def _shrink_stem(model: nn.Module) -> None:
    stem, pool = getattr(model, "conv1", None), getattr(model, "maxpool", None)
    if isinstance(stem, nn.Conv2d) and stem.kernel_size == (7, 7) and pool is not None:
        small = nn.Conv2d(stem.in_channels, stem.out_channels, 3, stride=1, padding=1, bias=False)
        nn.init.kaiming_normal_(small.weight, mode="fan_out", nonlinearity="relu")
        model.conv1, model.maxpool = small, nn.Identity()
