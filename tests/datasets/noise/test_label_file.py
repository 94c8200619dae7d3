"""Label files: what is read, what is checked, what is refused."""

from __future__ import annotations

import json
import os
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.registry import card
from lnlbench.datasets.noise.base import parse_noise

MEASURED = [
    ("cifar10", "labels-dal_sym20", 0.17662),
    ("cifar10", "labels-dal_sym40", 0.36216),
    ("cifar10", "labels-dal_sym60", 0.53998),
    ("cifar10", "labels-dal_sym80", 0.71954),
    ("cifar10", "labels-dal_asym20", 0.0981),
    ("cifar10", "labels-dal_asym40", 0.2029),
    ("cifar10", "labels-dal_inst20", 0.2049),
    ("cifar10", "labels-dal_inst40", 0.4029),
    ("cifar10", "labels-idn_chen20", 0.2),
    ("cifar10", "labels-idn_chen40", 0.4),
    ("mnist", "labels-idn_chen20", 0.2),
    ("mnist", "labels-idn_chen40", 0.4),
    ("cifar10", "human-aggre", 0.0901),
    ("cifar10", "human-random1", 0.17234),
    ("cifar10", "human-random2", 0.18122),
    ("cifar10", "human-random3", 0.1764),
    ("cifar10", "human-worst", 0.40208),
    ("cifar100", "human-fine", 0.4020),
    ("cifar100_coarse", "human-coarse", 0.26404),
    ("cifar100", "labels-dal_sym20", 0.19734),
    ("cifar100", "labels-dal_sym40", 0.39708),
    ("cifar100", "labels-dal_sym60", 0.59166),
    ("cifar100", "labels-dal_sym80", 0.79184),
    ("cifar100", "labels-dal_asym20", 0.19848),
    ("cifar100", "labels-dal_asym40", 0.40144),
    ("cifar100", "labels-dal_inst20", 0.2048),
    ("cifar100", "labels-dal_inst40", 0.3995),
]


@pytest.mark.parametrize(("name", "text", "rate"), MEASURED)
def test_shipped_labels_have_their_measured_rate(real_dir, make_images, name, text, rate):
    about = card(name)
    file = real_dir / f"noise/{about.label_folder or name}/train.parquet"
    clean = pq.read_table(file).column(about.clean_columns[0]).to_numpy()
    manifest = parse_noise(text).corrupt(make_images(name, clean, data_dirs=(real_dir,)), 0).manifest
    assert manifest["realised_rate"] == pytest.approx(rate, abs=6e-5)
    assert (manifest["seed"], manifest["guaranteed"]) == (None, False)


@pytest.mark.slow
def test_shipped_labels_fit_the_images(cifar10, mnist):
    assert parse_noise("human-worst").corrupt(cifar10, 0).manifest["realised_rate"] == 0.40208
    assert parse_noise("labels-idn_chen20").corrupt(mnist, 0).manifest["realised_rate"] == 0.2


@pytest.fixture
def images(make_images):
    return make_images("cifar10", per_class=3)


@pytest.fixture
def given(images):
    return (images.train_labels + (np.arange(30) % 3 == 0)) % 10


def numpy_1(path: Path) -> None:
    """Rewrite a .pt file as numpy 1 would have written it: the official files are that old."""
    with zipfile.ZipFile(path) as archive:
        entries = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))


