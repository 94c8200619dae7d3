"""Symmetric (uniform) noise: every other class is equally likely."""

from __future__ import annotations

from typing import Any

import numpy as np

from lnlbench.datasets.card import Card
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.images import Images
from lnlbench.datasets.noise.base import Noise, chosen, register


@register("symmetric")
class Symmetric(Noise):
    """Symmetric noise (Patrini et al., CVPR 2017; inclusive: Li et al., DivideMix, ICLR 2020).

    - ``symmetric-0.4``: exactly ``round(0.4 · n_k)`` labels of each class are wrong, T_ij = ε/(K − 1).
    - ``symmetric-bernoulli-0.4``: each label is wrong with probability 0.4; the count is random.
    - ``symmetric-inclusive-0.4``: as many labels as in the first are redrawn from all K classes, the true one
      included, T = (1 − ε)I + ε/K, so that only ε(K − 1)/K are wrong.

    Targets are independent uniform draws, as in the published generators, and not spread evenly: only the number
    of wrong labels is fixed, and the labels stay exchangeable given it.
    """

    family = "symmetric"
    options = ("", "inclusive", "bernoulli")

    @property
    def convention(self) -> str:
        """``inclusive`` for that option, else ``exclusive``."""
        return "inclusive" if self.option == "inclusive" else "exclusive"

    def check(self, card: Card) -> None:
        """Refuse rates at which the true label is no longer the most frequent."""
        super().check(card)
        if self.option != "inclusive":
            self.check_below((card.classes - 1) / card.classes, card)

    def matrix(self, card: Card) -> np.ndarray:
        """Return T ``[K, K]``."""
        rate, k = float(self.rate or 0), card.classes
        other = rate / k if self.option == "inclusive" else rate / (k - 1)
        matrix = np.full((k, k), other)
        np.fill_diagonal(matrix, 1 - other * (k - 1))
        return matrix

    def draw(self, images: Images, generator: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        """Return given labels; see the class."""
        if self.rate is None:
            raise DataError(f"{self.kind} noise needs a rate")
        true, k = images.train_labels.astype(np.int64), images.card.classes
        if self.option == "bernoulli":
            mask = generator.random(len(true)) < self.rate
        else:
            mask = chosen(true, np.full(k, self.rate), generator)
        given = true.copy()
        if self.option == "inclusive":
            given[mask] = generator.integers(0, k, mask.sum())
        else:
            given[mask] = (true[mask] + generator.integers(1, k, mask.sum())) % k
        return given, {"counts": "random" if self.option == "bernoulli" else "exact"}
