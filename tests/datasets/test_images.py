"""Loading data sets: from embedded data, local directories, and the Hub's cache."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lnlbench.datasets import source
from lnlbench.datasets.card import DataError, card
from lnlbench.datasets.images import load, locate


def encoded(pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def handmade(tmp_path):
    """Return a function that writes a data set of four PNG images in the Hub's layout."""

    def write(name="mnist", labels=(3, 1, 4, 1), side=28, image=None, splits=("train", "test"), drop=()):
        c = card(name)
        folder = tmp_path / "data"
        place = folder / c.hub_id / c.config
        place.mkdir(parents=True, exist_ok=True)
        shape = (4, side, side) if c.channels == 1 else (4, side, side, 3)
        pixels = np.random.Generator(np.random.PCG64(3)).integers(0, 256, shape, dtype=np.uint8)
        items = [{"bytes": image or encoded(p), "path": None} for p in pixels]
        columns = {c.image_column: items, c.label_column: list(labels), **{e: [0] * 4 for e in c.extra_columns}}
        table = pa.table({k: v for k, v in columns.items() if k not in drop})
        for split in splits:
            pq.write_table(table, place / f"{split}-00000-of-00001.parquet")
        return folder, pixels

    return write


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


BAD = [
    pytest.param({"labels": (0, 1, 2, 10)}, "mnist (train) has labels 0 to 10; expected 0 to 9", id="label too high"),
    pytest.param({"labels": (0, 1, 2, -1)}, "mnist (train) has labels -1 to 2; expected 0 to 9", id="label negative"),
    pytest.param({"side": 32}, "image 0 of mnist is 32 × 32; expected 28 × 28", id="image size"),
    pytest.param({"image": b"no image"}, "image 0 of mnist cannot be decoded", id="not an image"),
    pytest.param({"drop": ("label",)}, "mnist (train) has no column 'label'; it has image", id="no labels"),
    pytest.param({"splits": ("train",)}, "holds 0 of its test files; fill", id="no test split"),
    pytest.param(
        {"labels": (0.5, 1, 2, 3)},
        "mnist (train) has float64 values in 'label'; labels are integers",
        id="labels are no integers",
    ),
    pytest.param(
        {"labels": (0, None, 2, 3)}, "mnist (train) has 1 images without a value in 'label'", id="missing label"
    ),
]


@pytest.mark.parametrize(("how", "message"), BAD)
def test_bad_data(handmade, tmp_path, how, message):
    folder, _ = handmade(**how)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        load("mnist", folder)
    assert "\n" not in str(caught.value)
    cached = tmp_path / "home/cache"
    assert [p for p in cached.glob("*") if p.suffix not in (".lock", ".json")] == [], "something half-written"


