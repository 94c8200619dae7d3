"""Asymmetric noise and pair flip: who turns into whom, and how often."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.registry import card
from lnlbench.datasets.noise.base import parse_noise


def test_mnist_realises_0_4949_of_the_rate(mnist):
    for rate in (0.2, 0.4):
        manifest = parse_noise(f"asymmetric-{rate}").corrupt(mnist, 0).manifest
        assert manifest["realised_rate"] == pytest.approx(29693 / 60000 * rate, abs=1e-4)
    assert np.isin(mnist.train_labels, (7, 2, 3, 5, 6)).sum() == 29693


@pytest.mark.parametrize("rate", [0.2, 0.4])
def test_cifar10_realises_half_the_rate(make_images, rate):
    manifest = parse_noise(f"asymmetric-{rate}").corrupt(make_images(per_class=5000), 0).manifest
    assert manifest["realised_rate"] == pytest.approx(rate / 2, abs=1e-12)
    assert manifest["class_rates"] == pytest.approx([0, 0, rate, rate, rate, rate, 0, 0, 0, rate])
    assert manifest["map"] == {"2": 0, "3": 5, "4": 7, "5": 3, "9": 1}


def test_both_directions_are_drawn_from_the_true_labels(make_images):
    """Moving cats to dogs first and then dogs to cats would leave 76 % of the cats at 40 %."""
    matrix = np.array(
        parse_noise("asymmetric-0.4").corrupt(make_images(per_class=500), 0).manifest["transition_matrix"]
    )
    assert matrix[3, 3] == matrix[5, 5] == 0.6
    assert matrix[3, 5] == matrix[5, 3] == 0.4


@pytest.mark.parametrize("option", ["", "blocks-"])
def test_cifar100_realises_the_rate(make_images, option):
    images = make_images("cifar100", per_class=500)
    noise = parse_noise(f"asymmetric-{option}0.4")
    manifest = noise.corrupt(images, 0).manifest
    assert manifest["realised_rate"] == pytest.approx(0.4, abs=1e-12)
    np.testing.assert_allclose(manifest["transition_matrix"], noise.matrix(images.card))


@pytest.mark.parametrize("column", ["dal_asym20", "dal_asym40"])
@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_the_map_is_that_of_the_shipped_file(real_dir, name, column):
    table = pq.read_table(real_dir / f"noise/{name}/train.parquet")
    true, given = (table.column(c).to_numpy().astype(int) for c in ("clean", column))
    targets = np.array(card(name).asymmetric[""])
    wrong = given != true
    assert (given[wrong] == targets[true[wrong]]).all()
    assert set(true[wrong]) == set(np.flatnonzero(targets != np.arange(len(targets))))


def test_a_data_set_without_a_map():
    with pytest.raises(DataError, match="cifar10 has no map for asymmetric noise"):
        parse_noise("asymmetric-0.4").check(replace(card("cifar10"), asymmetric={}))


def test_pair_flip_is_the_next_class(make_images):
    images = make_images(per_class=500)
    given = parse_noise("pairflip-0.45").corrupt(images, 0).given
    step = (given - images.train_labels) % 10
    assert np.bincount(step).tolist() == [2750, 2250]
    assert parse_noise("pairflip-0.45").matrix(images.card)[9, 0] == 0.45
