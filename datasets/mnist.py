"""MNIST: 60,000 and 10,000 handwritten digits, 28 × 28, grey."""

from __future__ import annotations

from lnlbench.datasets.card import Card, swapped

CARD = Card(
    name="mnist",
    title="MNIST",
    hub_id="ylecun/mnist",
    revision="77f3279092a1c1579b2250db8eafed0ad422088c",
    config="mnist",
    image_column="image",
    label_column="label",
    class_names=tuple("0123456789"),
    channels=1,
    size=28,
    train_size=60_000,
    test_size=10_000,
    mean=(0.1307,),
    std=(0.3081,),
    fingerprint="e405ce47f474497892922f12eaec7b18158d45ad168d169edcfd883ee818038b",
    augment=False,
    # 7→1, 2→7, 3→8, 5↔6 (Patrini et al., CVPR 2017, section 5).
    asymmetric={"": swapped(10, {7: 1, 2: 7, 3: 8, 5: 6, 6: 5})},
    idx_folders=("mnist", "MNIST/raw"),
    licence="CC BY-SA 3.0",
    bibtex="""@article{lecun1998gradient,
  title = {{Gradient-Based Learning Applied to Document Recognition}},
  author = {Yann LeCun and Léon Bottou and Yoshua Bengio and Patrick Haffner},
  journal = {Proceedings of the IEEE},
  volume = {86},
  number = {11},
  pages = {2278--2324},
  year = {1998},
  doi = {10.1109/5.726791},
}""",
)
