"""The checked files in which decoded data sets lie."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import pytest

from lnlbench.datasets.loading import cache
from lnlbench.datasets.loading.errors import DataError

ARRAYS = {
    "images": np.arange(600, dtype=np.uint8).reshape(10, 3, 4, 5),
    "labels": np.arange(10, dtype=np.int64),
    "none": np.zeros((0, 3), np.int64),
}


def test_round_trip(tmp_path):
    written = cache.write(tmp_path / "a", ARRAYS)
    arrays, digest = cache.read(tmp_path / "a")
    assert digest == written == cache.fingerprint(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype


def test_a_change_in_memory_does_not_reach_the_file(tmp_path):
    cache.write(tmp_path / "a", ARRAYS)
    arrays, _ = cache.read(tmp_path / "a")
    arrays["labels"][:] = 7
    np.testing.assert_array_equal(cache.read(tmp_path / "a")[0]["labels"], ARRAYS["labels"])


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({**ARRAYS, "labels": ARRAYS["labels"][::-1].copy()}, id="values"),
        pytest.param({**ARRAYS, "labels": ARRAYS["labels"].astype(np.int32)}, id="type"),
        pytest.param({**ARRAYS, "labels": ARRAYS["labels"].reshape(2, 5)}, id="shape"),
        pytest.param({"images": ARRAYS["images"], "labels": ARRAYS["labels"]}, id="names"),
    ],
)
def test_fingerprint_tells_apart(changed):
    assert cache.fingerprint(changed) != cache.fingerprint(ARRAYS)


def _flip(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


DAMAGE = [
    pytest.param(lambda c: c[: len(c) // 2], id="half"),
    pytest.param(lambda c: c[:-1], id="one byte short"),
    pytest.param(lambda c: c + b"x", id="too long"),
    pytest.param(lambda c: b"", id="empty"),
    pytest.param(lambda c: b"\x93NUMPY" + c, id="another format"),
    pytest.param(lambda c: c[:20], id="no header"),
    pytest.param(lambda c: _flip(c, 40), id="header"),
    pytest.param(lambda c: _flip(c, len(c) - 100), id="one bit of the labels"),
    pytest.param(lambda c: _flip(c, len(c) - 500), id="one bit of the images"),
    pytest.param(lambda c: cache.MAGIC + (2).to_bytes(8, "little") + b"[]", id="header is a list"),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_noticed_and_mended(tmp_path, damage):
    path = tmp_path / "a"
    cache.write(path, ARRAYS)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(cache.CorruptError):
        cache.read(path)
    arrays, digest = cache.through(path, lambda: ARRAYS)
    assert digest == cache.fingerprint(ARRAYS) == cache.read(path)[1]
    np.testing.assert_array_equal(arrays["images"], ARRAYS["images"])


def test_what_is_there_is_not_built_again(tmp_path):
    cache.write(tmp_path / "a", ARRAYS)
    cache.through(tmp_path / "a", lambda: pytest.fail("built again"))


def test_a_failure_leaves_nothing(tmp_path):
    def parts():
        yield b"begin"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.write_whole(tmp_path / "a", parts())
    assert list(tmp_path.iterdir()) == []


def test_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write the cache"):
        cache.through(tmp_path / "file" / "a", lambda: ARRAYS)


def test_hash_of_files(tmp_path):
    index, data = tmp_path / "index.json", tmp_path / "data"
    data.write_bytes(b"one")
    old = time.time_ns() - 60 * 10**9
    os.utime(data, ns=(old, old))
    first = cache.hash_files([data], index)
    assert json.loads(index.read_text())[str(data)][:2] == [3, old]
    known = json.loads(index.read_text())
    known[str(data)][2] = "0" * 64
    index.write_text(json.dumps(known))
    assert cache.hash_files([data], index) != first, "the index was not used"
    data.write_bytes(b"two")  # same size, another time of change
    second = cache.hash_files([data], index)
    index.write_text("damaged")
    assert cache.hash_files([data], index) == second != first


def test_a_file_of_this_moment_is_not_remembered(tmp_path):
    (tmp_path / "data").write_bytes(b"one")
    cache.hash_files([tmp_path / "data"], tmp_path / "index.json")
    assert not (tmp_path / "index.json").exists()


@pytest.mark.parametrize(
    ("given", "home", "expected"),
    [
        pytest.param("x", "h", "x", id="argument"),
        pytest.param(None, "h", "h/cache", id="LNLBENCH_HOME"),
        pytest.param(None, "", "~/.lnlbench/cache", id="home"),
    ],
)
def test_cache_root(monkeypatch, given, home, expected):
    monkeypatch.setenv("LNLBENCH_HOME", home)
    assert str(cache.cache_root(given)) == os.path.expanduser(expected)  # noqa: PTH111
