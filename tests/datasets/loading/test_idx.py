"""The original files of MNIST and its kin: gzipped or not, theirs and no other's."""

import gzip
from dataclasses import replace

import numpy as np
import pytest

from lnlbench.datasets.loading import cache
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.idx import idx_files, read_idx
from lnlbench.datasets.loading.registry import card

SIZES = {"train": 5, "test": 3}
FILES = {"train": "train", "test": "t10k"}


def content():
    rng = np.random.default_rng(0)
    arrays = {}
    for split, size in SIZES.items():
        arrays[f"{split}_images"] = rng.integers(0, 256, (size, 1, 28, 28), dtype=np.uint8)
        arrays[f"{split}_labels"] = rng.integers(0, 10, size)
    return arrays


def written(folder, arrays, packed):
    folder.mkdir(parents=True)
    for split, name in FILES.items():
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        sides = b"".join(side.to_bytes(4, "big") for side in (len(images), 28, 28))
        for file, body in (
            (f"{name}-images-idx3-ubyte", b"\0\0\x08\x03" + sides + images.tobytes()),
            (f"{name}-labels-idx1-ubyte", b"\0\0\x08\x01" + len(labels).to_bytes(4, "big") + bytes(labels.tolist())),
        ):
            if packed:
                (folder / f"{file}.gz").write_bytes(gzip.compress(body))
            else:
                (folder / file).write_bytes(body)
    return folder


@pytest.fixture
def small():
    sizes = {"train_size": SIZES["train"], "test_size": SIZES["test"]}
    return replace(
        card("fashion_mnist"), fingerprint=cache.fingerprint(content()), idx_folders=("fashion-mnist",), **sizes
    )


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "as they are"])
def test_idx_files_are_read(packed, small, tmp_path):
    folder = written(tmp_path / "fashion-mnist", content(), packed)
    files = idx_files(small, [tmp_path / "empty", tmp_path])
    assert files["test"][1].name == "t10k-labels-idx1-ubyte" + ".gz" * packed
    for found in (files, idx_files(replace(small, idx_folders=(str(folder),)), [])):
        arrays = read_idx(small, found)
        assert cache.fingerprint(arrays) == small.fingerprint


def test_all_four_files_are_needed(small, tmp_path):
    folder = written(tmp_path / "fashion-mnist", content(), packed=False)
    (folder / "t10k-labels-idx1-ubyte").unlink()
    assert idx_files(small, [tmp_path]) is None
    assert idx_files(replace(small, idx_folders=()), [tmp_path]) is None


def test_files_of_another_set_are_refused(small, tmp_path):
    arrays = content()
    arrays["test_labels"] = (arrays["test_labels"] + 1) % 10
    written(tmp_path / "fashion-mnist", arrays, packed=True)
    with pytest.raises(DataError, match="fashion-mnist are not the official Fashion-MNIST"):
        read_idx(small, idx_files(small, [tmp_path]))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda c: c[:-9], "cannot be read", id="cut short"),
        pytest.param(lambda c: b"no gzip", "cannot be read", id="not gzip"),
        pytest.param(lambda c: gzip.compress(b"\0" * 10**7), r"is not an idx file of 5 × 28 × 28 bytes", id="too long"),
        pytest.param(lambda c: gzip.compress(gzip.decompress(c)[:-1]), "is not an idx file of", id="a byte short"),
        pytest.param(lambda c: gzip.compress(b"\1" + gzip.decompress(c)[1:]), "is not an idx file of", id="the header"),
    ],
)
def test_damaged_files_are_one_line(damage, message, small, tmp_path):
    path = written(tmp_path / "fashion-mnist", content(), packed=True) / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=message) as error:
        read_idx(small, idx_files(small, [tmp_path]))
    assert "\n" not in str(error.value) and path.name in str(error.value)