def official(images, given) -> dict[str, np.ndarray]:
    return {"clean_label": images.train_labels, "worse_label": given, "aggre_label": images.train_labels.copy()}


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_pt_of_numpy_arrays(tmp_path, images, given, legacy, dtype):
    path = tmp_path / "labels.pt"
    content = {name: labels.astype(dtype) for name, labels in official(images, given).items()}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    read = parse_noise(f"file:{path}#worse_label").corrupt(images, 0)
    np.testing.assert_array_equal(read.given, given)
    assert read.manifest["file"] == "labels.pt" and read.manifest["column"] == "worse_label"
    if not legacy:
        numpy_1(path)
    else:
        path.write_bytes(path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    assert b"numpy.core.multiarray" in path.read_bytes()
    np.testing.assert_array_equal(parse_noise(f"file:{path}#worse_label").corrupt(images, 0).given, given)


def test_other_forms(tmp_path, images, given):
    np.save(tmp_path / "a.npy", given)
    torch.save(torch.as_tensor(given), tmp_path / "tensor.pt")
    torch.save({"noisy": torch.as_tensor(given)}, tmp_path / "one.pt")
    pq.write_table(pa.table({"clean": images.train_labels, "noisy": given}), tmp_path / "a.parquet")
    (tmp_path / "list.json").write_text(json.dumps(given.tolist()))
    (tmp_path / "named.json").write_text(json.dumps({"clean": images.train_labels.tolist(), "noisy": given.tolist()}))
    for text in (
        "list.json",
        "named.json",
        "named.json#noisy",
        "a.npy",
        "tensor.pt",
        "one.pt",
        "one.pt#noisy",
        "a.parquet",
        "a.parquet#noisy",
    ):
        noise = parse_noise(f"file:{tmp_path / text}")
        np.testing.assert_array_equal(noise.corrupt(images, 0).given, given)
        assert noise.corrupt(images, 1).manifest == noise.corrupt(images, 0).manifest


class Evil:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (self.target,)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("where", ["value", "inside an array", "beside the labels"])
def test_code_in_a_file_is_not_run(tmp_path, images, given, where, legacy):
    evil = Evil(str(tmp_path / "hacked"))
    content = {
        "value": evil,
        "inside an array": {"label": np.array([evil] * 30, dtype=object)},
        "beside the labels": {"label": given, "x": [evil]},
    }[where]
    torch.save(content, tmp_path / "evil.pt", _use_new_zipfile_serialization=not legacy)
    np.save(tmp_path / "evil.npy", np.array([evil] * 30, dtype=object), allow_pickle=True)
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(content))
    for name in ("evil.pt", "evil.npy", "plain.pt"):
        with pytest.raises(DataError) as caught:
            parse_noise(f"file:{tmp_path / name}").corrupt(images, 0)
        assert "\n" not in str(caught.value) and "weights_only" not in str(caught.value)
        if name == "evil.pt":
            # An array of objects is refused at its type, before its content is reached.
            why = "holds something else" if where == "inside an array" else f"it asks for '{os.mkdir.__module__}.mkdir'"
            assert f"{why}; only arrays and tensors of numbers are read" in str(caught.value)
    assert not (tmp_path / "hacked").exists()


BAD = [
    pytest.param(lambda g: g[:-1], "has shape (29,); cifar10 has 30 training images", id="too short"),
    pytest.param(lambda g: np.r_[g, 0], "has shape (31,)", id="too long"),
    pytest.param(lambda g: g[:, None], "has shape (30, 1)", id="two dimensions"),
    pytest.param(lambda g: g + 1, "holds labels 1 to 10; expected 0 to 9", id="from one"),
    pytest.param(lambda g: g - 1, "holds labels -1 to 8; expected 0 to 9", id="negative"),
    pytest.param(lambda g: g.astype(float), "holds float64 values; labels are integers", id="float"),
    pytest.param(lambda g: g > 3, "holds bool values; labels are integers", id="bool"),
    pytest.param(lambda g: g.astype(str), "labels are integers", id="text"),
]


# A parquet column has one dimension, and text arrays are outside the allow-list of .pt files.
FORMS = [
    pytest.param(suffix, *case.values, id=f"{suffix}, {case.id}") for case in BAD for suffix in ("npy", "pt", "parquet")
]
FORMS = [form for form in FORMS if form.id not in ("parquet, two dimensions", "pt, text")]


@pytest.mark.parametrize(("suffix", "change", "message"), FORMS)
def test_labels_that_do_not_fit(tmp_path, images, given, suffix, change, message):
    path, labels = tmp_path / f"labels.{suffix}", change(np.sort(given))
    if suffix == "npy":
        np.save(path, labels)
    elif suffix == "pt":
        torch.save({"label": labels}, path)
    else:
        pq.write_table(pa.table({"label": labels}), path)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        parse_noise(f"file:{path}").corrupt(images, 0)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["npy", "pt", "parquet"])
@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04nonsense", b"\x93NUMPY\x01\x00"])
def test_damaged_file(tmp_path, images, suffix, content):
    path = tmp_path / f"labels.{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(str(path))) as caught:
        parse_noise(f"file:{path}").corrupt(images, 0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["npy", "pt", "parquet"])
def test_truncated_file(tmp_path, images, given, suffix):
    path = tmp_path / f"labels.{suffix}"
    if suffix == "npy":
        np.save(path, given)
    elif suffix == "pt":
        torch.save({"label": given}, path)
    else:
        pq.write_table(pa.table({"label": given}), path)
    whole = path.read_bytes()
    for length in range(1, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError):
            parse_noise(f"file:{path}").corrupt(images, 0)


