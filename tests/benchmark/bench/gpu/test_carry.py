"""What is packed is what was there, in trips below the limit."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lnlbench.benchmark.bench.gpu import carry
from lnlbench.datasets.loading.errors import DataError
from lnlbench.datasets.loading.images import load, locate

FOLDER = "uoft-cs/cifar10/plain_text"


@pytest.fixture
def source(tmp_path):
    """A folder in the Hub's layout with 40 and 12 images as PNG, and labels of people."""
    random = np.random.default_rng(0)
    (tmp_path / "from" / FOLDER).mkdir(parents=True)
    for split, count in (("train", 40), ("test", 12)):
        rows = []
        for _ in range(count):
            out = io.BytesIO()
            Image.fromarray(random.integers(256, size=(32, 32, 3), dtype=np.uint8)).save(out, "PNG")
            rows.append({"bytes": out.getvalue(), "path": None})
        table = pa.table({"img": rows, "label": np.arange(count) % 10})
        pq.write_table(table, tmp_path / "from" / FOLDER / f"{split}-00000-of-00001.parquet")
    (tmp_path / "from/noise/cifar10").mkdir(parents=True)
    pq.write_table(pa.table({"clean": [1]}), tmp_path / "from/noise/cifar10/train.parquet")
    return tmp_path / "from"


def test_what_is_packed_is_read_as_what_was_there_however_it_is_cut(source, tmp_path):
    for limit, trips in ((1 << 20, 1), (70_000, 3)):
        target = tmp_path / "to"
        files = carry.pack(source, target, limit)
        assert len(files) == trips and files[0][0] == target / "noise/cifar10/train.parquet"
        assert sorted(path.name for trip in files for path in trip) == sorted(p.name for p in target.rglob("*.parquet"))
        ours, theirs = load("cifar10", target), load("cifar10", source)
        assert ours.fingerprint == theirs.fingerprint and np.array_equal(ours.train_images, theirs.train_images)
        first = pq.read_table(files[-1][-1]).column("img")[0].as_py()
        assert first[8:12] == b"WEBP"
    files[-1][-1].unlink()  # a trip is missing
    assert locate("cifar10", target) is None


def test_no_trip_is_above_the_limit():
    cuts = carry.cut({"test": [5, 5], "train": [4] * 6}, 3, 12)
    assert cuts == [{"test": (0, 1)}, {"test": (1, 2), "train": (0, 1)}, {"train": (1, 4)}, {"train": (4, 6)}]


def test_what_is_written_is_checked(source, tmp_path, monkeypatch):
    monkeypatch.setattr(carry, "smallest", lambda row, kept=[]: kept.append(row["bytes"]) or kept[0])
    with pytest.raises(DataError, match="is not what"):
        carry.pack(source, tmp_path / "to", 1 << 20)


def test_the_command_says_what_to_carry_and_what_to_run(source, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(carry, "checkout", lambda: 1 << 20)
    assert carry.main(["--data-dir", str(source), "--out", str(tmp_path / "to"), "--budget", "300"]) == 0
    told = capsys.readouterr().out
    assert "trip 1: 0.2 MiB beside 1.0 of the checkout" in told and "trip 2" not in told
    command = told.strip().splitlines()[-1]
    assert "--budget 300" in command and len(command) < 2000
    assert carry.main(["--data-dir", str(source), "--limit", "2"]) == 2
    assert capsys.readouterr().err == "error: of 2 MiB the checkout takes 1.0\n"
    assert carry.main(["--data-dir", str(tmp_path / "nothing")]) == 2
