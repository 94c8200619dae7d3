"""Pixel statistics: equal to those of the images as floats, without such a copy of them."""

import tracemalloc

import numpy as np
import pytest

from lnlbench.datasets.loading.pixel_statistics import NARROWEST, pixel_statistics


@pytest.mark.parametrize(
    "shape", [pytest.param((50, 3, 9, 9), id="colour"), pytest.param((7, 1, 28, 28), id="grey"), (1, 2, 1, 1)]
)
def test_they_are_those_of_the_images_in_units_of_one(shape):
    images = np.random.default_rng(0).integers(0, 200, shape, dtype=np.uint8)
    images[:, 0] //= 3
    fractions = images.astype(np.float64) / 255
    mean, std = pixel_statistics(images)
    assert mean == pytest.approx(fractions.mean((0, 2, 3)).tolist(), rel=1e-14)
    assert std == pytest.approx(np.maximum(fractions.std((0, 2, 3)), NARROWEST).tolist(), rel=1e-14)


def test_images_of_one_value_have_the_least_deviation():
    assert pixel_statistics(np.full((3, 1, 4, 4), 255, np.uint8)) == ((1.0,), (NARROWEST,))


def test_they_take_no_memory_of_the_size_of_the_images():
    images = np.zeros((200, 3, 64, 64), np.uint8)
    tracemalloc.start()
    pixel_statistics(images[::2])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < images.nbytes / 10
