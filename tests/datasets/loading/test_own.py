"""Data of the user's own: both layouts give the same data, and what cannot be used is said in one line."""

import io
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lnlbench.datasets.loading import own
from lnlbench.datasets.loading.errors import DataError, DataWarning
from lnlbench.datasets.loading.images import cached, load, load_blind
from lnlbench.datasets.loading.own import bring_in, is_own, read
from lnlbench.datasets.noise.base import parse_noise

TRAIN, TEST = ["cat", "dog", "cat", "dog", "dog", "cat"], ["dog", "cat"]
TRUE = ["cat", "dog", "dog", "dog", "dog", "cat"]


def picture(i, side=8):
    return Image.fromarray((np.arange(side * side, dtype=np.uint8) + 20 * i).reshape(side, side))


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


def test_pixels_are_counted_once_and_not_to_see_whether_the_file_is_there(tmp_path, monkeypatch):
    counted = []
    monkeypatch.setattr(own, "_statistics", {})
    monkeypatch.setattr(own, "pixel_statistics", lambda images: counted.append(len(images)) or ((0.5,), (0.25,)))
    name = bring_in(str(folder_of(tmp_path / "pets")))
    cached(name)
    assert not counted
    cards = [load(name).card, load_blind(name).card, read(name)[0]]
    assert counted == [6] and {(card.mean, card.std) for card in cards} == {((0.5,), (0.25,))}


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
    shutil.rmtree(root / "test")


def mixed(root):
    folder_of(root)
    picture(1, 9).save(root / "train" / "dog" / "9.png")


def oblong(root):
    folder_of(root)
    Image.new("L", (8, 9)).save(root / "train" / "cat" / "0.png")


def other_size(root):
    folder_of(root)
    for i, path in enumerate((root / "test").rglob("*.png")):
        picture(i, 9).save(path)


@pytest.mark.parametrize("split", ["train", "test"])
def test_one_image_in_colour_makes_both_splits_colour(split, tmp_path):
    image = next((folder_of(tmp_path / "pets") / split).rglob("*.png"))
    Image.open(image).convert("RGB").save(image)
    images, grey = load(bring_in(str(tmp_path / "pets"))), load(bring_in(str(folder_of(tmp_path / "grey"))))
    for part in ("train_images", "test_images"):
        found, expected = getattr(images, part), getattr(grey, part)
        assert found.shape[1:] == (3, 8, 8)
        assert (np.asarray(found) == np.asarray(expected)).all(), "as if it had been stored in colour"


def broken(root):
    folder_of(root)
    (root / "train" / "dog" / "1.png").write_bytes(b"no image")


def loose(root):
    folder_of(root)
    picture(1).save(root / "train" / "9.png")


def one_class(root):
    folder_of(root)
    for split in ("train", "test"):
        shutil.rmtree(root / split / "dog")


def test_true_labels_of_the_test_split_alone_leave_the_noise_unknown(tmp_path):
    """As without the column; scores are of the true labels."""
    rows = ["file_name,label,true_label"]
    for split, labels in (("train", TRAIN), ("test", TEST)):
        for i, label in enumerate(labels):
            (tmp_path / "pets" / split).mkdir(parents=True, exist_ok=True)
            picture(i).save(tmp_path / "pets" / split / f"{i}.png")
            rows.append(f"{split}/{i}.png,{label}," + (TEST[1 - i] if split == "test" else ""))
    (tmp_path / "pets/metadata.csv").write_text("\n".join(rows))
    images = load(bring_in(str(tmp_path / "pets")))
    assert not images.card.true_labels and images.test_labels.tolist() == [0, 1]
    assert sorted(images.train_labels.tolist()) == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("make", "text", "words"),
    [
        pytest.param(lambda root: None, "", "there is no folder", id="no folder"),
        pytest.param(no_test, "", "has no test split: neither test", id="no test split"),
        pytest.param(parquet_of, "#given=lable", "'lable' in .*did you mean 'label'", id="no such column"),
        pytest.param(parquet_of, "#true=truth", "unknown column 'truth'", id="no such true column"),
        pytest.param(parquet_of, "#truth=label", "unknown column 'truth' after '#'", id="no such word"),
        pytest.param(mixed, "", r"mixes sizes: .*cat/0.png is 8 × 8, .*dog/9.png is 9 × 9; resize", id="mixed sizes"),
        pytest.param(oblong, "", "is 8 × 9; images are square", id="not square"),
        pytest.param(other_size, "", "all must be of one size", id="another size in the test split"),
        pytest.param(broken, "", "cannot be decoded", id="no image"),
        pytest.param(loose, "", "has images in no class", id="in no class"),
        pytest.param(one_class, "", "has 1 classes; 2 to 256", id="one class"),
        pytest.param(lambda r: parquet_of(r, given_label=[*TRAIN[:5], None]), "", "1 rows without a value", id="a gap"),
        pytest.param(lambda r: parquet_of(r, true_label=[*TRUE[:5], None]), "", "1 rows without", id="a true gap"),
        pytest.param(lambda r: parquet_of(r, given_label=[""] * 6), "", "6 rows without a value", id="none given"),
        pytest.param(
            lambda r: parquet_of(r, true_label=[""] * 6), "#true=true_label", "6 rows without a value", id="none true"
        ),
        pytest.param(
            lambda r: parquet_of(r, given_label=list(range(6))),
            "",
            "no label is both among the given labels",
            id="kinds",
        ),
    ],
)
def test_what_cannot_be_used_is_one_line(make, text, words, tmp_path):
    make(tmp_path / "pets")
    with pytest.raises(DataError, match=words) as raised:
        bring_in(f"{tmp_path / 'pets'}{text}")
    assert "\n" not in str(raised.value)


