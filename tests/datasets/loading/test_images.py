"""Loading data sets: from embedded data, local directories, and the Hub's cache."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lnlbench.datasets.loading import source
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.images import load, locate
from lnlbench.datasets.loading.registry import card


def test_digits():
    images = load("digits")
    assert images.official is True
    assert images.train_images.shape == (1437, 1, 8, 8)
    assert images.test_images.shape == (360, 1, 8, 8)
    assert images.train_images.dtype == np.uint8 and images.train_images.max() == 255
    shares = np.bincount(images.train_labels) / np.bincount(np.r_[images.train_labels, images.test_labels])
    np.testing.assert_allclose(shares, 0.8, atol=0.005)
    assert load("digits").fingerprint == images.fingerprint


def test_colour_and_grey_are_decoded_exactly(handmade):
    for name, side in (("mnist", 28), ("cifar10", 32), ("cifar100", 32)):
        folder, pixels = handmade(name, side=side)
        images = load(name, folder)
        expected = pixels[:, None] if pixels.ndim == 3 else pixels.transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(images.train_images, expected)
        assert images.train_labels.tolist() == [3, 1, 4, 1] and images.train_labels.dtype == np.int64
        assert images.official is False
        assert set(images.extra) == ({"train_coarse_label", "test_coarse_label"} if name == "cifar100" else set())


def test_the_second_load_reads_the_cache(handmade, monkeypatch):
    folder, _ = handmade()
    first = load("mnist", folder)
    monkeypatch.setattr(source, "read_local", lambda *_: pytest.fail("decoded again"))
    assert load("mnist", folder).fingerprint == first.fingerprint
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    assert load("mnist", copy).source != first.source, "the same content elsewhere shares the cache"


def test_other_content_is_another_entry(handmade, tmp_path):
    folder, _ = handmade(labels=(0, 1, 2, 3))
    first = load("mnist", folder)
    handmade(labels=(3, 2, 1, 0))
    second = load("mnist", folder)
    assert first.train_labels.tolist() == second.train_labels.tolist()[::-1]
    assert first.fingerprint != second.fingerprint
    assert len(list((tmp_path / "home/cache").glob("*.arrays"))) == 2


def test_a_damaged_cache_is_made_again(handmade, tmp_path):
    folder, _ = handmade()
    first = load("mnist", folder)
    (path,) = (tmp_path / "home/cache").glob("*.arrays")
    whole = path.read_bytes()
    for damaged in (whole[:-10], whole[:-50] + b"\0" * 50):
        path.write_bytes(damaged)
        assert load("mnist", folder).fingerprint == first.fingerprint
        assert path.read_bytes() == whole


def test_order_of_places(handmade, tmp_path, monkeypatch):
    folder, _ = handmade()
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("LNLBENCH_DATA", str(folder))
    assert load("mnist", empty).source == str(folder / "ylecun/mnist")
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    assert load("mnist", other).source == str(other / "ylecun/mnist")
    assert load("mnist", other).data_dirs == (other, folder)


def test_locate(handmade, tmp_path, monkeypatch):
    folder, _ = handmade()
    assert locate("digits") == "embedded"
    assert locate("mnist") is None
    assert locate("mnist", folder) == f"local directory {folder / 'ylecun/mnist'}"
    monkeypatch.setenv("LNLBENCH_DATA", str(folder))
    assert locate("mnist").startswith("local directory")
    assert locate("cifar10") is None
    c = card("cifar10")
    place = tmp_path / "huggingface/datasets/uoft-cs___cifar10/plain_text/0.0.0" / c.revision
    place.mkdir(parents=True)
    assert locate("cifar10") == f"Hub cache {place}"
    (folder / "ylecun/mnist/mnist/test-00000-of-00001.parquet").unlink()
    assert locate("mnist", folder) is None


def test_not_a_directory(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"data directory '.*nowhere' is not a directory"):
        load("mnist", tmp_path / "nowhere")
    monkeypatch.setenv("LNLBENCH_DATA", "/nowhere")
    with pytest.raises(DataError, match="LNLBENCH_DATA '/nowhere' is not a directory"):
        load("mnist")


SCRIPT = """
import sys
from pathlib import Path
from lnlbench.datasets.loading import source
from lnlbench.datasets.loading.images import load
read = source.read_local
def counted(*arguments):
    with open(sys.argv[2], "a") as file:
        file.write("decoded\\n")
    return read(*arguments)
source.read_local = counted
print(load("mnist", Path(sys.argv[1])).fingerprint)
"""


def test_processes_that_start_at_once_decode_once(handmade, tmp_path):
    folder, _ = handmade()
    command = [sys.executable, "-c", SCRIPT, str(folder), str(tmp_path / "log")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) for _ in range(2)]
    printed = [process.communicate(timeout=120)[0].strip() for process in running]
    assert printed == [load("mnist", folder).fingerprint] * 2
    assert (tmp_path / "log").read_text() == "decoded\n"
    assert [p.name for p in (tmp_path / "home/cache").iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["mnist", "cifar10", "cifar100"])
def test_stand_in(small_dir, name):
    images = load(name, small_dir)
    c = card(name)
    assert images.train_images.shape == (1000, c.channels, c.size, c.size)
    assert images.test_images.shape == (200, c.channels, c.size, c.size)
    assert np.unique(np.bincount(images.train_labels)).tolist() == [1000 // c.classes]
    assert images.official is False
    table = pq.read_table(next((small_dir / c.hub_id / c.config).glob("train-*")))
    for i in (0, 1, 500, 999):
        with Image.open(io.BytesIO(table.column(c.image_column)[i].as_py()["bytes"])) as opened:
            expected = np.asarray(opened)
        shown = images.train_images[i].transpose(1, 2, 0)
        np.testing.assert_array_equal(shown if c.channels == 3 else shown[..., 0], expected)


def test_coarse_labels_follow_the_superclasses(small_dir):
    from lnlbench.datasets.cifar100 import SUPERCLASSES

    images = load("cifar100", small_dir)
    for group in SUPERCLASSES:
        assert len(set(images.extra["train_coarse_label"][np.isin(images.train_labels, group)])) == 1


@pytest.mark.slow
def test_official_data(mnist, cifar10):
    for images in (mnist, cifar10):
        assert images.official is True
        for channel in range(images.card.channels):
            counts = np.bincount(images.train_images[:, channel].ravel(), minlength=256)
            values, share = np.arange(256) / 255, counts / counts.sum()
            mean = values @ share
            assert mean == pytest.approx(images.card.mean[channel], abs=5e-5)
            assert np.sqrt((values - mean) ** 2 @ share) == pytest.approx(images.card.std[channel], abs=5e-5)
    assert replace(cifar10, fingerprint="0" * 64).official is False


def test_full_size_loads_from_the_cache_in_well_under_a_second(cifar10, real_dir, decoded):
    start = time.perf_counter()
    again = load("cifar10", real_dir, decoded)
    seconds = time.perf_counter() - start
    assert again.fingerprint == cifar10.fingerprint
    assert seconds < 1, f"took {seconds:.2f} s"