@pytest.mark.parametrize("content", [b"not parquet", b"", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_damaged_parquet(handmade, content):
    folder, _ = handmade()
    (folder / "ylecun/mnist/mnist/train-00000-of-00001.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"cannot read mnist \(train\) from .*ylecun/mnist/mnist") as caught:
        load("mnist", folder)
    assert "\n" not in str(caught.value)


def test_half_a_download(handmade):
    folder, _ = handmade()
    place = folder / "ylecun/mnist/mnist"
    (place / "train-00000-of-00001.parquet").rename(place / "train-00000-of-00002.parquet")
    with pytest.raises(DataError, match="holds 1 of its train files; fill"):
        load("mnist", folder)


def test_not_a_directory(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"data directory '.*nowhere' is not a directory"):
        load("mnist", tmp_path / "nowhere")
    monkeypatch.setenv("LNLBENCH_DATA", "/nowhere")
    with pytest.raises(DataError, match="LNLBENCH_DATA '/nowhere' is not a directory"):
        load("mnist")


def test_nowhere_and_no_network(tmp_path):
    with pytest.raises(DataError) as caught:
        load("cifar10", tmp_path)
    target = tmp_path / "uoft-cs/cifar10"
    command = f"hf download uoft-cs/cifar10 --repo-type dataset --revision {card('cifar10').revision}"
    assert f"fill {target} with `{command} --local-dir {target}`" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="LNLBENCH_DATA=<data-dir>"):
        load("cifar10")


SCRIPT = """
import sys
from pathlib import Path
from lnlbench.datasets import source
from lnlbench.datasets.images import load
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


def test_unreachable_hub_is_one_line_and_quick(tmp_path):
    script = "from lnlbench.datasets.images import load\nfrom lnlbench.datasets.card import DataError\n"
    script += "try: load('mnist')\nexcept DataError as error: print(error)"
    env = {**os.environ, "HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=env, cwd=tmp_path, timeout=120, check=True
    )
    assert done.stdout.count("\n") == 1 and "hf download ylecun/mnist" in done.stdout
    assert done.stderr == ""


def hub_copy(handmade, tmp_path, revision):
    """Put what Hugging Face ``datasets`` leaves after a download into its cache, under a revision."""
    import datasets

    folder, pixels = handmade()
    files = {s: str(folder / f"ylecun/mnist/mnist/{s}-00000-of-00001.parquet") for s in ("train", "test")}
    scratch = tmp_path / "scratch"
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(scratch))
    place = tmp_path / "huggingface/datasets/ylecun___mnist/mnist/0.0.0" / revision
    place.mkdir(parents=True)
    for split, part in loaded.items():
        shutil.copy(part.cache_files[0]["filename"], place / f"mnist-{split}.arrow")
    infos = next(scratch.rglob("dataset_info.json")).read_text()
    infos = infos.replace('"dataset_name": "parquet"', '"dataset_name": "mnist"')
    (place / "dataset_info.json").write_text(infos.replace('"config_name": "default"', '"config_name": "mnist"'))
    return pixels


def run_hub(tmp_path, statement):
    script = (
        "import dataclasses\nfrom lnlbench.datasets import images, source\nfrom lnlbench.datasets.card import card\n"
    )
    env = {**os.environ, "HF_HOME": str(tmp_path / "huggingface"), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-c", script + statement], capture_output=True, text=True, env=env, cwd=tmp_path, timeout=120
    )


def test_hub_cache_offline(handmade, tmp_path):
    pixels = hub_copy(handmade, tmp_path, card("mnist").revision)
    done = run_hub(tmp_path, "print(source.read_hub(card('mnist'), None)['train_images'].tobytes().hex())")
    assert done.stdout.strip() == pixels.tobytes().hex(), done.stderr


def test_hub_content_that_is_not_official_is_refused(handmade, tmp_path):
    hub_copy(handmade, tmp_path, card("mnist").revision)
    done = run_hub(tmp_path, "images.load('mnist')")
    assert "is not the official MNIST: 4 + 4 images" in done.stderr.splitlines()[-1]
    assert not list((tmp_path / "home/cache").glob("*.arrays"))


def test_another_revision_in_the_hub_cache_is_not_taken(handmade, tmp_path):
    # Hugging Face datasets itself would take it: offline it falls back to the latest one it has.
    hub_copy(handmade, tmp_path, "0" * 40)
    done = run_hub(tmp_path, "images.load('mnist')")
    assert "DataError: data set 'mnist' is not at hand" in done.stderr.splitlines()[-1]


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


def test_official_data(mnist, cifar10):
    for images in (mnist, cifar10):
        assert images.official is True
        for channel in range(images.card.channels):
            share = np.bincount(images.train_images[:, channel].ravel(), minlength=256) / 1.0
            values, share = np.arange(256) / 255, share / share.sum()
            mean = values @ share
            assert mean == pytest.approx(images.card.mean[channel], abs=5e-5)
            assert np.sqrt((values - mean) ** 2 @ share) == pytest.approx(images.card.std[channel], abs=5e-5)
    assert replace(cifar10, fingerprint="0" * 64).official is False


def test_full_size_loads_from_the_cache_in_well_under_a_second(cifar10, real_dir, real_cache):
    start = time.perf_counter()
    again = load("cifar10", real_dir, real_cache)
    seconds = time.perf_counter() - start
    assert again.fingerprint == cifar10.fingerprint
    assert seconds < 1, f"took {seconds:.2f} s"
