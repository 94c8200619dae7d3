"""Networks that papers train from scratch, as their codes build them: for the recipes of the track `paper`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class ActivePassiveCNN(nn.Module):
    """Blocks of 3×3 convolutions with bias, BatchNorm and ReLU, each pooled; a hidden layer with BatchNorm; the head.

    Convolutions begin Kaiming-uniform (fan in), linear layers Xavier-uniform, biases as torch has them.

    Source: the code of Ma et al. 2020 (HanxunH/Active-Passive-Losses, model.py), and after it those of Zhou et al. 2021
    (ALF), Ye et al. 2023 (ANL) and Wang et al. 2024 (ε-softmax).
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, blocks: Sequence[Sequence[int]], hidden: int) -> None:
        super().__init__()
        channels, height, width = shape
        layers: list[nn.Module] = []
        for block in blocks:
            for wider in block:
                layers += [nn.Conv2d(channels, wider, 3, padding=1), nn.BatchNorm2d(wider), nn.ReLU()]
                channels = wider
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        self.features = nn.Sequential(*layers)
        self.hidden = nn.Sequential(nn.Linear(channels * height * width, hidden), nn.BatchNorm1d(hidden), nn.ReLU())
        self.head = nn.Linear(hidden, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, mode="fan_in", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, C, H, W] to logits [B, classes]."""
        logits: Tensor = self.head(self.hidden(self.features(images).flatten(1)))
        return logits


class CoTeachingCNN(nn.Module):
    """Nine 3×3 convolutions with bias, BatchNorm and leaky ReLU, two poolings with dropout of channels, then the mean.

    Source: the code of Han et al. 2018 (bhanML/Co-teaching, model.py). Not as there: dropout ends with training, where
    that code drops channels in evaluation too.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number, width in enumerate((128, 128, 128, 256, 256, 256, 512, 256, 128)):
            layers += [nn.Conv2d(channels, width, 3, padding=1 if number < 6 else 0)]
            layers += [nn.BatchNorm2d(width), nn.LeakyReLU(0.01)]
            layers += [nn.MaxPool2d(2), nn.Dropout2d(0.25)] if number in (2, 5) else []
            channels = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, C, H, W] to logits [B, classes]."""
        maps = functional.adaptive_avg_pool2d(self.features(images), 1)
        logits: Tensor = self.head(torch.flatten(maps, 1))
        return logits


def apl_cnn4(*, num_classes: int, in_chans: int, img_size: int, **_: Any) -> ActivePassiveCNN:
    """Build two convolutions (32, 64) and two linear layers, BatchNorm throughout: MNIST in APL and after it."""
    return ActivePassiveCNN((in_chans, img_size, img_size), num_classes, ((32,), (64,)), 128)


def apl_cnn8(*, num_classes: int, in_chans: int, img_size: int, **_: Any) -> ActivePassiveCNN:
    """Build six convolutions (64 to 196) and two linear layers, BatchNorm throughout: CIFAR-10 in APL and after it."""
    blocks = ((64, 64), (128, 128), (196, 196))
    return ActivePassiveCNN((in_chans, img_size, img_size), num_classes, blocks, 256)


def coteaching_cnn9(*, num_classes: int, in_chans: int, **_: Any) -> CoTeachingCNN:
    """Build nine convolutions with dropout: MNIST and CIFAR in co-teaching, JoCoR and after them."""
    return CoTeachingCNN(in_chans, num_classes)


PAPER_NETWORKS = (apl_cnn4, apl_cnn8, coteaching_cnn9)
