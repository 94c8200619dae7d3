"""Batches from uint8 images that already live on the device; crop and flip of a whole batch by index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from lnlbench.benchmark.protocol.seeds import generator

PADDING = 4  # pixels on each side before the crop


@dataclass(frozen=True)
class Order:
    """What is drawn for one epoch: S steps of B samples each; the remainder of the permutation is left out."""

    index: Tensor  # int64 [S, B]
    offset: Tensor | None  # int64 [S, B, 2]: rows and columns of the crop in the padded image
    flip: Tensor | None  # bool [S, B]


class DeviceImages:
    """Images on a device, handed out as normalised batches."""

    def __init__(
        self,
        images: Tensor,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        padding: int = 0,
    ) -> None:
        self.side = images.shape[-2], images.shape[-1]
        self.dtype = dtype
        images = images.to(device)
        self.images = functional.pad(images, [padding] * 4) if padding else images
        self.centre = self.images[..., padding : padding + self.side[0], padding : padding + self.side[1]]
        self.mean = torch.tensor(mean, device=device, dtype=dtype).view(-1, 1, 1)
        self.std = torch.tensor(std, device=device, dtype=dtype).view(-1, 1, 1)
        height, width = self.side
        self.windows = self.images.unfold(2, height, 1).unfold(3, width, 1)  # [N, C, rows, columns, H, W], a view

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, index: Tensor, offset: Tensor | None = None, flip: Tensor | None = None) -> Tensor:
        """Return the images [B, C, H, W] of some indices, cropped at offsets [B, 2] and flipped where asked."""
        if offset is None:
            raw = self.centre[index]
        else:
            channels = torch.arange(self.images.shape[1], device=index.device)
            raw = self.windows[index[:, None], channels, offset[:, :1], offset[:, 1:]]
        if flip is not None:
            raw = torch.where(flip.view(-1, 1, 1, 1), raw.flip(-1), raw)
        return self.normalise(raw)

    def normalise(self, raw: Tensor) -> Tensor:
        """Uint8 to (x / 255 - mean) / std, operation by operation as torchvision's ToTensor and Normalize do it."""
        return raw.to(self.dtype).div_(255).sub_(self.mean).div_(self.std)

    def chunks(self, size: int) -> Iterator[Tensor]:
        """All images in order, without augmentation."""
        for start in range(0, len(self), size):
            yield self.normalise(self.centre[start : start + size])


def draw_order(samples: int, batch_size: int, augment: bool, device: torch.device, *names: object) -> Order:
    """Return the order, crops and flips of one epoch, from seed names: the same on every device."""
    size = min(batch_size, samples)
    steps = samples // size
    source = generator("order", *names)
    index = torch.randperm(samples, generator=source)[: steps * size].view(steps, size).to(device)
    if not augment:
        return Order(index, None, None)
    return _augmented(index, source)


def another_view(order: Order, *names: object) -> Order:
    """Crop and flip the same samples otherwise, from seed names; unchanged where nothing is augmented."""
    return order if order.offset is None else _augmented(order.index, generator("view", *names))


def _augmented(index: Tensor, source: torch.Generator) -> Order:
    steps, size = index.shape
    offset = torch.randint(2 * PADDING + 1, (steps, size, 2), generator=source).to(index.device)
    flip = torch.randint(2, (steps, size), generator=source).bool().to(index.device)
    return Order(index, offset, flip)
