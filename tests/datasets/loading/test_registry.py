"""Cards are found by their names."""

from __future__ import annotations

import re

import pytest

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.registry import card, cards


def test_every_data_set_is_found():
    assert set(cards()) == {"digits", "mnist", "fashion_mnist", "cifar10", "cifar100", "cifar100_coarse"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("cifar-10", "unknown data set 'cifar-10'; did you mean 'cifar10'? known: cifar10", id="close"),
        pytest.param(
            "imagenet",
            "unknown data set 'imagenet'; known: cifar10, cifar100, cifar100_coarse, digits, fashion_mnist, mnist",
            id="far",
        ),
    ],
)
def test_unknown_name(name, message):
    with pytest.raises(DataError, match=re.escape(message)):
        card(name)
