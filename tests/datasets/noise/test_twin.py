"""The twin of human labels: its matrix is theirs, and nothing else is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.noise.base import parse_noise


@pytest.fixture
def labelled(make_images, tmp_path):
    """CIFAR-10 in small, with human labels: an image is mislabelled where its first pixel is dark."""
    images = make_images("cifar10", per_class=40, data_dirs=(tmp_path,))
    dark = images.train_images[:, 0, 0, 0] < 100
    human = np.where(dark, (images.train_labels + 1) % 10, images.train_labels)
    (tmp_path / "noise/cifar10").mkdir(parents=True)
    table = pa.table({"clean": images.train_labels, "cifar10n_worse": human})
    pq.write_table(table, tmp_path / "noise/cifar10/train.parquet")
    return images


def test_the_matrix_is_that_of_the_human_labels_and_the_images_are_others(labelled):
    human, twin, other = (
        parse_noise(t).corrupt(labelled, s) for t, s in (("human-worst", 0), ("twin-worst", 0), ("twin-worst", 1))
    )
    for draw in (twin, other):
        assert draw.manifest["transition_matrix"] == human.manifest["transition_matrix"]
        assert draw.manifest["realised_rate"] == human.manifest["realised_rate"]
        assert sorted(draw.given) == sorted(human.given)
    assert not np.array_equal(twin.given, other.given)
    assert (human.manifest["seed"], twin.manifest["seed"]) == (None, 0)
    assert (human.manifest["guaranteed"], twin.manifest["guaranteed"]) == (False, True), "it depends on classes alone"
    dark = labelled.train_images[:, 0, 0, 0] < 100
    wrong = twin.given != labelled.train_labels
    assert abs(wrong[dark].mean() - wrong[~dark].mean()) < 0.2, "the image still says which label is wrong"


def test_the_same_seed_gives_the_same_labels(labelled):
    first, second = (parse_noise("twin-worst").corrupt(labelled, 3).given for _ in range(2))
    assert np.array_equal(first, second)


def test_a_data_set_without_human_labels_has_no_twin(make_images):
    with pytest.raises(DataError, match="there is no set of human labels for mnist"):
        parse_noise("twin-worst").check(make_images("mnist", per_class=1).card)


def test_the_reference_of_a_twin_is_a_twin(make_images):
    about = make_images("cifar10", per_class=1).card
    found = {text: str(parse_noise(text).reference(about)) for text in ("twin-aggre", "twin-worst", "human-aggre")}
    assert found == {"twin-aggre": "twin-worst", "twin-worst": "twin-worst", "human-aggre": "human-worst"}
