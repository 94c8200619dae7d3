"""Batches of images that already live on the device; crop and flip of a whole batch by index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from lnlbench.benchmark.engine.strong_view import StrongView, draw
from lnlbench.benchmark.protocol.seeds import generator

PADDING = 4  # pixels on each side before the crop
READY = 2**29
"""Bytes up to which a CPU keeps the images of a run normalised: all of MNIST, or half of CIFAR-10."""
PART = 1000  # images that are normalised at once


@dataclass(frozen=True)
class Order:
    """The random draws of one epoch: S steps of B samples each; the remainder of the permutation is left out."""

    index: Tensor  # int64 [S, B]
    offset: Tensor | None  # int64 [S, B, 2]: rows and columns of the crop in the padded image
    flip: Tensor | None  # bool [S, B]
    operations: Tensor | None = None  # int64 [S, B, n], of a strong view: see `strong_view.NAMES`
    centre: Tensor | None = None  # int64 [S, B, 2], of a strong view: row and column around which a square is cut out


class Framed:
    """Images with a frame of padding around each; the views that batches are taken from are made once.

    Args:
        images: [N, C, H + 2 padding, W + 2 padding].
        padding: pixels on each side.
    """

    def __init__(self, images: Tensor, padding: int) -> None:
        height, width = (side - 2 * padding for side in images.shape[-2:])
        self.centre = images[..., padding : padding + height, padding : padding + width]
        last = not images.is_contiguous() and images.is_contiguous(memory_format=torch.channels_last)
        # As the pixels lie in memory, so that an image is copied whole; and the way back to [B, C, H, W].
        order, self._back = ((0, 2, 3, 1), (0, 3, 1, 2)) if last and not padding else ((0, 1, 2, 3),) * 2
        self._rows = self.centre.permute(order)
        self._windows = images.unfold(2, height, 1).unfold(3, width, 1)  # [N, C, rows, columns, H, W], a view
        self._channels = torch.arange(images.shape[1], device=images.device)

    def rows(self, index: Tensor) -> Tensor:
        """Return copies of the images of some indices without their frames, in the memory format that all have."""
        return self._rows.index_select(0, index).permute(self._back)

    def cropped(self, index: Tensor, offset: Tensor) -> Tensor:
        """Return the images of some indices, each cropped at its own offset [B, 2] in its frame."""
        return self._windows[index[:, None], self._channels, offset[:, :1], offset[:, 1:]]


class DeviceImages:
    """Images on a device, handed out as normalised batches.

    Args:
        images: uint8 [N, C, H, W].
        mean: of each channel, in 0..1.
        std: of each channel.
        device: where they lie.
        dtype: of the batches.
        padding: pixels on each side before the crop.
        ready: whether all images are normalised once and kept beside the given ones, see `pays`.
        channels_last: whether the normalised images are kept, and handed out, in that memory format.
    """

    def __init__(
        self,
        images: Tensor,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        padding: int = 0,
        *,
        ready: bool = False,
        channels_last: bool = False,
    ) -> None:
        self.side = images.shape[-2], images.shape[-1]
        self.dtype = dtype
        images = images.to(device)
        self.images = functional.pad(images, [padding] * 4) if padding else images
        self.raw = Framed(self.images, padding)
        self.fill = tuple(round(255 * part) for part in mean)
        self.mean = torch.tensor(mean, device=device, dtype=dtype).view(-1, 1, 1)
        self.std = torch.tensor(std, device=device, dtype=dtype).view(-1, 1, 1)
        self.ready = Framed(self._normalised(channels_last), padding) if ready else None

    def __len__(self) -> int:
        return len(self.images)

    def batch(
        self,
        index: Tensor,
        offset: Tensor | None = None,
        flip: Tensor | None = None,
        operations: Tensor | None = None,
        centre: Tensor | None = None,
    ) -> Tensor:
        """Return the images [B, C, H, W] of some indices, cropped at offsets [B, 2] and flipped where asked.

        With operations [B, n] and centres [B, 2] it is a strong view.
        """
        strong = None if operations is None or centre is None else (operations, centre)
        source = self.raw if strong or self.ready is None else self.ready
        found = source.rows(index) if offset is None else source.cropped(index, offset)
        if flip is not None:
            found = torch.where(flip.view(-1, 1, 1, 1), found.flip(-1), found)
        if strong:
            found = self.strong(found, *strong)
        return found if source is self.ready else self.normalise(found)

    @cached_property
    def strong(self) -> StrongView:
        """The operations and the cutout that make strong views of these images."""
        return StrongView((self.images.shape[1], *self.side), self.fill, self.images.device)

    def normalise(self, raw: Tensor) -> Tensor:
        """Convert uint8 to (x / 255 - mean) / std, operation by operation as torchvision's ToTensor and Normalize."""
        return raw.to(self.dtype).div_(255).sub_(self.mean).div_(self.std)

    def chunks(self, size: int) -> Iterator[Tensor]:
        """Yield all images in order, without augmentation; they may be views and must not be written to."""
        source = self.raw if self.ready is None else self.ready
        for part in torch.split(source.centre, size):
            yield part if source is self.ready else self.normalise(part)

    def _normalised(self, channels_last: bool) -> Tensor:
        form = torch.channels_last if channels_last else torch.contiguous_format
        ready = torch.empty(self.images.shape, dtype=self.dtype, device=self.images.device, memory_format=form)
        for some, given in zip(torch.split(ready, PART), torch.split(self.images, PART), strict=True):
            some.copy_(self.normalise(given))
        return ready


def pays(device: torch.device, dtype: torch.dtype, *sets: Tensor) -> bool:
    """Say whether images that are read many times should be kept normalised.

    They should on a CPU, where normalising a batch takes longer than gathering it, if they fit into `READY` bytes.
    """
    return device.type == "cpu" and sum(images.numel() for images in sets) * dtype.itemsize <= READY


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
    """Draw other crops and flips of the same samples, from seed names; without augmentation nothing changes."""
    return order if order.offset is None else _augmented(order.index, generator("view", *names))


def strong_view(order: Order, side: tuple[int, int], *names: object) -> Order:
    """Draw other crops and flips of the same samples, and operations and cutout for images of a height and width.

    Without augmentation nothing changes: where a mirrored digit is another digit, a sheared one may be, too.
    """
    if order.offset is None:
        return order
    source, (steps, size) = generator("strong", *names), order.index.shape
    view = _augmented(order.index, source)
    operations, centre = (table.to(order.index.device) for table in draw(steps, size, side, source))
    return replace(view, operations=operations, centre=centre)


def _augmented(index: Tensor, source: torch.Generator) -> Order:
    steps, size = index.shape
    offset = torch.randint(2 * PADDING + 1, (steps, size, 2), generator=source).to(index.device)
    flip = torch.randint(2, (steps, size), generator=source).bool().to(index.device)
    return Order(index, offset, flip)
