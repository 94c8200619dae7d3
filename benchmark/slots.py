"""Tensors of many runs with the run as first axis, and images that runs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lnlbench.benchmark.execution import Execution
from lnlbench.benchmark.job import Job
from lnlbench.benchmark.loader import Images
from lnlbench.methods.base import Params


def mapped(change: Callable[[Tensor], Tensor], tree: Any) -> Any:
    """The same lists and dicts around changed tensors; other values stay."""
    if isinstance(tree, Tensor):
        return change(tree)
    if isinstance(tree, dict):
        return {name: mapped(change, part) for name, part in tree.items()}
    return [mapped(change, part) for part in tree] if isinstance(tree, list) else tree


def joined(trees: Sequence[Any]) -> Any:
    """Trees of equal structure as one, their tensors stacked along a new first axis."""
    first = trees[0]
    if isinstance(first, dict):
        return {name: joined([tree[name] for tree in trees]) for name in first}
    if isinstance(first, list):
        return [joined(list(parts)) for parts in zip(*trees, strict=True)]
    return torch.stack(list(trees))


def flat(params: Params) -> list[Tensor]:
    """The parameters of all networks in one list."""
    return [p for network in params for p in network.values()]


def norms(tensors: Sequence[Tensor]) -> list[float]:
    """Euclidean norm of all numbers of each run."""
    found: list[float] = torch.stack([x.flatten(1).norm(dim=1) for x in tensors]).norm(dim=0).tolist()
    return found


class Pool:
    """The images of all runs, each distinct set once.

    Args:
        sets: uint8 [N, C, H, W] of each run, of one shape.
        job: any of the jobs; it says how images are normalised.
        how: device and type.
        padding: pixels on each side before the crop.
    """

    def __init__(self, sets: Sequence[Tensor], job: Job, how: Execution, padding: int = 0) -> None:
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
        together = distinct[0] if self.shared else torch.cat(distinct)
        self.images = Images(together, job.split.mean, job.split.std, how.device, how.dtype, padding)
        self.first = torch.tensor(places, device=how.device).unsqueeze(1) * self.count  # [R, 1]

    def batch(self, index: Tensor, offset: Tensor | None = None, flip: Tensor | None = None) -> Tensor:
        """The images [R, B, C, H, W] of indices [R, B] of each run, cropped and flipped where asked."""
        more = (None if x is None else x.flatten(0, 1) for x in (offset, flip))
        return self.images.batch((self.first + index).flatten(), *more).unflatten(0, index.shape)

    def keep(self, slots: Tensor) -> None:
        """Forget all runs but some."""
        self.first = self.first[slots]
