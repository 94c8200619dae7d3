"""CIFAR-100: 50,000 and 10,000 photographs of a hundred kinds of things in twenty superclasses, 32 × 32, colour."""

from __future__ import annotations

from lnlbench.datasets.card import Card, cycled

_NAMES = (
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can "
    "castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin "
    "elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard "
    "lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear "
    "pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal "
    "shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank "
    "telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm"
)
CLASS_NAMES = tuple(_NAMES.split())

# The five fine labels of each superclass, sorted: each turns into the next, the last into the first.
SUPERCLASSES = (
    (0, 51, 53, 57, 83),
    (1, 32, 67, 73, 91),
    (2, 11, 35, 46, 98),
    (3, 42, 43, 88, 97),
    (4, 30, 55, 72, 95),
    (5, 20, 25, 84, 94),
    (6, 7, 14, 18, 24),
    (8, 13, 48, 58, 90),
    (9, 10, 16, 28, 61),
    (12, 17, 37, 68, 76),
    (15, 19, 21, 31, 38),
    (22, 39, 40, 86, 87),
    (23, 33, 49, 60, 71),
    (26, 45, 77, 79, 99),
    (27, 29, 44, 78, 93),
    (34, 63, 64, 66, 75),
    (36, 50, 65, 74, 80),
    (41, 69, 81, 85, 89),
    (47, 52, 56, 59, 96),
    (54, 62, 70, 82, 92),
)

CARD = Card(
    name="cifar100",
    title="CIFAR-100",
    hub_id="uoft-cs/cifar100",
    revision="aadb3af77e9048adbea6b47c21a81e47dd092ae5",
    config="cifar100",
    image_column="img",
    label_column="fine_label",
    extra_columns=("coarse_label",),
    class_names=CLASS_NAMES,
    channels=3,
    size=32,
    train_size=50_000,
    test_size=10_000,
    mean=(0.5071, 0.4865, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
    fingerprint=None,  # no official copy was at hand to compute it from; the revision is the pin
    augment=True,
    asymmetric={
        "": cycled(SUPERCLASSES, 100),
        # Blocks of five in alphabetical order, not superclasses: what widely used code does (Patrini et al., 2017).
        "blocks": cycled((range(b, b + 5) for b in range(0, 100, 5)), 100),
    },
    human={"fine": "cifar100n"},  # CIFAR-100N (Wei et al., ICLR 2022)
    licence="no explicit licence",
    bibtex="""@techreport{krizhevsky2009learning,
  title = {{Learning Multiple Layers of Features from Tiny Images}},
  author = {Alex Krizhevsky},
  institution = {University of Toronto},
  year = {2009},
}""",
)
