"""The cards."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from lnlbench.datasets.card import cycled
from lnlbench.datasets.cifar100 import SUPERCLASSES
from lnlbench.datasets.loading.registry import card, cards


@pytest.mark.parametrize("name", sorted(cards()))
def test_card_is_consistent(name):
    c = card(name)
    assert c.name == name
    assert len(set(c.class_names)) == c.classes
    assert len(c.mean) == len(c.std) == c.channels
    assert all(0 < m < 1 for m in (*c.mean, *c.std))
    assert c.embedded is not None or re.fullmatch("[0-9a-f]{40}", c.revision), "a Hub revision is a full commit"
    assert c.bibtex.startswith("@") and c.bibtex.endswith("\n}"), "what `lnlbench cite` prints"
    assert c.fingerprint is None or re.fullmatch("[0-9a-f]{64}", c.fingerprint)
    for targets in c.asymmetric.values():
        assert len(targets) == c.classes
        assert set(targets) <= set(range(c.classes))
    hash(c)


@pytest.mark.parametrize(
    ("name", "option", "moves"),
    [
        pytest.param("mnist", "", {7: 1, 2: 7, 3: 8, 5: 6, 6: 5}, id="mnist"),
        pytest.param("cifar10", "", {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}, id="cifar10"),
        pytest.param("cifar100", "", {0: 51, 83: 0, 92: 54, 62: 70, 1: 32, 91: 1}, id="superclass cycle"),
        pytest.param("cifar100", "blocks", {0: 1, 4: 0, 5: 6, 99: 95}, id="blocks"),
    ],
)
def test_asymmetric_map(name, option, moves):
    targets = card(name).asymmetric[option]
    assert {i: targets[i] for i in moves} == moves
    if name != "cifar100":
        assert {i for i, j in enumerate(targets) if i != j} == set(moves)
    else:
        assert all(i != j for i, j in enumerate(targets)) and sorted(targets) == list(range(100))


def test_cycled():
    assert cycled([[0, 2, 3]], 5) == (2, 1, 3, 0, 4)


def test_superclasses_are_those_of_the_data(real_dir):
    table = pq.read_table(real_dir / "noise/cifar100/train.parquet", columns=["clean", "clean_coarse"])
    fine, coarse = (table.column(name).to_numpy() for name in table.column_names)
    groups = sorted(tuple(np.unique(fine[coarse == c]).tolist()) for c in range(20))
    assert tuple(groups) == SUPERCLASSES


def test_names_are_in_label_order(small_dir):
    for name in ("mnist", "cifar10", "cifar100"):
        c = card(name)
        listed = re.findall(r"'\d+': \"(.+?)\"", (small_dir / str(c.hub_id) / "README.md").read_text())
        assert tuple(listed[: c.classes]) == c.class_names


def test_more_classes_than_a_byte_counts_are_refused():
    assert replace(card("cifar10"), class_names=tuple(map(str, range(256)))).classes == 256
    with pytest.raises(ValueError, match="cifar10 has 257 classes; at most 256"):
        replace(card("cifar10"), class_names=tuple(map(str, range(257))))
