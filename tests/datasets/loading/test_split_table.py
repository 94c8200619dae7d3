"""One split: labels from folders, or from tables of metadata that lie beside the images or above them."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.layout import find_splits
from lnlbench.datasets.loading.split_table import read_split

ROWS = "file_name,label\n1.png,dog\n0.png,cat\n"


def split_of(root, files, split="train", image=""):
    for name, content in {"test/cat/0.png": "", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    layout = find_splits(root)
    return read_split(layout.splits[split], layout.metadata, root, split, image)


def test_folders_name_the_labels(tmp_path):
    table = split_of(tmp_path, {"train/cat/0.png": "", "train/dog/deep/er/0.png": ""})
    assert table.columns == {"label": ["cat", "dog"]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("train/metadata.csv", ROWS, id="csv"),
        pytest.param("train/metadata.csv", ROWS.replace("0.png", "./0.png"), id="with a dot"),
        pytest.param(
            "train/metadata.jsonl",
            "\n".join(json.dumps({"file_name": f"{i}.png", "label": label}) for i, label in enumerate(("cat", "dog"))),
            id="jsonl",
        ),
        pytest.param(
            "metadata.csv",
            "file_name,label\ntrain/1.png,dog\ntrain/0.png,cat\ntest/cat/0.png,cat\n",
            id="beside the splits' folders",
        ),
    ],
)
def test_metadata_names_the_labels_of_loose_images(name, content, tmp_path):
    table = split_of(tmp_path, {"train/0.png": "", "train/1.png": "", name: content})
    assert table.columns == {"label": ["cat", "dog"]}


def test_metadata_in_parquet(tmp_path):
    (tmp_path / "train").mkdir()
    pq.write_table(pa.table({"file_name": ["0.png"], "true_label": ["dog"]}), tmp_path / "train/metadata.parquet")
    assert split_of(tmp_path, {"train/0.png": ""}).columns == {"true_label": ["dog"]}


def test_metadata_beside_the_images_of_each_folder(tmp_path):
    files = {f"train/{part}/{i}.png": "" for part in ("a", "b") for i in range(2)}
    files |= {f"train/{part}/metadata.csv": ROWS.replace("dog", part) for part in ("a", "b")}
    assert split_of(tmp_path, files).columns == {"label": ["cat", "a", "cat", "b"]}


def test_of_two_tables_the_nearer_one_counts(tmp_path):
    files = {
        "train/a/0.png": "",
        "train/b/0.png": "",
        "train/metadata.csv": "file_name,true_label\na/0.png,far\nb/0.png,far\n",
        "train/b/metadata.csv": "file_name,true_label\n0.png,near\n",
    }
    assert split_of(tmp_path, files).columns == {"label": ["a", "b"], "true_label": ["far", "near"]}


def test_file_names_of_another_form_of_unicode_are_found(tmp_path):
    table = split_of(tmp_path, {"train/Ka\u0308se.png": "", "train/metadata.csv": "file_name,label\nKäse.png,cat\n"})
    assert table.columns == {"label": ["cat"]}


def test_names_with_commas_and_spaces(tmp_path):
    table = split_of(
        tmp_path, {"train/a, b.png": "", "train/metadata.csv": 'file_name,label\n"a, b.png",cat, dog\n'[:-6]}
    )
    assert table.columns == {"label": ["cat"]}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({"train/metadata.csv": ROWS + "0.png,dog\n"}, "names 0.png twice", id="a file twice"),
        pytest.param(
            {"train/metadata.csv": ROWS + "./0.png,dog\n"}, "names 0.png twice", id="twice, written otherwise"
        ),
        pytest.param({"train/metadata.csv": ROWS[:-10]}, r"says nothing of train/0.png", id="an image without a row"),
        pytest.param(
            {"train/metadata.csv": ROWS + "9.png,dog\n"}, "names files that are not there: train/9.png", id="no file"
        ),
        pytest.param(
            {"train/metadata.csv": "name,label\n0.png,cat\n"}, "has no column 'file_name'; it has", id="no name"
        ),
        pytest.param(
            {"train/metadata.csv": ROWS.replace(",", ";")}, "separate columns by commas, not by ';'", id="semicolons"
        ),
        pytest.param(
            {"train/metadata.csv": "file_name,label\n,cat\n"}, "a row without a file_name", id="an unnamed row"
        ),
        pytest.param(
            {"train/metadata.csv": ROWS, "train/metadata.jsonl": "{}"}, "has two tables of metadata", id="two tables"
        ),
        pytest.param(
            {"train/a/metadata.csv": ROWS, "train/a/1.png": ""}, "names files that are not there", id="elsewhere"
        ),
        pytest.param({}, r"has images in no class, such as 0.png: put each into train/<class>/", id="nothing"),
    ],
)
def test_metadata_that_does_not_fit_is_one_line(files, message, tmp_path):
    with pytest.raises(DataError, match=message) as error:
        split_of(tmp_path, {"train/0.png": "", "train/1.png": "", **files})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        pytest.param([None], "row 0 of .* has no encoded image in 'image' but nothing", id="nothing"),
        pytest.param(["a.png"], "has no encoded image in 'image' but str", id="a path"),
        pytest.param([[1, 2]], "has no encoded image in 'image' but list", id="numbers"),
        pytest.param(
            [{"bytes": None, "path": "a.png"}], "but only the path 'a.png'; embed the images", id="not embedded"
        ),
    ],
)
def test_parquet_without_images_is_one_line(column, message, tmp_path):
    for split in ("train", "test"):
        pq.write_table(pa.table({"image": column, "label": [0]}), tmp_path / f"{split}.parquet")
    layout = find_splits(tmp_path)
    with pytest.raises(DataError, match=message):
        read_split(layout.splits["train"], [], tmp_path, "train", "")
    with pytest.raises(DataError, match=r"unknown column 'x' in .*train"):
        read_split(layout.splits["train"], [], tmp_path, "train", "x")
