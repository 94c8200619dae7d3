"""The picture of wrongly labelled images is a PNG of the expected size, and absent where no label is wrong."""

import io

import pytest
from PIL import Image

from lnlbench.benchmark.protocol import settings, splits
from lnlbench.benchmark.runs.noise_examples import COLUMNS, LINE, ROWS, flipped
from lnlbench.datasets.loading.images import load


@pytest.mark.parametrize("noise", ["symmetric-0.4", "symmetric-0.01", "clean"])
def test_examples(noise):
    setting = settings.setting(f"digits/{noise}")
    prepared = splits.prepare(setting, 0, load("digits"))
    wrong = int((prepared.split.given != prepared.truth.train).sum())
    files = flipped(prepared, "digits")
    assert (wrong == 0) == (files == {}) == (noise == "clean")
    if files:
        picture = Image.open(io.BytesIO(files["examples.png"]))
        columns, rows = min(COLUMNS, wrong), -(-min(wrong, COLUMNS * ROWS) // COLUMNS)
        assert picture.size == (columns * (64 + 24), rows * (64 + 2 * LINE + 10))
        assert len(files["examples.png"]) < 60_000