@pytest.mark.parametrize("suffix", ["pt", "parquet"])
def test_index_trap(tmp_path, images, given, suffix):
    """The files for TensorFlow are in another order than those for torchvision: the clean labels tell."""
    path, shuffled = tmp_path / f"labels.{suffix}", np.roll(images.train_labels, 1)
    if suffix == "pt":
        torch.save({"clean_label": shuffled, "worse_label": given}, path)
    else:
        pq.write_table(pa.table({"clean": shuffled, "worse_label": given}), path)
    with pytest.raises(DataError, match=r"clean labels of .* differ from those of cifar10 in \d+ of 30 places"):
        parse_noise(f"file:{path}#worse_label").corrupt(images, 0)


def test_names_and_places(tmp_path, images, given):
    torch.save(official(images, given), tmp_path / "a.pt")
    np.save(tmp_path / "a.npy", given)
    (tmp_path / "a.tsv").write_text("1")
    (tmp_path / "clean.csv").write_text("\n".join(["clean", *map(str, images.train_labels)]))
    cases = {
        f"file:{tmp_path}/a.pt": "several columns; write file:",
        f"file:{tmp_path}/clean.csv": "clean.csv has clean labels alone; write file:",
        f"file:{tmp_path}/a.pt#worse": "unknown label column 'worse' in",
        f"file:{tmp_path}/a.npy#x": f"there is no label column in {tmp_path}/a.npy, so not 'x' either",
        f"file:{tmp_path}/none.npy": "there is no label file",
        f"file:{tmp_path}/a.tsv": "ends in '.tsv'; known: .npy, .json, .pt, .pth, .parquet, .csv, .txt",
        "human-worst": "needs the label file <data-dir>/noise/cifar10/train.parquet",
    }
    for text, message in cases.items():
        with pytest.raises(DataError, match=re.escape(message)):
            parse_noise(text).corrupt(images, 0)


def test_column_of_a_data_directory(tmp_path, make_images):
    images = make_images("cifar10", per_class=3, data_dirs=(tmp_path / "empty", tmp_path))
    place = tmp_path / "noise/cifar10/train.parquet"
    place.parent.mkdir(parents=True)
    pq.write_table(pa.table({"mine": images.train_labels}), place)
    with pytest.raises(DataError, match="no column 'clean' to check"):
        parse_noise("labels-mine").corrupt(images, 0)
    pq.write_table(pa.table({"mine": images.train_labels, "clean": images.train_labels}), place)
    assert parse_noise("labels-mine").corrupt(images, 0).manifest["realised_rate"] == 0
    with pytest.raises(DataError, match=r"unknown label column 'mime' in .*did you mean 'mine'"):
        parse_noise("labels-mime").corrupt(images, 0)
    pq.write_table(pa.table({"mine": images.train_labels, "clean": images.train_labels[::-1]}), place)
    with pytest.raises(DataError, match="another order"):
        parse_noise("labels-mine").corrupt(images, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("[1, 2", "is not a readable JSON file", id="cut off"),
        pytest.param("[1, 2.5]", "is not a list of integers", id="fractions"),
        pytest.param("[true, false]", "is not a list of integers", id="truth values"),
        pytest.param('{"noisy": "1"}', "'noisy' is not a list of integers", id="a text"),
        pytest.param("7", "is not a list of integers", id="one number"),
        pytest.param("[9223372036854775808]", "holds numbers that are no labels", id="too large"),
    ],
)
def test_json_that_is_no_list_of_labels_is_refused(tmp_path, images, content, message):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match=message) as error:
        parse_noise(f"file:{tmp_path / 'a.json'}").corrupt(images, 0)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        pytest.param("a.txt", lambda path, given: np.savetxt(path, given), id="numpy's text"),
        pytest.param("a.txt", lambda path, given: path.write_text("\n".join(map(str, given))), id="a label a line"),
        pytest.param("a.csv", lambda path, given: path.write_text("\n".join(map(str, given))), id="a column alone"),
        pytest.param("a.CSV", lambda path, given: pd.DataFrame({"label": given}).to_csv(path), id="pandas with index"),
        pytest.param("a.csv", lambda path, given: pd.DataFrame({"x": given}).to_csv(path, index=False), id="without"),
        pytest.param(
            "a.csv#y", lambda path, given: pd.DataFrame({"x": 0, "y": given}).to_csv(path, index=False), id="by name"
        ),
        pytest.param("a #1.csv", lambda path, given: path.write_text("\n".join(map(str, given))), id="# in the name"),
        pytest.param("a#1.npy", lambda path, given: np.save(path, given), id="# in the name of an array"),
        pytest.param("p.pt", lambda path, given: torch.save(integer_parameter(given), path), id="a parameter"),
    ],
)
def test_text_and_parameters_are_read(tmp_path, images, given, name, write):
    file = name if "y" not in name.partition("#")[2] or name.endswith("npy") else name.partition("#")[0]
    write(tmp_path / file, given)
    noise = parse_noise(f"file:{tmp_path / name}")
    np.testing.assert_array_equal(noise.corrupt(images, 0).given, given)
    assert parse_noise(str(noise)) == noise


