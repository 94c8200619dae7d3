"""Batches: bit for bit those of torchvision's transforms of one image after another."""

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torchvision.transforms import functional as transforms

from lnlbench.benchmark.engine.batches import PADDING, DeviceImages, draw_order

CPU = torch.device("cpu")
SIDE = 32
STATISTICS = {1: ((0.1307,), (0.3081,)), 3: ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))}


@pytest.fixture(scope="module", params=[3, 1], ids=["colour", "grey"])
def photos(request):
    """Pieces of a photograph, uint8 [N, C, 32, 32]."""
    photo = torch.tensor(load_sample_image("flower.jpg")).permute(2, 0, 1)[: request.param]
    tiles = photo[:, : 6 * SIDE, : 8 * SIDE].unfold(1, SIDE, SIDE).unfold(2, SIDE, SIDE)
    return tiles.permute(1, 2, 0, 3, 4).flatten(0, 1).contiguous()


def reference(image, offset=None, flip=False):
    """One image, the way that torchvision does it."""
    channels = len(image)
    pixels = image.permute(1, 2, 0).numpy()
    found = Image.fromarray(pixels if channels == 3 else np.ascontiguousarray(pixels[..., 0]))
    if offset is not None:
        found = transforms.crop(transforms.pad(found, PADDING), *map(int, offset), SIDE, SIDE)
    if flip:
        found = transforms.hflip(found)
    return transforms.normalize(transforms.to_tensor(found), *STATISTICS[channels])


@pytest.fixture(params=["normalised at once", "batch by batch", "at once, channels last"])
def loaded(request):
    """Load photographs, in each way that they may lie in memory."""
    form = {"ready": "at once" in request.param, "channels_last": "channels last" in request.param}

    def load(photos, padding=0, dtype=torch.float32):
        return DeviceImages(photos, *STATISTICS[photos.shape[1]], CPU, dtype, padding, **form)

    return load


def test_augmented_batches_equal_torchvision(photos, loaded):
    images = loaded(photos, PADDING)
    order = draw_order(len(photos), 16, True, CPU, "names")
    assert order.index.shape == (3, 16) and order.flip.any() and not order.flip.all()
    for step in range(len(order.index)):
        index, offset, flip = order.index[step], order.offset[step], order.flip[step]
        expected = torch.stack([reference(photos[i], o, f) for i, o, f in zip(index, offset, flip, strict=True)])
        assert torch.equal(images.batch(index, offset, flip), expected)


@pytest.mark.parametrize("flip", [True, False], ids=["flipped", "as it is"])
def test_every_crop_equals_torchvision(photos, loaded, flip):
    places = torch.cartesian_prod(torch.arange(2 * PADDING + 1), torch.arange(2 * PADDING + 1))
    batch = loaded(photos, PADDING).batch(torch.full((len(places),), 5), places, torch.full((len(places),), flip))
    assert torch.equal(batch, torch.stack([reference(photos[5], place, flip) for place in places]))


@pytest.mark.parametrize("padding", [0, PADDING], ids=["not padded", "padded for training"])
def test_images_without_augmentation_equal_torchvision(photos, loaded, padding):
    images = loaded(photos, padding)
    index = torch.tensor([7, 0, 7, 41])
    assert torch.equal(images.batch(index), torch.stack([reference(photos[i]) for i in index]))
    expected = torch.stack([reference(photo) for photo in photos])
    assert [len(part) for part in images.chunks(20)] == [20, 20, 8]
    assert torch.equal(torch.cat(list(images.chunks(20))), expected)


def test_the_source_is_not_changed(photos, loaded):
    before, images = photos.clone(), loaded(photos)
    first = images.batch(torch.arange(4)).clone()
    images.batch(torch.arange(4)).zero_()
    assert torch.equal(photos, before) and torch.equal(images.batch(torch.arange(4)), first)


def test_rows_of_images_with_the_channels_last_stay_so(photos):
    images = DeviceImages(photos, *STATISTICS[photos.shape[1]], CPU, ready=True, channels_last=True)
    for found in (images.batch(torch.tensor([7, 0])), next(images.chunks(20))):
        assert found.is_contiguous(memory_format=torch.channels_last)


def test_float64_is_normalised_in_float64(photos, loaded):
    mean, std = (torch.tensor(x, dtype=torch.float64).view(-1, 1, 1) for x in STATISTICS[photos.shape[1]])
    batch = loaded(photos, dtype=torch.float64).batch(torch.arange(3))
    assert torch.allclose(batch, (photos[:3].double() / 255 - mean) / std, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("samples", "batch_size", "steps", "size"),
    [
        pytest.param(96, 32, 3, 32, id="divisible"),
        pytest.param(100, 32, 3, 32, id="the remainder is left out"),
        pytest.param(33, 32, 1, 32, id="all but one left out"),
        pytest.param(20, 32, 1, 20, id="fewer than a batch are one batch"),
        pytest.param(1, 32, 1, 1, id="a single sample"),
    ],
)
def test_an_epoch_visits_each_sample_at_most_once(samples, batch_size, steps, size):
    order = draw_order(samples, batch_size, False, CPU, 0, 0)
    assert order.index.shape == (steps, size)
    assert order.offset is None and order.flip is None
    visited = order.index.flatten()
    assert len(visited.unique()) == len(visited)
    assert visited.min() >= 0 and visited.max() < samples


def test_another_remainder_is_left_out_in_every_epoch():
    left = [set(range(40)) - set(draw_order(40, 32, False, CPU, 0, epoch).index.flatten().tolist()) for epoch in (0, 1)]
    assert left[0] != left[1]


def same(a, b):
    return all(x is y or torch.equal(x, y) for x, y in zip(vars(a).values(), vars(b).values(), strict=True))


@pytest.mark.parametrize(
    ("names", "equal"),
    [
        pytest.param((0, 3), True, id="the same names"),
        pytest.param((0, 4), False, id="another epoch"),
        pytest.param((1, 3), False, id="another replicate"),
        pytest.param((3, 0), False, id="the names exchanged"),
    ],
)
def test_the_order_is_a_function_of_its_names(names, equal):
    torch.manual_seed(sum(names))  # the global state must not matter
    assert same(draw_order(64, 16, True, CPU, 0, 3), draw_order(64, 16, True, CPU, *names)) is equal


def test_augmentation_does_not_change_the_order():
    assert torch.equal(draw_order(64, 16, True, CPU, 1).index, draw_order(64, 16, False, CPU, 1).index)


def test_crops_and_flips_are_uniform():
    order = draw_order(8100, 90, True, CPU, "uniform")
    places = (order.offset[..., 0] * (2 * PADDING + 1) + order.offset[..., 1]).flatten().bincount(minlength=81)
    assert len(places) == 81
    assert ((places - 100).float() ** 2 / 100).sum() < 150  # χ² with 80 degrees of freedom: 150 is p < 1e-5
    assert abs(order.flip.float().mean() - 0.5) < 0.03
