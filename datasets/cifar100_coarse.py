"""CIFAR-100 by its twenty superclasses: the images of CIFAR-100, the coarse labels."""

from __future__ import annotations

from dataclasses import replace

from lnlbench.datasets.cifar100 import CARD as FINE

_NAMES = (
    "aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices "
    "household_furniture insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes "
    "large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people reptiles small_mammals trees "
    "vehicles_1 vehicles_2"
)

CARD = replace(
    FINE,
    name="cifar100_coarse",
    title="CIFAR-100, superclasses",
    label_column="coarse_label",
    extra_columns=("fine_label",),
    class_names=tuple(_NAMES.split()),
    asymmetric={},
    human={"coarse": "cifar100n_coarse"},  # CIFAR-100N (Wei et al., ICLR 2022)
    label_folder="cifar100",
    clean_columns=("clean_coarse",),
)
