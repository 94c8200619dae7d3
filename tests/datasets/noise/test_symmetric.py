"""Symmetric noise: exact counts, both conventions."""

from __future__ import annotations

import numpy as np
import pytest

from lnlbench.datasets.noise.base import parse_noise


@pytest.mark.parametrize("rate", [0, 0.1, 0.2, 0.4, 0.6, 0.8])
@pytest.mark.parametrize("per_class", [50, 37])
def test_counts_are_exact_per_class(make_images, rate, per_class):
    images = make_images(per_class=per_class)
    given = parse_noise(f"symmetric-{rate}").corrupt(images, 5).given
    wrong = np.bincount(images.train_labels[given != images.train_labels], minlength=10)
    assert wrong.tolist() == [int(np.floor(rate * per_class + 0.5))] * 10


def test_targets_are_every_other_class_and_never_the_true_one(make_images):
    images = make_images(per_class=500)
    matrix = np.array(parse_noise("symmetric-0.8").corrupt(images, 0).manifest["transition_matrix"])
    assert np.allclose(np.diag(matrix), 0.2)
    assert (matrix > 0).all()


@pytest.mark.parametrize(("name", "per_class"), [("cifar10", 5000), ("cifar100", 500)])
@pytest.mark.parametrize("rate", [0.2, 0.4, 0.6, 0.8])
def test_inclusive_rate(make_images, name, per_class, rate):
    """The share of wrong labels is ε(K − 1)/K."""
    images = make_images(name, per_class=per_class)
    manifest = parse_noise(f"symmetric-inclusive-{rate}").corrupt(images, 0).manifest
    k = images.card.classes
    assert manifest["realised_rate"] == pytest.approx(rate * (k - 1) / k, abs=4 * np.sqrt(rate / k / 50_000))


def test_bernoulli_counts_vary(make_images):
    images = make_images(per_class=1000)
    noise = parse_noise("symmetric-bernoulli-0.4")
    rates = [noise.corrupt(images, seed).manifest["realised_rate"] for seed in range(20)]
    assert len(set(rates)) > 1
    assert np.mean(rates) == pytest.approx(0.4, abs=4 * np.sqrt(0.24 / 200_000))


def test_closed_form_of_the_matrices(make_images):
    card = make_images("cifar10").card
    exclusive, inclusive = (parse_noise(f"symmetric-{o}0.8").matrix(card) for o in ("", "inclusive-"))
    assert exclusive[0, 0] == pytest.approx(0.2) and exclusive[0, 1] == pytest.approx(0.8 / 9)
    assert inclusive[0, 0] == pytest.approx(0.28) and inclusive[0, 1] == pytest.approx(0.08)
    np.testing.assert_allclose(inclusive, 0.2 * np.eye(10) + 0.08)
