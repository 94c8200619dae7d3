"""No noise: the given labels are the true ones."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from lnlbench.datasets.card import Card
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.images import Images
from lnlbench.datasets.noise.base import Noise, parse_noise, register


@register("clean")
class Clean(Noise):
    """The reference setting: the price of robustness is paid here."""

    family = "clean"

    @classmethod
    def parse(cls, rest: str) -> Self:
        """Return the model; there is nothing to say."""
        if rest:
            raise DataError(f"clean takes no rate or option, got {rest!r}")
        return cls(rate=0.0)

    def __str__(self) -> str:
        return self.kind

    def reference(self, card: Card) -> Noise:
        """Return symmetric noise: without any there is nothing to be robust against, and this is its rate 0."""
        return parse_noise("symmetric-0.4").reference(card)

    def matrix(self, card: Card) -> np.ndarray:
        """Return the identity ``[K, K]``."""
        return np.eye(card.classes)

    def draw(self, images: Images, generator: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the true labels."""
        return images.train_labels.astype(np.int64), {}
