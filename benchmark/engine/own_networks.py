"""Networks of our own, small enough for a CPU: functions of `num_classes`, `in_chans` and `img_size`, as timm's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn


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
            layers.insert(-1, nn.MaxPool2d(2))  # before ReLU: the same to the last bit, of a quarter of the pixels
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
        for block in blocks:
            for width in block:
                layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
            layers.insert(-1, nn.MaxPool2d(2))  # as in `CNN`
        self.features = nn.Sequential(*layers[:-2])
        self.head = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, C, H, W] of even sides to logits [B, classes]."""
        logits: Tensor = self.head(self.features(images).flatten(2).amax(2).relu())
        return logits


class Residual(nn.Module):
    """Two 3×3 convolutions with BatchNorm beside a shortcut, as in He et al. 2016 (the basic block)."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        first = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.body = nn.Sequential(first, nn.BatchNorm2d(width), nn.ReLU(), second, nn.BatchNorm2d(width))
        self.shortcut: nn.Module = nn.Identity()
        if channels != width or stride != 1:
            across = nn.Conv2d(channels, width, 1, stride, bias=False)
            self.shortcut = nn.Sequential(across, nn.BatchNorm2d(width))

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps [B, width, H / stride, W / stride] of maps [B, C, H, W]."""
        found: Tensor = (self.body(maps) + self.shortcut(maps)).relu()
        return found


class FoldedResNet(nn.Module):
    """A ResNet with one block a stage, on images whose 2×2 pixels are folded into channels as in `FoldedCNN`."""

    def __init__(self, channels: int, classes: int, widths: Sequence[int]) -> None:
        super().__init__()
        first = nn.Conv2d(4 * channels, widths[0], 3, padding=1, bias=False)
        layers: list[nn.Module] = [nn.PixelUnshuffle(2), first, nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for number, (before, width) in enumerate(zip((widths[0], *widths), widths, strict=False)):
            layers.append(Residual(before, width, 2 if number else 1))
        self.features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, C, H, W] of even sides to logits [B, classes]."""
        logits: Tensor = self.head(self.features(images).flatten(1))
        return logits


class VGG(nn.Module):
    """VGG-11 without BatchNorm, pooled to one pixel, with the dropout of the original classifier.

    The first convolution has `width` channels, 64 in the original, and all that follows is in proportion. Linear
    layers begin with larger weights the fewer inputs they have, so that as much passes as in the original.
    """

    def __init__(self, channels: int, classes: int, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for block in ((1,), (2,), (4, 4), (8, 8), (8, 8)):
            for times in block:
                layers += [nn.Conv2d(channels, times * width, 3, padding=1), nn.ReLU()]
                channels = times * width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1))
        large = 64 * width
        hidden = [nn.Linear(channels, large), nn.ReLU(), nn.Dropout(), nn.Linear(large, large), nn.ReLU(), nn.Dropout()]
        self.classifier = nn.Sequential(*hidden, nn.Linear(large, classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01 * (64 / width) ** 0.5)
                nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, C, H, W] to logits [B, classes]."""
        logits: Tensor = self.classifier(self.features(images).flatten(1))
        return logits


def vgg11_plain(*, num_classes: int, in_chans: int, **_: Any) -> VGG:
    """As Han et al. 2025 train it on two classes of CIFAR-10."""
    return VGG(in_chans, num_classes)


def vgg11_plain_small(*, num_classes: int, in_chans: int, **_: Any) -> VGG:
    """`vgg11_plain` at a quarter of its width: two classes of CIFAR-10 memorised in minutes of a CPU core."""
    return VGG(in_chans, num_classes, 16)


def cnn_plain(*, num_classes: int, in_chans: int, img_size: int, **_: Any) -> nn.Sequential:
    """Three convolutions (32, 64, 64) and two linear layers without BatchNorm, for the study of segment gradients."""
    layers: list[nn.Module] = []
    for inputs, outputs, pooled in ((in_chans, 32, False), (32, 64, True), (64, 64, True)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), *([nn.MaxPool2d(2)] if pooled else [])]
    side = img_size // 4
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * side**2, 128), nn.ReLU(), nn.Linear(128, num_classes))


def mlp(*, num_classes: int, in_chans: int, img_size: int, **_: Any) -> MLP:
    """Pixels - 256 - classes."""
    return MLP(in_chans * img_size**2, num_classes, (256,))


def mlp3(*, num_classes: int, in_chans: int, img_size: int, **_: Any) -> MLP:
    """Pixels - 512 - 512 - 512 - classes: large enough to memorise half of MNIST's labels within ten epochs."""
    return MLP(in_chans * img_size**2, num_classes, (512, 512, 512))


def cnn4(*, num_classes: int, in_chans: int, img_size: int, **_: Any) -> CNN:
    """Two convolutions (16, 32) and two linear layers: 1.2 M multiplications for an image of 28×28."""
    return CNN((in_chans, img_size, img_size), num_classes, ((16,), (32,)), 128)


def cnn8(*, num_classes: int, in_chans: int, img_size: int, **_: Any) -> CNN:
    """Six convolutions (64, 64, 128, 128, 196, 196) and two linear layers, as in Ma et al. 2020 (APL) for CIFAR-10."""
    return CNN((in_chans, img_size, img_size), num_classes, ((64, 64), (128, 128), (196, 196)), 256)


def cnn_folded(*, num_classes: int, in_chans: int, **_: Any) -> FoldedCNN:
    """Four convolutions (64, 128, 128, 256) on folded pixels: CIFAR-10 on a CPU, memorised within fifteen epochs."""
    return FoldedCNN(in_chans, num_classes, ((64,), (128, 128), (256,)))


def cnn_folded_small(*, num_classes: int, in_chans: int, **_: Any) -> FoldedCNN:
    """`cnn_folded` at half its width and so a quarter of its cost: twenty thousand images memorised in two minutes."""
    return FoldedCNN(in_chans, num_classes, ((32,), (64, 64), (128,)))


def resnet_folded(*, num_classes: int, in_chans: int, **_: Any) -> FoldedResNet:
    """Four residual blocks (32, 64, 128, 256) on folded pixels: a thirtieth of the cost of a ResNet-18 on CIFAR-10."""
    return FoldedResNet(in_chans, num_classes, (32, 64, 128, 256))


def resnet_folded_small(*, num_classes: int, in_chans: int, **_: Any) -> FoldedResNet:
    """`resnet_folded` at half its width and so a quarter of its cost: forty epochs of a subset in minutes of a core."""
    return FoldedResNet(in_chans, num_classes, (16, 32, 64, 128))


OWN_NETWORKS = (
    mlp, mlp3, cnn4, cnn8, cnn_folded, cnn_folded_small, cnn_plain, resnet_folded, resnet_folded_small, vgg11_plain,
    vgg11_plain_small,
)  # fmt: skip
