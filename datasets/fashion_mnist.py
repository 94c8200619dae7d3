"""Fashion-MNIST: 60,000 and 10,000 photographs of ten kinds of clothing, 28 × 28, grey."""

from __future__ import annotations

from lnlbench.datasets.card import Card, swapped

CARD = Card(
    name="fashion_mnist",
    title="Fashion-MNIST",
    hub_id="zalando-datasets/fashion_mnist",
    revision="531be5e2ccc9dba0c201ad3ae567a4f3d16ecdd2",
    config="fashion_mnist",
    image_column="image",
    label_column="label",
    class_names=(
        "T-shirt/top",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ),
    channels=1,
    size=28,
    train_size=60_000,
    test_size=10_000,
    mean=(0.2860,),
    std=(0.3530,),
    fingerprint="6cdd803bad3019796ad3b497276271c990c083abf66af6caf785ba034b64fa1a",
    augment=False,
    # Ours, since no map is in common use: each into what it looks like most, T-shirt→shirt, pullover↔coat,
    # sandal→sneaker, sneaker→ankle boot; as with MNIST five of ten classes, one pair of them both ways.
    asymmetric={"": swapped(10, {0: 6, 2: 4, 4: 2, 5: 7, 7: 9})},
    idx_folders=("fashion-mnist", "fashion_mnist", "FashionMNIST/raw", "/usr/share/datasets/fashion-mnist"),
    licence="MIT",
    bibtex="""@misc{xiao2017fashion,
  title = {{Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms}},
  author = {Han Xiao and Kashif Rasul and Roland Vollgraf},
  year = {2017},
  eprint = {1708.07747},
  archivePrefix = {arXiv},
}""",
)
