"""The cost diagram: where the marks are, and what it says in words."""

import re

import pytest

from lnlbench.leaderboard.show.page.diagrams import scatter


def test_equal_values_can_be_drawn():
    assert "nan" not in scatter({"a": (1.0, 50.0), "b": (1.0, 50.0)}, ["a", "b"], "seconds", "accuracy")


def test_the_front_is_a_line_and_cost_a_logarithm():
    text = scatter({"a": (1.0, 50.0), "b": (10.0, 60.0), "c": (100.0, 55.0)}, ["a", "b"], "seconds", "accuracy")
    assert text.count('class="on"') == 2 and text.count('class="off"') == 1
    x = {name: float(v) for v, name in re.findall(r'cx="([\d.]+)"[^>]*><title>(\w)', text)}
    assert x["b"] - x["a"] == pytest.approx(x["c"] - x["b"], abs=0.2)
    assert "Beaten by nobody in both: a, b." in text


def test_names_are_escaped():
    text = scatter({"<b>": (1.0, 50.0), '"x': (2.0, 60.0)}, ["<b>"], "<i>", "accuracy")
    assert "<b>" not in text and "<i>" not in text and "&lt;b&gt;" in text
