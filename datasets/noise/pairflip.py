"""Pair flip: every class is taken for the next one."""

from __future__ import annotations

from typing import Any

import numpy as np

from lnlbench.datasets.card import Card, cycled
from lnlbench.datasets.loading.images import Images
from lnlbench.datasets.noise.asymmetric import move, moved
from lnlbench.datasets.noise.base import Noise, register


@register("pairflip")
class PairFlip(Noise):
    """Class i becomes i + 1 mod K with the rate ε < 0.5 (Han et al., Co-teaching, NeurIPS 2018); exact counts."""

    family = "pairflip"

    def check(self, card: Card) -> None:
        """Refuse rates without diagonal dominance."""
        super().check(card)
        self.check_below(0.5, card)

    def matrix(self, card: Card) -> np.ndarray:
        """Return T ``[K, K]``."""
        return moved(self.targets(card), float(self.rate or 0))

    def targets(self, card: Card) -> tuple[int, ...]:
        """Return the class that each class turns into."""
        return cycled([range(card.classes)], card.classes)

    def draw(self, images: Images, generator: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        """Return given labels; exact counts per class."""
        given = move(images.train_labels, self.targets(images.card), float(self.rate or 0), generator)
        return given, {"counts": "exact"}
