"""Strong views: pixel by pixel torchvision's RandAugment of one image after another, and cutout."""

import math

import pytest
import torch
from sklearn.datasets import load_sample_image
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as vision

from lnlbench.benchmark import Job, Split, fit
from lnlbench.benchmark.engine.batches import DeviceImages, another_view, draw_order, strong_view
from lnlbench.benchmark.engine.strong_view import BINS, CHOICES, MAGNITUDE, NAMES, OPERATIONS, StrongView, draw
from lnlbench.benchmark.protocol.settings import setting
from lnlbench.methods import Batch, Method, parse, register
from lnlbench.methods import _registry as registry

CPU = torch.device("cpu")
SPACE = v2.RandAugment._AUGMENTATION_SPACE
THEIRS = dict(zip(NAMES, (
    "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Posterize", "Solarize", "Color",
    "Contrast", "Sharpness", "AutoContrast", "Equalize", "Identity",
), strict=True))  # fmt: skip


@pytest.fixture(scope="module", params=[(3, 32, 32), (1, 28, 28), (3, 24, 33)], ids=["colour", "grey", "not square"])
def photos(request):
    """Pieces of a photograph, of noise, of one value, of few and of grey ones, uint8 [N, C, H, W]."""
    channels, height, width = request.param
    photo = torch.tensor(load_sample_image("flower.jpg")).permute(2, 0, 1)[:channels]
    tiles = photo[:, 200 : 200 + 2 * height, 200 : 200 + 3 * width].unfold(1, height, height).unfold(2, width, width)
    tiles = tiles.permute(1, 2, 0, 3, 4).flatten(0, 1).contiguous()
    noise = torch.randint(0, 256, (4, channels, height, width), generator=torch.Generator().manual_seed(0)).byte()
    return torch.cat([tiles, noise, noise // 3 + 80, noise // 128 * 255, noise[:, :1].expand_as(noise), tiles[:1] * 0])


def reference(image, choice, magnitude):
    """One image under one operation, the way that torchvision's RandAugment does it."""
    theirs = THEIRS[NAMES[choice // 2]]
    magnitudes, signed = SPACE[theirs]
    levels = magnitudes(BINS, *image.shape[-2:])
    level = 0.0 if levels is None else float(levels[magnitude])
    sign = -1 if signed and choice % 2 else 1
    nearest = v2.InterpolationMode.NEAREST
    return v2.RandAugment()._apply_image_or_video_transform(image, theirs, sign * level, nearest, {torch.Tensor: None})


def test_the_operations_are_those_of_torchvision():
    assert set(THEIRS.values()) == set(SPACE)
    theirs = v2.RandAugment()
    assert (theirs.num_ops, theirs.magnitude, theirs.num_magnitude_bins) == (OPERATIONS, MAGNITUDE, BINS)


@pytest.mark.parametrize("magnitude", [0, 3, MAGNITUDE, 17, 30])
@pytest.mark.parametrize("name", NAMES)
def test_every_operation_equals_torchvision(photos, name, magnitude):
    view = StrongView(photos.shape[1:], (0,) * photos.shape[1], CPU, magnitude)
    for choice in (2 * NAMES.index(name), 2 * NAMES.index(name) + 1):
        found = view.changed(photos, torch.full((len(photos),), choice))
        assert torch.equal(found, torch.stack([reference(image, choice, magnitude) for image in photos]))


def test_a_batch_of_all_operations_equals_torchvision_image_by_image(photos):
    choices = torch.cartesian_prod(torch.arange(CHOICES), torch.arange(CHOICES))
    images = photos[torch.arange(len(choices)) % len(photos)]
    view = StrongView(photos.shape[1:], (7,) * photos.shape[1], CPU)
    centre = torch.stack([torch.arange(len(choices)) % length for length in photos.shape[2:]], -1)
    found = view(images, choices, centre)
    reach, (height, width) = min(photos.shape[2:]) // 4, photos.shape[2:]
    for i, (image, (first, second), (row, column)) in enumerate(zip(images, choices, centre, strict=True)):
        expected = reference(reference(image, int(first), MAGNITUDE), int(second), MAGNITUDE)
        top, left = max(0, int(row) - reach), max(0, int(column) - reach)
        size = min(height, int(row) + reach) - top, min(width, int(column) + reach) - left
        assert torch.equal(found[i], vision.erase(expected, top, left, *size, torch.tensor(7)))


def test_draws_are_uniform():
    operations, centre = draw(200, 50, (8, 16), torch.Generator().manual_seed(0))
    assert operations.shape == (200, 50, OPERATIONS) and centre.shape == (200, 50, 2)
    counts = torch.bincount(operations.flatten(), minlength=CHOICES).double()
    expected = 200 * 50 * OPERATIONS / CHOICES
    assert ((counts - expected).abs() < 5 * math.sqrt(expected)).all()
    for axis, length in enumerate((8, 16)):
        assert (torch.bincount(centre[..., axis].flatten(), minlength=length) > 0.7 * 10_000 / length).all()


def test_a_strong_view_is_a_function_of_its_names():
    order = draw_order(64, 16, True, CPU, 0, 0)
    first, again, other = (strong_view(order, (8, 8), *names) for names in ((0, 0, 0), (0, 0, 0), (1, 0, 0)))
    for name in ("operations", "centre", "offset", "flip"):
        assert torch.equal(getattr(first, name), getattr(again, name))
        assert not torch.equal(getattr(first, name), getattr(other, name))
    assert torch.equal(first.index, order.index)
    assert not torch.equal(first.offset, another_view(order, 1, 0, 0).offset)


def test_where_nothing_is_augmented_a_strong_view_is_the_image_itself():
    order = draw_order(64, 16, False, CPU, 0, 0)
    assert strong_view(order, (8, 8), 0, 0, 0) is order


def test_what_is_cut_out_is_zero_once_normalised():
    images = DeviceImages(torch.zeros(2, 1, 8, 8).byte(), (0.4,), (0.5,), CPU)
    identity = torch.full((2, 2), CHOICES - 1)
    found = images.batch(torch.arange(2), None, None, identity, torch.tensor([[4, 4], [0, 7]]))
    assert torch.equal((found.abs() < 1e-6).sum((1, 2, 3)), torch.tensor([16, 6]))


@pytest.fixture
def watched():
    """A method with one view, two weak and two strong ones; the batches that it is given."""
    seen = []

    @register("two_of_each")
    class TwoOfEach(Method):
        views, strong = 2, 2

        def guess(self, predict, batch: Batch, clock):
            seen.append(batch)
            return batch

    yield seen
    registry._METHODS.pop("two_of_each")


@pytest.mark.parametrize("augment", [True, False])
def test_a_method_is_given_its_views(watched, augment):
    source = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (64, 3, 8, 8), generator=source).byte()
    given = torch.randint(10, (64,), generator=source)
    split = Split(images[:48], given[:48], images[48:], given[48:], 10, (0.5,) * 3, (0.2,) * 3, {})
    method = parse("two_of_each")
    assert (method.views, method.strong, method.stackable) == (2, 2, False)
    chosen = setting("digits/clean").override(epochs=1, batch_size=16, augment=augment)
    list(fit(Job(chosen, method, 0, split), device="cpu", precision="fp32"))
    assert [(len(batch.views), len(batch.strong)) for batch in watched] == [(1, 2)] * 3
    for batch in watched:
        every = [batch.inputs, *batch.views, *batch.strong]
        same = [torch.equal(a, b) for i, a in enumerate(every) for b in every[:i]]
        assert not any(same) if augment else all(same)


@pytest.mark.parametrize(
    ("text", "forward", "backward"), [("gjs", 2, 2), ("sop_plus", 2, 2), ("disc", 4, 4), ("elr_plus", 4, 2)]
)
def test_every_row_of_a_wider_batch_is_charged(text, forward, backward):
    source = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 1, 8, 8), generator=source).byte()
    given = torch.randint(10, (40,), generator=source)
    split = Split(images[:32], given[:32], images[32:], given[32:], 10, (0.3,), (0.4,), {})
    chosen = setting("digits/clean").override(epochs=1, batch_size=16, augment=True)
    (epoch,) = fit(Job(chosen, parse(text), 0, split), device="cpu", precision="fp32")
    assert (epoch.forward, epoch.backward) == (forward, backward)
