"""Labels as the data set brings them: for data of the user's own, whose noise nobody drew."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from lnlbench.datasets.card import Card
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.images import Images
from lnlbench.datasets.noise.base import Noise, register

COLUMN = "train_given"


@register("given")
class Given(Noise):
    """``given``: where true labels are not known, neither is the rate."""

    family = "given"
    guaranteed: ClassVar[bool] = False
    drawn: ClassVar[bool] = False
    whole: ClassVar[bool] = True

    @classmethod
    def parse(cls, rest: str) -> Self:
        """Return the model; there is nothing to say."""
        if rest:
            raise DataError(f"given takes no rate or option, got {rest!r}")
        return cls()

    def __str__(self) -> str:
        return self.kind

    def draw(self, images: Images, generator: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the data set's own given labels; the manifest has no rates where nobody knows them."""
        if COLUMN not in images.extra:
            raise DataError(f"{images.name} has no given labels of its own; 'given' is for data of the user's own")
        unknown: dict[str, Any] = {} if images.card.true_labels else {"realised_rate": None, "class_rates": []}
        return images.extra[COLUMN].astype(np.int64), unknown

    def check(self, card: Card) -> None:
        """Accept every data set: what is wrong shows when the labels are read."""