def integer_parameter(given):
    return torch.nn.Parameter(torch.as_tensor(given), requires_grad=False)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        pytest.param(lambda g: torch.nn.Parameter(g.float()), "holds float32 values", id="a parameter of floats"),
        pytest.param(lambda g: g.bfloat16(), "holds bfloat16 values", id="bfloat16"),
        pytest.param(lambda g: g.float().to_sparse(), r"holds float32 values \(sparse_coo\)", id="sparse"),
        pytest.param(lambda g: torch.complex(g.float(), g.float()).conj(), "holds complex64 values", id="complex"),
        pytest.param(lambda g: g.to("meta"), "p.pt", id="without values"),
    ],
)
def test_tensors_that_are_no_labels_are_one_line(tmp_path, images, given, tensor, message):
    torch.save(tensor(torch.as_tensor(given)), tmp_path / "p.pt")
    with pytest.raises(DataError, match=message) as error:
        parse_noise(f"file:{tmp_path / 'p.pt'}").corrupt(images, 0)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("cat\ndog\n", "has no rows|has shape|holds the text", id="names"),
        pytest.param("1\n\n2", "has 1 rows without a value", id="a gap"),
        pytest.param("1\n2.5\n" * 15, "holds the text '2.5' in row 2; labels are integers from 0 to 9", id="fractions"),
        pytest.param("3\n" * 29 + "nan", "holds the text 'nan' in row 30; labels are integers", id="one that is none"),
        pytest.param(
            "3\n" * 29 + "9" * 5000, f"holds the text '{'9' * 40}…' in row 30; labels are in", id="a huge one"
        ),
        pytest.param(
            "label\n" + "cat\n" * 30, "holds the text 'cat' in row 1; labels are integers", id="a column of names"
        ),
        pytest.param("", "is empty", id="empty"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_text_that_is_no_labels_is_one_line(tmp_path, images, content, message, name):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError) as error:
        parse_noise(f"file:{tmp_path / name}").corrupt(images, 0)
    assert "\n" not in str(error.value) and str(tmp_path / name) in str(error.value)
    assert name == "a.txt" or re.search(message, str(error.value))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda true, rng: rng.permutation(true), id="shuffled"),
        pytest.param(lambda true, rng: np.zeros_like(true), id="constant"),
        pytest.param(lambda true, rng: np.sort(true), id="sorted"),
        pytest.param(lambda true, rng: (true + 1) % 10, id="all wrong"),
        pytest.param(lambda true, rng: rng.integers(0, 10, len(true)), id="drawn without looking"),
    ],
)
def test_labels_that_agree_by_chance_alone_are_refused(tmp_path, make_images, change):
    images = make_images("cifar10", per_class=150)
    np.save(tmp_path / "a.npy", change(images.train_labels, np.random.default_rng(3)))
    with pytest.raises(DataError, match=r"a.npy agrees with .* in \d+\.\d% of 1500 places, no more than by"):
        parse_noise(f"file:{tmp_path / 'a.npy'}").corrupt(images, 0)


def test_very_noisy_labels_are_not_taken_for_another_order(tmp_path, make_images):
    images = make_images("cifar10", per_class=150)
    noisy = parse_noise("symmetric-0.8").corrupt(images, 0)
    np.save(tmp_path / "a.npy", noisy.given)
    assert parse_noise(f"file:{tmp_path / 'a.npy'}").corrupt(images, 0).manifest["realised_rate"] == pytest.approx(0.8)
