"""Asymmetric noise: a class is taken for the one it looks like."""

from __future__ import annotations

from typing import Any

import numpy as np

from lnlbench.datasets.card import Card
from lnlbench.datasets.loading.errors import DataError, unknown
from lnlbench.datasets.loading.images import Images
from lnlbench.datasets.noise.base import Noise, chosen, register


def moved(targets: tuple[int, ...], rate: float) -> np.ndarray:
    """Return the matrix ``[K, K]`` in which class i becomes ``targets[i]`` with probability ``rate``."""
    k = len(targets)
    matrix = np.eye(k)
    for i, j in enumerate(targets):
        if i != j:
            matrix[i, i], matrix[i, j] = 1 - rate, rate
    return matrix


def move(true: np.ndarray, targets: tuple[int, ...], rate: float, generator: np.random.Generator) -> np.ndarray:
    """Move exactly ``round(rate · n_i)`` labels of each class i that has a target, always by the true label."""
    target = np.asarray(targets)
    rates = np.where(target == np.arange(len(target)), 0.0, rate)
    mask = chosen(true, rates, generator)
    return np.where(mask, target[true], true).astype(np.int64)


@register("asymmetric")
class Asymmetric(Noise):
    """Asymmetric noise with the card's map (Patrini et al., CVPR 2017); the rate is that of each affected class.

    Both directions of a pair (cat ↔ dog) are drawn from the true labels. Code that changes the array in between
    sends some cats back and has another matrix.
    """

    family = "asymmetric"
    options = ("", "blocks")

    def check(self, card: Card) -> None:
        """Refuse a data set without this map, and rates without diagonal dominance."""
        super().check(card)
        self.targets(card)
        self.check_below(0.5, card)

    def targets(self, card: Card) -> tuple[int, ...]:
        """Return the class that each class turns into."""
        if not card.asymmetric:
            raise DataError(f"{card.name} has no map for asymmetric noise; symmetric and pairflip need none")
        if self.option not in card.asymmetric:
            raise unknown("map of asymmetric noise", self.option, [o for o in card.asymmetric if o], f"for {card.name}")
        return card.asymmetric[self.option]

    def matrix(self, card: Card) -> np.ndarray:
        """Return T ``[K, K]``."""
        return moved(self.targets(card), float(self.rate or 0))

    def draw(self, images: Images, generator: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        """Return given labels; exact counts per class."""
        targets = self.targets(images.card)
        given = move(images.train_labels, targets, float(self.rate or 0), generator)
        return given, {"counts": "exact", "map": {str(i): j for i, j in enumerate(targets) if i != j}}
