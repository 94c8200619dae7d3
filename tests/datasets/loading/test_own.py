"""Data of the user's own: both layouts give the same data, and what cannot be used is said in one line."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.images import load
from lnlbench.datasets.loading.own import bring_in, is_own, read
from lnlbench.datasets.noise.base import parse_noise

TRAIN, TEST = ["cat", "dog", "cat", "dog", "dog", "cat"], ["dog", "cat"]
TRUE = ["cat", "dog", "dog", "dog", "dog", "cat"]


def picture(i, side=8):
    return Image.fromarray(np.full((side, side), 20 * i, np.uint8))


def folder_of(root, side=8):
    for split, labels in (("train", TRAIN), ("test", TEST)):
        for i, label in enumerate(labels):
            path = root / split / label / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture(i, side).save(path)
    return root


def parquet_of(root, **columns):
    root.mkdir(exist_ok=True)
    for split, labels in (("train", TRAIN), ("test", TEST)):
        encoded = []
        for i in range(len(labels)):
            picture(i).save(content := io.BytesIO(), "PNG")
            encoded.append({"bytes": content.getvalue(), "path": None})
        more = columns if split == "train" else {}
        pq.write_table(pa.table({"image": encoded, "label": labels, **more}), root / f"{split}-00000-of-00001.parquet")
    return root


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path):
    monkeypatch.setenv("LNLBENCH_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("make", [folder_of, parquet_of])
def test_both_layouts_are_read(make, tmp_path):
    name = bring_in(str(make(tmp_path / "pets")))
    assert is_own(name) and name.startswith("pets@")
    images = load(name)
    assert images.class_names == ("cat", "dog")
    assert images.train_images.shape == (6, 1, 8, 8) and images.test_images.shape == (2, 1, 8, 8)
    assert sorted(images.train_labels.tolist()) == [0, 0, 0, 1, 1, 1]
    assert sorted(images.test_labels.tolist()) == [0, 1]
    assert not images.card.true_labels
    assert images.card.fingerprint == images.fingerprint


def test_the_name_is_that_of_the_content(tmp_path):
    first = bring_in(str(parquet_of(tmp_path / "pets")))
    assert bring_in(str(tmp_path / "pets")) == first
    (tmp_path / "other").mkdir()
    moved = bring_in(str(parquet_of(tmp_path / "other" / "pets")))
    assert moved == first
    assert bring_in(str(parquet_of(tmp_path / "pets", true_label=TRUE))) != first


def test_without_true_labels_nobody_knows_the_rate(tmp_path):
    images = load(bring_in(str(parquet_of(tmp_path / "pets"))))
    found = parse_noise("given").corrupt(images, 0)
    assert found.given.tolist() == [0, 1, 0, 1, 1, 0]
    assert (found.manifest["realised_rate"], found.manifest["class_rates"]) == (None, [])
    with pytest.raises(DataError, match="drawn from true labels, which pets@"):
        parse_noise("symmetric-0.2").corrupt(images, 0)


@pytest.mark.parametrize("text", ["", "#true=true_label", "#given=label,true=true_label"])
def test_with_true_labels_the_rate_is_known(text, tmp_path):
    images = load(bring_in(f"{parquet_of(tmp_path / 'pets', true_label=TRUE)}{text}"))
    manifest = parse_noise("given").corrupt(images, 0).manifest
    assert manifest["realised_rate"] == pytest.approx(1 / 6)
    assert images.train_labels.tolist() == [0, 1, 1, 1, 1, 0]


def test_a_metadata_file_names_the_labels_of_loose_images(tmp_path):
    for split, labels in (("train", TRAIN), ("test", TEST)):
        (tmp_path / split).mkdir()
        for i in range(len(labels)):
            picture(i).save(tmp_path / split / f"{i}.png")
        rows = "\n".join(f"{i}.png,{label}" for i, label in reversed(list(enumerate(labels))))
        (tmp_path / split / "metadata.csv").write_text(f"file_name,label\n{rows}\n")
    images = load(bring_in(str(tmp_path)))
    assert images.train_labels.tolist() == [0, 1, 0, 1, 1, 0]


def no_test(root):
    folder_of(root)
    for path in (root / "test").rglob("*.png"):
        path.unlink()


def mixed(root):
    folder_of(root)
    picture(1, 9).save(root / "train" / "dog" / "9.png")


def oblong(root):
    folder_of(root)
    Image.new("L", (8, 9)).save(root / "train" / "cat" / "0.png")


def other_size(root):
    folder_of(root)
    for path in (root / "test").rglob("*.png"):
        picture(1, 9).save(path)


def broken(root):
    folder_of(root)
    (root / "train" / "dog" / "1.png").write_bytes(b"no image")


def loose(root):
    folder_of(root)
    picture(1).save(root / "train" / "9.png")


def one_class(root):
    folder_of(root)
    for split in ("train", "test"):
        for path in (root / split / "dog").iterdir():
            path.unlink()


@pytest.mark.parametrize(
    ("make", "text", "words"),
    [
        pytest.param(lambda root: None, "", "there is no folder", id="no folder"),
        pytest.param(no_test, "", "has no test split: neither test", id="no test split"),
        pytest.param(parquet_of, "#given=lable", "'lable' in .*did you mean 'label'", id="no such column"),
        pytest.param(parquet_of, "#true=truth", "unknown column 'truth'", id="no such true column"),
        pytest.param(parquet_of, "#truth=label", "unknown column 'truth' after '#'", id="no such word"),
        pytest.param(mixed, "", "mixes sizes: image 0 is 8 × 8, image 5 is 9 × 9|mixes sizes", id="mixed sizes"),
        pytest.param(oblong, "", "is 8 × 9; images are square", id="not square"),
        pytest.param(other_size, "", "all must be of one size", id="another size in the test split"),
        pytest.param(broken, "", "cannot be decoded", id="no image"),
        pytest.param(loose, "", "has images in no class", id="in no class"),
        pytest.param(one_class, "", "has 1 classes; 2 to 256", id="one class"),
        pytest.param(lambda r: parquet_of(r, given_label=[*TRAIN[:5], None]), "", "1 rows without a value", id="a gap"),
        pytest.param(lambda r: parquet_of(r, given_label=list(range(6))), "", "mixes labels of several", id="types"),
    ],
)
def test_what_cannot_be_used_is_one_line(make, text, words, tmp_path):
    make(tmp_path / "pets")
    with pytest.raises(DataError, match=words) as raised:
        bring_in(f"{tmp_path / 'pets'}{text}")
    assert "\n" not in str(raised.value)


def test_a_cache_that_is_gone_is_said(tmp_path):
    with pytest.raises(DataError, match="not in the cache; name its folder again"):
        read("pets@0123456789ab")
