"""CIFAR-10: 50,000 and 10,000 photographs of ten kinds of things, 32 × 32, colour."""

from __future__ import annotations

from lnlbench.datasets.card import Card, swapped

CARD = Card(
    name="cifar10",
    title="CIFAR-10",
    hub_id="uoft-cs/cifar10",
    revision="0b2714987fa478483af9968de7c934580d0bb9a2",
    config="plain_text",
    image_column="img",
    label_column="label",
    class_names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    channels=3,
    size=32,
    train_size=50_000,
    test_size=10_000,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    fingerprint="ee632dd782f2ae02b828f3af179eb09ecc32d08d8b5d70a82a0ee432de403fe1",
    augment=True,
    # truck→automobile, bird→airplane, deer→horse, cat↔dog (Patrini et al., CVPR 2017, section 5).
    asymmetric={"": swapped(10, {9: 1, 2: 0, 4: 7, 3: 5, 5: 3})},
    # CIFAR-10N (Wei et al., ICLR 2022); published as "worse", called "worst" in its paper.
    human={
        "aggre": "cifar10n_aggre",
        "random1": "cifar10n_random1",
        "random2": "cifar10n_random2",
        "random3": "cifar10n_random3",
        "worst": "cifar10n_worse",
    },
    licence="no explicit licence",
    bibtex="""@techreport{krizhevsky2009learning,
  title = {{Learning Multiple Layers of Features from Tiny Images}},
  author = {Alex Krizhevsky},
  institution = {University of Toronto},
  year = {2009},
}""",
)
