"""The images of many runs, each distinct set once on the device, and the order in which each run sees its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lnlbench.benchmark.engine.batches import DeviceImages, Order, draw_order, pays
from lnlbench.benchmark.engine.device import Compute
from lnlbench.benchmark.engine.job import Job
from lnlbench.benchmark.protocol.settings import Setting


class Pool:
    """Sets of images, one per run; equal sets are kept once.

    Args:
        sets: uint8 [N, C, H, W] of each run, of one shape.
        job: any of the jobs; it says how images are normalised.
        how: device and type.
        padding: pixels on each side before the crop.
    """

    def __init__(self, sets: Sequence[Tensor], job: Job, how: Compute, padding: int = 0) -> None:
        distinct: list[Tensor] = []
        places = []
        for images in sets:
            place = next((i for i, one in enumerate(distinct) if one is images or torch.equal(one, images)), None)
            if place is None:
                place = len(distinct)
                distinct.append(images)
            places.append(place)
        self.count = len(sets[0])
        self.shared = len(distinct) == 1
        together = torch.cat([images.to(how.device) for images in distinct])
        kind = job.split.mean, job.split.std, how.device, how.dtype, padding
        self.images = DeviceImages(together, *kind, ready=pays(how.device, how.dtype, together))
        self.first = torch.tensor(places, device=how.device).unsqueeze(1) * self.count  # [R, 1]

    def batch(self, index: Tensor, offset: Tensor | None = None, flip: Tensor | None = None) -> Tensor:
        """Return the images [R, B, C, H, W] of indices [R, B] of each run, cropped and flipped where asked."""
        more = (None if x is None else x.flatten(0, 1) for x in (offset, flip))
        images = self.images.batch((self.first + index).flatten(), *more)
        return images.view(*index.shape, *images.shape[1:])

    def keep(self, slots: Sequence[int]) -> None:
        """Forget all runs but some; their images stay."""
        self.first = self.first[list(slots)]


def draw_orders(
    samples: int, setting: Setting, replicates: Sequence[object], epoch: int, device: torch.device
) -> Order:
    """Draw the order of each run, with the run as second axis: [S, R, B, ...]."""
    drawn = {name: draw_order(samples, setting.batch_size, setting.augment, device, name, epoch) for name in replicates}
    mine = [drawn[name] for name in replicates]
    offset = [order.offset for order in mine if order.offset is not None]
    flip = [order.flip for order in mine if order.flip is not None]
    index = torch.stack([order.index for order in mine], 1)
    return Order(index, torch.stack(offset, 1) if offset else None, torch.stack(flip, 1) if flip else None)
