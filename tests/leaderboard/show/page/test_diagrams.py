"""The diagrams: what they say in words, where the marks are, and the same bars as scikit-posthocs draws."""

import re
from itertools import combinations

import numpy as np
import pytest

from lnlbench.leaderboard.ranking.letters import LEGIBLE, groups
from lnlbench.leaderboard.show.page.diagrams import critical_difference, scatter


def test_a_row_per_method_and_a_bar_per_group():
    text = critical_difference(
        {"a": 1.0, "b": 2.0, "c": 3.0}, {"a": (1.0, 1.5)}, [("a", "b"), ("b", "c"), ("c",)], "mean rank"
    )
    assert text.count('class="bar"') == 2
    assert text.count('class="member"') == 4
    assert text.count('class="span"') == 1
    assert 'aria-label="mean rank: a 1; b 2; c 3. Not told apart: a, b; b, c."' in text
    x = [float(value) for value in re.findall(r'<circle cx="([\d.]+)"', text)]
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.11) and x[0] < x[1]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_the_bars_are_those_of_scikit_posthocs(seed):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    pandas, posthocs = pytest.importorskip("pandas"), pytest.importorskip("scikit_posthocs")
    from matplotlib import pyplot

    rng = np.random.default_rng(seed)
    names = list("abcdef")
    ranks = {name: 1.0 + i + rng.uniform() for i, name in enumerate(names)}
    p = pandas.DataFrame(1.0, index=names, columns=names)
    for a, b in combinations(names, 2):
        p.loc[a, b] = p.loc[b, a] = rng.choice([0.01, 0.5])
    drawn = posthocs.critical_difference_diagram(ranks, p)["crossbars"]
    pyplot.close("all")
    apart = {(a, b) for a, b in combinations(names, 2) if p.loc[a, b] < 0.05}
    assert len(drawn) == sum(len(group) > 1 for group in groups(names, apart))


def test_one_value_and_equal_values_can_be_drawn():
    for positions in ({"a": 1.0, "b": 1.0}, {"a": 0.0}):
        assert "nan" not in critical_difference(positions, {}, [tuple(positions)], "rank")
    assert "nan" not in scatter({"a": (1.0, 50.0), "b": (1.0, 50.0)}, ["a", "b"], "seconds", "accuracy")


def test_the_front_is_a_line_and_cost_a_logarithm():
    text = scatter({"a": (1.0, 50.0), "b": (10.0, 60.0), "c": (100.0, 55.0)}, ["a", "b"], "seconds", "accuracy")
    assert text.count('class="on"') == 2 and text.count('class="off"') == 1
    x = {name: float(v) for v, name in re.findall(r'cx="([\d.]+)"[^>]*><title>(\w)', text)}
    assert x["b"] - x["a"] == pytest.approx(x["c"] - x["b"], abs=0.2)
    assert "Beaten by nobody in both: a, b." in text


def test_names_are_escaped():
    text = critical_difference({"<b>": 1.0, '"x': 2.0}, {}, [], "<i>")
    assert "<b>" not in text and "<i>" not in text and "&lt;b&gt;" in text


def test_too_many_groups_draw_no_bars():
    positions = {f"m{i}": float(i) for i in range(LEGIBLE + 2)}
    pairs = list(zip(positions, list(positions)[1:], strict=False))
    few, many = (critical_difference(positions, {}, pairs[:count], "rank") for count in (LEGIBLE, LEGIBLE + 1))
    assert few.count('class="bar"') == LEGIBLE and many.count('class="bar"') == 0
    assert f"{LEGIBLE + 1} groups, too many to draw" in many