def wide(root):
    folder_of(root)
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8)).save(root / "train" / "cat" / "0.png")


def constant(root):
    folder_of(root)
    for path in (root / "test").rglob("*.png"):
        Image.new("L", (8, 8)).save(path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(wide, r"train/cat/0.png has pixels wider than 8 bits \(mode I;16\)", id="wide pixels"),
        pytest.param(constant, r"\(test\): every image is of one colour", id="constant images"),
    ],
)
def test_images_that_would_mislead_are_refused(make, words, tmp_path):
    make(tmp_path / "pets")
    with pytest.raises(DataError, match=words):
        bring_in(str(tmp_path / "pets"))


def test_what_is_to_be_said_is_a_warning(tmp_path):
    root = folder_of(tmp_path / "pets")
    picture(9).convert("LA").save(root / "train/cat/9.png")
    Image.merge("LA", [picture(8), picture(0)]).save(root / "train/cat/8.png")
    shutil.copytree(root / "test/cat", root / "test/Cat")
    (root / "train/cat/notes.txt").write_text("mine")
    with pytest.warns(DataWarning) as caught:
        name = bring_in(str(root))
    assert [str(warning.message).replace(str(root), "pets") for warning in caught] == [
        "pets: 1 file is left out: train/cat/notes.txt",
        "pets: 'Cat' and 'cat' differ in case, spaces or zeros alone, and are 2 classes",
        "pets: the class Cat has test images and no training image",
        "pets (train): 1 of 8 images have transparent pixels",
    ]
    images = load(name)
    assert images.train_images.shape == (8, 1, 8, 8), "grey with an alpha channel is grey"


def test_class_folders_with_numbers_and_true_labels_beside_them(tmp_path):
    for split in ("train", "test"):
        rows = ["file_name,true_label"]
        for label in (1, 2, 3):
            (tmp_path / split / str(label)).mkdir(parents=True)
            for i in range(2):
                picture(3 * label + i).save(tmp_path / split / f"{label}/{i}.png")
                rows.append(f"{label}/{i}.png,{label % 3 + 1 if (split, label, i) == ('train', 1, 0) else label}")
        (tmp_path / split / "metadata.csv").write_text("\n".join(rows))
    with pytest.warns(DataWarning, match="the labels 1, 2, 3 are 3 classes, numbered from 0"):
        images = load(bring_in(str(tmp_path)))
    assert images.class_names == ("1", "2", "3")
    assert (images.train_labels.tolist(), images.extra["train_given"].tolist()) == (
        [1, 0, 1, 1, 2, 2],
        [0, 0, 1, 1, 2, 2],
    )


@pytest.mark.parametrize("name", ["a, b", "a#b", "a#given=label", "süß", "-x", "x" * 250, "[1]", "%d{x}"])
def test_a_folder_may_be_called_anything(name, tmp_path):
    (tmp_path / name).mkdir()
    first = bring_in(str(parquet_of(tmp_path / name, true_label=TRUE)))
    assert is_own(first) and load(first).card.true_labels
    assert bring_in(f"{tmp_path / name}#given=true_label") != first


def test_a_read_only_folder_is_read(tmp_path):
    root = folder_of(tmp_path / "pets")
    for path in (*root.rglob("*"), root):
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert load(bring_in(str(root))).class_names == ("cat", "dog")


@pytest.mark.parametrize("damage", [lambda c: c[: len(c) // 2], lambda c: b"", lambda c: c[:-1] + bytes([c[-1] ^ 1])])
def test_a_damaged_cache_heals_itself(damage, tmp_path):
    root = parquet_of(tmp_path / "pets", true_label=TRUE)
    name = bring_in(f"{root}#given=label,true=true_label")
    whole = load(name)
    (path,) = (tmp_path / "home/cache/own").glob("*.arrays")
    content = path.read_bytes()
    path.write_bytes(damage(content))
    assert load(name).fingerprint == whole.fingerprint
    assert path.read_bytes() == content
    path.write_bytes(damage(content))
    assert bring_in(f"{root}#given=label,true=true_label") == name
    assert path.read_bytes() == content


def test_a_damaged_cache_of_a_folder_that_has_changed_is_said(tmp_path):
    root = folder_of(tmp_path / "pets")
    name = bring_in(str(root))
    (path,) = (tmp_path / "home/cache/own").glob("*.arrays")
    path.unlink()
    picture(9).save(root / "train/cat/0.png")
    with pytest.raises(DataError, match=r"'pets@\w+' is not in the cache, and what .*/pets holds now is another one"):
        read(name)
    shutil.rmtree(root)
    with pytest.raises(DataError, match="is not in the cache, and its folder cannot be read again: there is no folder"):
        read(name)


def test_a_cache_that_is_gone_is_said():
    with pytest.raises(DataError, match="not in the cache; name its folder again"):
        read("pets@0123456789ab")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "pets.zip").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"there is no folder .*pets.zip; a data set of .* and archives are unpacked first"
    ):
        bring_in(str(tmp_path / "pets.zip"))
