"""Data for these tests: the real directory where there is one, synthetic images everywhere."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

os.environ["HF_HUB_OFFLINE"] = "1"

from lnlbench.datasets.loading.images import Images, load
from lnlbench.datasets.loading.registry import card

REAL = os.environ.get("LNLBENCH_DATA")


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """No test reads the user's settings or writes into the user's home."""
    monkeypatch.delenv("LNLBENCH_DATA", raising=False)
    monkeypatch.setenv("LNLBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    monkeypatch.delenv("HF_DATASETS_CACHE", raising=False)


@pytest.fixture(scope="session")
def real_dir() -> Path:
    if not REAL:
        pytest.skip("LNLBENCH_DATA is not set: no real data")
    return Path(REAL)


@pytest.fixture(scope="session")
def small_dir(real_dir) -> Path:
    if not (real_dir / "small").is_dir():
        pytest.skip("LNLBENCH_DATA has no small/ stand-in")
    return real_dir / "small"


@pytest.fixture(scope="session")
def mnist(real_dir, decoded) -> Images:
    return load("mnist", real_dir, decoded)


@pytest.fixture(scope="session")
def cifar10(real_dir, decoded) -> Images:
    return load("cifar10", real_dir, decoded)


@pytest.fixture(scope="session")
def make_images():
    """Return a function that makes a data set of one-pixel images with the card and the true labels given."""

    def make(name="cifar10", labels=None, per_class=50, side=1, data_dirs=()) -> Images:
        wanted = card(name)
        if labels is None:
            labels = np.random.Generator(np.random.PCG64(0)).permutation(
                np.repeat(np.arange(wanted.classes), per_class)
            )
        labels = np.asarray(labels, np.int64)
        pixels = np.random.Generator(np.random.PCG64(1)).integers(
            0, 256, (len(labels), wanted.channels, side, side), dtype=np.uint8
        )
        return Images(name, "r", "test", "0" * 64, wanted, pixels, labels, pixels[:2], labels[:2], {}, data_dirs)

    return make


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
