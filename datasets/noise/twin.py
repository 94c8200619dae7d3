"""The class-conditional twin of human labels: the same transition matrix, and no dependence on the image."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from lnlbench.datasets.loading.images import Images
from lnlbench.datasets.noise.base import register
from lnlbench.datasets.noise.label_file import Human


@register("twin")
class Twin(Human):
    """``twin-worst`` and the like: within each true class, the human labels of ``human-worst`` change places at random.

    So each cell of the transition matrix holds exactly as many images as with the human labels, and which image of its
    class is mislabelled is chance. (Wei et al., ICLR 2022, section 4, draw from the matrix instead.)
    """

    family = "human-twin"
    drawn: ClassVar[bool] = True
    guaranteed: ClassVar[bool] = True  # class-conditional, unlike the labels that it is the twin of

    def draw(self, images: Images, generator: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the human labels, permuted within each class."""
        human, source = super().draw(images, generator)
        given = human.copy()
        for k in range(images.card.classes):
            members = np.flatnonzero(images.train_labels == k)
            given[members] = human[generator.permutation(members)]
        return given, {**source, "counts": "exact"}
