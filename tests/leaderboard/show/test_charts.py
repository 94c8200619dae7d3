"""Charts are well-formed SVG whose curves go where the values are."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from lnlbench.leaderboard.show import charts
from lnlbench.leaderboard.show.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Panel, Series

SVG = "{http://www.w3.org/2000/svg}"


def bold(text):
    """The points of the bold curves, in pixels."""
    paths = [path.get("d") for path in ElementTree.fromstring(text).iter(f"{SVG}path") if path.get("stroke-width")]
    return [[tuple(map(float, pair.split())) for pair in re.split("[ML]", path)[1:]] for path in paths]


def test_a_curve_goes_from_corner_to_corner():
    ((first, middle, last),) = bold(charts.lines([Panel("t", [Series("a", [[0.0, 0.5, 1.0]])], top=1.0)]))
    assert first == (LEFT, HEIGHT - BOTTOM) and last == (WIDTH - RIGHT, TOP)
    assert middle == pytest.approx(((LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2), abs=0.1)


def test_of_replicates_the_mean_is_bold():
    text = charts.lines([Panel("t", [Series("a", [[0.0, 0.0], [1.0, 1.0]])], top=1.0)])
    ((first, _),) = bold(text)
    assert first[1] == pytest.approx((TOP + HEIGHT - BOTTOM) / 2, abs=0.1) and text.count("opacity") == 2


@pytest.mark.parametrize(
    ("curves", "expected"),
    [
        pytest.param([[1.0, 3.0], [3.0]], [2.0, 3.0], id="one stopped earlier"),
        pytest.param([[None, 1.0], [2.0, 3.0]], [2.0, 2.0], id="not measured"),
        pytest.param([[math.nan, math.inf]], [None, None], id="not finite"),
        pytest.param([], [], id="none"),
    ],
)
def test_means(curves, expected):
    assert charts.mean(curves) == expected


@pytest.mark.parametrize("curve", [[], [0.5], [None, None], [math.nan, 2.0], [0.0, 0.0], [1e-9, 1e9]])
def test_odd_curves_are_drawn_too(curve):
    root = ElementTree.fromstring(charts.lines([Panel("a < b & c", [Series("<x>", [curve])], marks={"best": 0})]))
    assert "a < b & c" in [text.text for text in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("classes", [2, 10, 20, 100])
def test_a_matrix_has_its_cells(classes):
    rows = [[0.6 if i == j else 0.4 / (classes - 1) for j in range(classes)] for i in range(classes)]
    root = ElementTree.fromstring(charts.matrix(rows, "symmetric"))
    assert len(list(root.iter(f"{SVG}rect"))) == classes**2 + 2, "and the paper and the frame"
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts.count(".60") == (classes if classes <= 20 else 0)
