"""The files behind a data set: damaged, incomplete, missing, or in Hugging Face's cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.images import load
from lnlbench.datasets.loading.registry import card

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


def test_nowhere_and_no_network(tmp_path):
    with pytest.raises(DataError) as caught:
        load("cifar10", tmp_path)
    target = tmp_path / "uoft-cs/cifar10"
    command = f"hf download uoft-cs/cifar10 --repo-type dataset --revision {card('cifar10').revision}"
    assert f"fill {target} with `{command} --local-dir {target}`" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="LNLBENCH_DATA=<data-dir>"):
        load("cifar10")


@pytest.mark.slow
def test_unreachable_hub_is_one_line_and_quick(tmp_path):
    script = (
        "from lnlbench.datasets.loading.images import load\nfrom lnlbench.datasets.loading.errors import DataError\n"
    )
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
        "import dataclasses\nfrom lnlbench.datasets.loading import images, source\n"
        "from lnlbench.datasets.loading.registry import card\n"
    )
    env = {**os.environ, "HF_HOME": str(tmp_path / "huggingface"), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-c", script + statement], capture_output=True, text=True, env=env, cwd=tmp_path, timeout=120
    )


@pytest.mark.slow
def test_hub_cache_offline(handmade, tmp_path):
    pixels = hub_copy(handmade, tmp_path, card("mnist").revision)
    done = run_hub(tmp_path, "print(source.read_hub(card('mnist'), None)['train_images'].tobytes().hex())")
    assert done.stdout.strip() == pixels.tobytes().hex(), done.stderr


@pytest.mark.slow
def test_hub_content_that_is_not_official_is_refused(handmade, tmp_path):
    hub_copy(handmade, tmp_path, card("mnist").revision)
    done = run_hub(tmp_path, "images.load('mnist')")
    assert "is not the official MNIST: 4 + 4 images" in done.stderr.splitlines()[-1]
    assert not list((tmp_path / "home/cache").glob("*.arrays"))


@pytest.mark.slow
def test_another_revision_in_the_hub_cache_is_not_taken(handmade, tmp_path):
    # Hugging Face datasets itself would take it: offline it falls back to the latest one it has.
    hub_copy(handmade, tmp_path, "0" * 40)
    done = run_hub(tmp_path, "images.load('mnist')")
    assert "DataError: data set 'mnist' is not at hand" in done.stderr.splitlines()[-1]
