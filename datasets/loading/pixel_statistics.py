"""Mean and standard deviation of the pixels of a data set, per channel, as networks are fed them."""

from __future__ import annotations

import math

import numpy as np

NARROWEST = 1e-3
"""The least standard deviation: a channel of one value is divided by this and not by zero."""

Statistics = tuple[tuple[float, ...], tuple[float, ...]]


def pixel_statistics(images: np.ndarray) -> Statistics:
    """Return mean and standard deviation of each channel, in units of [0, 1].

    They are those of how often each value occurs, in whole numbers, and need no copy of the images as floats, which
    takes sixteen times their bytes.

    Args:
        images: uint8 [N, C, H, W].
    """
    counts = np.zeros((images.shape[1], 256), np.int64)
    for image in images:  # one at a time, since bincount makes 64 bits of each pixel
        for count, plane in zip(counts, image, strict=True):
            count += np.bincount(plane.reshape(-1), minlength=256)
    found = [_moments(count.tolist()) for count in counts]
    return tuple(mean for mean, _ in found), tuple(max(std, NARROWEST) for _, std in found)


def _moments(counts: list[int]) -> tuple[float, float]:
    """Return mean and standard deviation of value / 255 from the counts of the values: exact but for the last step."""
    total = sum(counts)
    first = sum(value * count for value, count in enumerate(counts))
    second = sum(value**2 * count for value, count in enumerate(counts))
    return first / (255 * total), math.sqrt(total * second - first**2) / (255 * total)
