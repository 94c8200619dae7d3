"""The text of a noise model, its manifest, and what holds for every model."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.registry import card
from lnlbench.datasets.noise.base import kinds, parse_noise, realised

TEXTS = [
    "clean",
    "symmetric-0.4",
    "symmetric-inclusive-0.8",
    "symmetric-bernoulli-0.4",
    "asymmetric-0.4",
    "pairflip-0.45",
    "instance-0.4",
    "instance-centred-0.2",
]


def test_every_model_is_found():
    drawn = {"asymmetric", "clean", "instance", "pairflip", "symmetric"}
    assert set(kinds()) == drawn | {"file", "given", "human", "labels", "twin"}


@pytest.mark.parametrize(
    ("text", "canonical", "family", "rate"),
    [
        ("clean", "clean", "clean", 0.0),
        ("symmetric-0.40", "symmetric-0.4", "symmetric", 0.4),
        ("symmetric-.4", "symmetric-0.4", "symmetric", 0.4),
        ("symmetric-0", "symmetric-0", "symmetric", 0.0),
        ("symmetric-inclusive-0.4", "symmetric-inclusive-0.4", "symmetric", 0.4),
        ("symmetric-bernoulli-0.4", "symmetric-bernoulli-0.4", "symmetric", 0.4),
        ("asymmetric-0.4", "asymmetric-0.4", "asymmetric", 0.4),
        ("asymmetric-blocks-0.4", "asymmetric-blocks-0.4", "asymmetric", 0.4),
        ("pairflip-0.45", "pairflip-0.45", "pairflip", 0.45),
        ("instance-0.4", "instance-0.4", "instance", 0.4),
        ("instance-0.0000001", "instance-0.0000001", "instance", 1e-7),
        ("human-worst", "human-worst", "human", None),
        ("labels-dal_sym40", "labels-dal_sym40", "file", None),
        ("file:a/b-0.4.npy", "file:a/b-0.4.npy", "file", None),
        ("file:a.parquet#x#y", "file:a.parquet#x#y", "file", None),
    ],
)
def test_text(text, canonical, family, rate):
    noise = parse_noise(text)
    assert (str(noise), noise.family, noise.rate) == (canonical, family, rate)
    assert parse_noise(canonical) == noise
    assert hash(parse_noise(canonical)) == hash(noise)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("symetric-0.4", "unknown noise 'symetric'; did you mean 'symmetric'? known: asym", id="kind"),
        pytest.param("", "unknown noise ''; known: asymmetric, clean", id="empty"),
        pytest.param("0.4", "unknown noise '0.4'; known", id="rate alone"),
        pytest.param("symmetric", "noise 'symmetric' has no rate at its end; write symmetric-0.4 or", id="no rate"),
        pytest.param("symmetric--0.3", "noise 'symmetric--0.3' has no rate at its end", id="negative"),
        pytest.param("symmetric-nan", "has no rate at its end", id="nan"),
        pytest.param("symmetric-0.4x", "has no rate at its end", id="trailing letters"),
        pytest.param("symmetric-0.4\n", "has no rate at its end", id="trailing newline"),
        pytest.param("symmetric-inclusiv-0.4", "'inclusiv'; did you mean 'inclusive'?", id="option"),
        pytest.param("pairflip-blocks-0.4", "there is no option of pairflip noise, so not 'blocks'", id="no options"),
        pytest.param("symmetric:0.4", "after 'symmetric' comes '-', not ':'", id="separator"),
        pytest.param("file-a.npy", "after 'file' comes ':', not '-'", id="file separator"),
        pytest.param("clean-0.1", "clean takes no rate or option", id="clean"),
        pytest.param("file:", "write file:PATH", id="no path"),
        pytest.param("human", "write human-<name>", id="no name"),
        pytest.param("labels-", "write labels-<column>", id="no column"),
    ],
)
def test_text_that_is_no_noise(text, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        parse_noise(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        pytest.param("mnist", "symmetric-1", "must be at least 0 and below 1", id="symmetric 1"),
        pytest.param("mnist", "symmetric-inclusive-1", "must be at least 0 and below 1", id="inclusive 1"),
        pytest.param("mnist", "instance-1.5", "must be at least 0 and below 1", id="above 1"),
        pytest.param("mnist", "symmetric-0.9", "the rate must be below 0.9", id="symmetric (K-1)/K"),
        pytest.param("mnist", "symmetric-bernoulli-0.9", "the rate must be below 0.9", id="bernoulli (K-1)/K"),
        pytest.param("cifar100", "symmetric-0.99", "the rate must be below 0.99", id="symmetric (K-1)/K, K=100"),
        pytest.param("mnist", "pairflip-0.5", "the rate must be below 0.5", id="pairflip"),
        pytest.param("mnist", "asymmetric-0.5", "the rate must be below 0.5", id="asymmetric"),
        pytest.param(
            "mnist",
            "asymmetric-blocks-0.4",
            "there is no map of asymmetric noise for mnist, so not 'blocks'",
            id="no blocks",
        ),
        pytest.param("mnist", "human-worst", "there is no set of human labels for mnist", id="no human labels"),
        pytest.param("cifar10", "human-worse", "human labels 'worse' for cifar10; did you mean 'worst'?", id="human"),
    ],
)
def test_impossible(name, text, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        parse_noise(text).check(card(name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mnist", "symmetric-0.899"),
        ("mnist", "symmetric-inclusive-0.95"),
        ("mnist", "pairflip-0.49"),
        ("cifar100", "symmetric-0.98"),
    ],
)
def test_possible(name, text):
    parse_noise(text).check(card(name))


@pytest.mark.parametrize("text", TEXTS)
def test_conformance(make_images, text):
    images, noise = make_images("cifar10", per_class=100, side=4), parse_noise(text)
    true = images.train_labels.copy()
    first, again, other = (noise.corrupt(images, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(images.train_labels, true)
    np.testing.assert_array_equal(first.given, again.given)
    assert first.manifest == again.manifest
    assert (first.given != other.given).any() == (text != "clean")
    assert first.given.dtype == np.int64 and first.given.shape == true.shape
    assert first.given.min() >= 0 and first.given.max() < 10
    assert first.given is not images.train_labels and not np.shares_memory(first.given, images.train_labels)
    manifest = json.loads(json.dumps(first.manifest, allow_nan=False))
    assert manifest == first.manifest
    assert manifest["text"] == text
    assert manifest["nominal_rate"] == noise.rate
    assert manifest["realised_rate"] == (first.given != true).mean()
    assert manifest["convention"] == ("inclusive" if "inclusive" in text else "exclusive")
    assert manifest["guaranteed"] == (noise.family != "instance")
    assert (manifest["seed"], manifest["classes"], manifest["samples"]) == (0, 10, 1000)
    np.testing.assert_allclose(np.sum(manifest["transition_matrix"], axis=1), 1)
    matrix = noise.matrix(images.card)
    assert (matrix is None) == (noise.family == "instance")
    if matrix is not None:
        assert (matrix >= 0).all() and (matrix.argmax(axis=1) == np.arange(10)).all()
        np.testing.assert_allclose(matrix.sum(axis=1), 1)


@pytest.mark.parametrize("text", [t for t in TEXTS if "instance" not in t])
def test_realised_matrix_is_near_the_nominal_one(make_images, text):
    images, noise = make_images("cifar10", per_class=4000), parse_noise(text)
    matrix = np.array(noise.corrupt(images, 3).manifest["transition_matrix"])
    nominal = noise.matrix(images.card)
    assert np.abs(matrix - nominal).max() < 4.5 * np.sqrt(0.25 / 4000)
    np.testing.assert_array_equal(matrix[nominal == 0], 0)


def test_order_of_the_samples_does_not_matter_to_the_counts(make_images):
    """Labels that come sorted or shuffled, or with a class that is missing, all work."""
    for labels in ([0] * 5 + [3] * 6, [3, 0] * 5 + [3], [9]):
        manifest = parse_noise("symmetric-0.4").corrupt(make_images("mnist", labels), 0).manifest
        assert [r is None for r in manifest["class_rates"]] == [k not in labels for k in range(10)]


def test_negative_seed(make_images):
    with pytest.raises(DataError, match="non-negative integer, not -1"):
        parse_noise("symmetric-0.4").corrupt(make_images(), -1)


def test_realised():
    manifest = realised(np.array([0, 0, 0, 0, 1]), np.array([0, 1, 1, 1, 1]), 3)
    assert manifest["realised_rate"] == 0.6
    assert manifest["class_rates"] == [0.75, 0.0, None]
    assert manifest["transition_matrix"] == [[0.25, 0.75, 0], [0, 1, 0], [0, 0, 0]]
    other = realised(np.array([0, 0, 0, 0, 1]), np.array([0, 1, 1, 1, 2]), 3)
    assert other["labels_sha256"] != manifest["labels_sha256"]
