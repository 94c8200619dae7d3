"""Packed predictions are exact, small enough and never trusted."""

import base64
import lzma

import numpy as np
import pytest

from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.result import pack, unpack


@pytest.mark.parametrize("shape", [(1, 1, 1), (10, 1, 360), (3, 2, 7), (0, 1, 5), (4, 0, 5)], ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.int64], ids=["uint8", "int64"])
def test_exact(shape, dtype):
    array = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    back = unpack(pack(array))
    assert back.dtype == np.uint8 and back.shape == shape
    np.testing.assert_array_equal(back, array)
    back[...] = 0  # a copy of one's own


def history(epochs: int, networks: int, samples: int, classes: int) -> np.ndarray:
    """Simulate predictions under label noise: 60 % of them change per epoch at first, 5 % at the end."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, classes, samples)
    usual = rng.integers(0, classes, (samples, 4))  # the classes that a sample is confused with
    hard = rng.beta(0.5, 1.2, samples)
    out = np.empty((epochs, networks, samples), np.uint8)
    for k in range(networks):
        now = true.copy()
        for e in range(epochs):
            rate = 0.05 + 0.55 * 0.5 * (1 + np.cos(np.pi * e / epochs))
            changes = rng.random(samples) < np.clip(rate * hard / hard.mean(), 0, 0.9)
            kind = rng.integers(0, 6, samples)
            picked = usual[np.arange(samples), np.minimum(kind, 3)]
            new = np.where(kind < 4, picked, np.where(kind == 4, true, rng.integers(0, classes, samples)))
            now = np.where(changes, new, now)
            out[e, k] = now
    return out


@pytest.mark.slow
def test_a_long_run_stays_under_the_limit():
    array = history(epochs=150, networks=2, samples=10_000, classes=100)
    text = pack(array)
    assert len(text) < 1_500_000
    np.testing.assert_array_equal(unpack(text), array)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        pytest.param(np.zeros((2, 3), np.uint8), r"\(2, 3\)", id="two axes"),
        pytest.param(np.zeros((2, 3, 4)), "float64", id="floats"),
        pytest.param(np.full((1, 1, 1), 256), r"256\.\.256", id="too many classes"),
        pytest.param(np.full((1, 1, 1), -1), r"-1\.\.-1", id="negative"),
    ],
)
def test_only_classes_are_packed(array, message):
    with pytest.raises(StoreError, match=message):
        pack(array)


def bomb() -> str:
    return f"xz:2,1,2:{base64.b64encode(lzma.compress(bytes(10_000_000))).decode()}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("xz:1,1:AAAA", id="two numbers"),
        pytest.param("xz:1,1,1:@@@@", id="not base64"),
        pytest.param("xz:1,1,1:AAAA", id="not compressed"),
        pytest.param(pack(np.ones((9, 1, 99), np.uint8))[:-8], id="cut off"),
        pytest.param(pack(np.ones((9, 1, 99), np.uint8)).replace("xz:9", "xz:8"), id="more than promised"),
        pytest.param(pack(np.ones((9, 1, 99), np.uint8)).replace("xz:9", "xz:10"), id="less than promised"),
        pytest.param(bomb(), id="bomb"),
        pytest.param("xz:999999999,999999999,999999999:AAAA", id="absurd size"),
    ],
)
def test_a_damaged_text_is_refused(text):
    with pytest.raises(StoreError, match="packed predictions"):
        unpack(text)
