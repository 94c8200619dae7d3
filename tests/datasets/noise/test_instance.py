"""Instance-dependent noise: exactly the written definition, the same on every machine."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.noise.base import parse_noise
from lnlbench.datasets.noise.instance import flip_rates, top_share


@pytest.mark.parametrize(("rate", "mean", "above"), [(0.2, 0.2055, 0.0014), (0.4, 0.4, 0.1587)])
def test_flip_rates_are_truncated_normal(rate, mean, above):
    q = flip_rates(rate, 100_000, np.random.Generator(np.random.PCG64(0)))
    assert q.mean() == pytest.approx(mean, abs=0.001)
    assert (q > 0.5).mean() == pytest.approx(above, abs=0.004)
    reference = stats.truncnorm((0 - rate) / 0.1, (1 - rate) / 0.1, loc=rate, scale=0.1)
    assert stats.kstest(q, reference.cdf).pvalue > 0.01


def plainly(images, rate, seed, scale=1.0, centred=False):
    """The definition sample by sample, with all W at once."""
    generator = np.random.Generator(np.random.PCG64(seed))
    n, k = len(images.train_labels), images.card.classes
    q = flip_rates(rate, n, generator)
    x = images.train_images.reshape(n, -1).astype(np.float64) / scale
    x = x - x.mean(0) if centred else x
    w = generator.standard_normal((k, x.shape[1], k))
    uniform = generator.random(n)
    given = np.empty(n, np.int64)
    for i, y in enumerate(images.train_labels):
        scores = x[i] @ w[y]
        scores[y] = -np.inf
        share = np.exp(scores - scores.max())
        chances = q[i] * share / share.sum()
        chances[y] = 1 - q[i]
        given[i] = np.searchsorted(np.cumsum(chances) / np.sum(chances), uniform[i], side="right")
    return given


@pytest.mark.parametrize(
    ("text", "scale", "centred"),
    [
        ("instance-0.4", 1.0, False),
        ("instance-centred-0.4", 1.0, True),
        pytest.param("instance-scaled-0.4", 255.0, False, id="what was made with it is still read"),
    ],
)
def test_against_the_plain_definition(make_images, text, scale, centred):
    images = make_images(per_class=60, side=5)
    np.testing.assert_array_equal(parse_noise(text).corrupt(images, 7).given, plainly(images, 0.4, 7, scale, centred))


def test_the_variant_that_changes_little_is_not_offered():
    with pytest.raises(DataError, match=r"known: centred$"):
        parse_noise("instance-central-0.4")


def test_top_share_is_of_the_wrong_labels_of_each_class():
    true = np.array([0] * 6 + [1] * 5 + [2] * 3)
    given = np.array([0, 1, 1, 1, 2, 0, 2, 2, 0, 1, 1, 2, 2, 2])
    assert top_share(true, given, 3) == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert top_share(true, true, 3) is None


@pytest.mark.parametrize(
    ("text", "sha256"),
    [
        ("instance-0.2", "33a8078e019503a81badf4ac41df36341efa52a13be90e7fa49363c0f1875ca4"),
        ("instance-0.4", "679d2922a37f28c6da0fb6102f4a0ea76656533ae611b193b35698f6ab66cd63"),
        ("instance-centred-0.4", "c7cfbedf3143d6342e49ffa1ea18e13b04ec2999f7088d3bf25d254f79ff2f14"),
        ("instance-scaled-0.4", "cddb9add704b398824042915e29b237a051462de704b52b975f26deb7a3315bc"),
    ],
)
def test_labels_are_the_same_everywhere(make_images, text, sha256):
    assert parse_noise(text).corrupt(make_images(per_class=60, side=5), 0).manifest["labels_sha256"] == sha256


def test_share_above_half_is_reported(make_images):
    manifest = parse_noise("instance-0.4").corrupt(make_images(per_class=1000), 0).manifest
    assert manifest["share_above_half"] == pytest.approx(0.16, abs=0.015)
    assert manifest["guaranteed"] is False


def test_channels_come_first(make_images):
    """The flattening is C, H, W: the same numbers in another order give other labels."""
    images = make_images(per_class=60, side=5)
    turned = np.ascontiguousarray(images.train_images.transpose(0, 2, 3, 1)).reshape(images.train_images.shape)
    other = replace(images, train_images=turned)
    noise = parse_noise("instance-0.4")
    assert (noise.corrupt(images, 0).given != noise.corrupt(other, 0).given).any()


@pytest.mark.slow
def test_realised_rate_on_mnist_within_seconds(mnist):
    start = time.perf_counter()
    manifest = parse_noise("instance-0.2").corrupt(mnist, 0).manifest
    assert time.perf_counter() - start < 10
    assert manifest["realised_rate"] == pytest.approx(0.2055, abs=0.005)


@pytest.mark.slow
def test_realised_rate_on_cifar10(cifar10):
    manifest = parse_noise("instance-0.2").corrupt(cifar10, 0).manifest
    assert manifest["realised_rate"] == pytest.approx(0.2055, abs=0.006)


@pytest.mark.slow
def test_centred_images_share_out_what_one_wrong_class_had(cifar10):
    """The most frequent wrong class of each class has 0.7 of its wrong labels, of centred images a quarter."""
    shares = {
        text: parse_noise(text).corrupt(cifar10, 0).manifest["top_wrong_share"]
        for text in ("instance-0.4", "instance-centred-0.4")
    }
    assert list(shares.values()) == pytest.approx([0.765, 0.265], abs=0.01)
