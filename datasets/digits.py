"""The 8 × 8 digits that come with scikit-learn: always at hand, for a first look and for tests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lnlbench.datasets.card import Card, swapped

TEST_SIZE = 360
SPLIT_SEED = 0


def read() -> Mapping[str, np.ndarray]:
    """Return the 1,797 images as a fixed split, stratified by class, of 1,437 for training and 360 for testing.

    Grey values 0 to 16 are scaled to 0 to 255. Images are uint8 ``[N, 1, 8, 8]``, labels int64 ``[N]``.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    images = np.rint(pixels * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=TEST_SIZE, random_state=SPLIT_SEED, stratify=labels
    )
    labels = labels.astype(np.int64)
    return {
        "train_images": images[train],
        "train_labels": labels[train],
        "test_images": images[test],
        "test_labels": labels[test],
    }


CARD = Card(
    name="digits",
    title="Digits",
    hub_id=None,
    revision="scikit-learn, split 0",
    config=None,
    image_column="",
    label_column="",
    class_names=tuple("0123456789"),
    channels=1,
    size=8,
    train_size=1437,
    test_size=360,
    mean=(0.3054,),
    std=(0.3760,),
    fingerprint="ca5fb2daf058626cc7b226ee8190e01a134a0842b792dabf786fa77803738410",
    augment=False,
    # Not published for these images: the map of MNIST (Patrini et al., 2017), which shows the same ten digits.
    asymmetric={"": swapped(10, {7: 1, 2: 7, 3: 8, 5: 6, 6: 5})},
    embedded=read,
    licence="CC BY 4.0",
    bibtex="""@misc{alpaydin1998optical,
  title = {{Optical Recognition of Handwritten Digits}},
  author = {Ethem Alpaydin and Cenk Kaynak},
  howpublished = {UCI Machine Learning Repository},
  year = {1998},
  doi = {10.24432/C50P49},
}""",
)
