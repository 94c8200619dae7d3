"""A conventional PyTorch training loop, the baseline for `lnlbench bench`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from lnlbench.benchmark.engine.batches import PADDING
from lnlbench.benchmark.protocol.splits import Split

TEST_BATCH = 100


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images kept as arrays, opened as PIL images and transformed one by one, as torchvision's data sets do it."""

    def __init__(self, images: Tensor, labels: Tensor, transform: Callable[[Any], Tensor]) -> None:
        self.arrays = np.ascontiguousarray(images.permute(0, 2, 3, 1).numpy())  # [N, H, W, C]
        self.labels = labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.arrays)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        array = self.arrays[index]
        return self.transform(Image.fromarray(array.squeeze(-1) if array.shape[-1] == 1 else array)), self.labels[index]


def transform(split: Split, augment: bool) -> Callable[[Any], Tensor]:
    """Crop and flip where the setting augments, then to a normalised tensor."""
    from torchvision import transforms  # seconds, so not before it is needed

    side = split.shape[-1]
    moved = [transforms.RandomCrop(side, padding=PADDING), transforms.RandomHorizontalFlip()] if augment else []
    chain: Callable[[Any], Tensor] = transforms.Compose(
        [*moved, transforms.ToTensor(), transforms.Normalize(split.mean, split.std)]
    )
    return chain


def training_data(split: Split, augment: bool, batch_size: int, workers: int) -> Iterable[tuple[Tensor, Tensor]]:
    """Shuffled batches of the training set."""
    pictures = Pictures(split.images, split.given, transform(split, augment))
    return DataLoader(pictures, batch_size, shuffle=True, num_workers=workers, drop_last=True)


def step(model: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> float:
    """One update, and the loss as a number."""
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(images), labels)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.item()


def epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    split: Split,
    test: tuple[Tensor, Tensor],
    augment: bool,
    batch_size: int,
    workers: int,
    device: torch.device,
    redraw: Callable[[int, float], object] = lambda done, loss: None,
) -> float:
    """Train one epoch, then test in batches of 100; workers are started anew each time.

    Args:
        model: in fp32.
        optimizer: of the model.
        split: what is trained on.
        test: images and labels.
        augment: crop and flip.
        batch_size: of training.
        workers: of the `DataLoader`.
        device: of the model.
        redraw: called after each step with the number of steps and their mean loss.

    Returns:
        test accuracy.
    """
    model.train()
    total = 0.0
    for done, (images, labels) in enumerate(training_data(split, augment, batch_size, workers), 1):
        total += step(model, optimizer, images.to(device), labels.to(device))
        redraw(done, total / done)
    model.eval()
    right = 0
    pictures = Pictures(*test, transform(split, augment=False))
    with torch.no_grad():
        for images, labels in DataLoader(pictures, TEST_BATCH, num_workers=workers):
            right += (model(images.to(device)).argmax(1) == labels.to(device)).sum().item()
    return right / len(pictures)


def dal_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    split: Split,
    test: tuple[Tensor, Tensor],
    augment: bool,
    batch_size: int,
    workers: int,
    device: torch.device,
) -> float:
    """`epoch` as DAL's official script has it: with a bar that shows the mean loss and is drawn again at every step.

    The bar goes to a device that takes no time, not to a terminal, which does.
    """
    steps = len(split.images) // batch_size
    with Path(os.devnull).open("w") as screen:

        def redraw(done: int, loss: float) -> None:
            bar = "#" * (30 * done // max(1, steps))
            screen.write(f"\r{100 * done // max(1, steps):3d}%|{bar:30}| {done}/{steps} loss={loss:.3f}")
            screen.flush()

        return epoch(model, optimizer, split, test, augment, batch_size, workers, device, redraw)
