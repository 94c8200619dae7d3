"""One label for a method, however it was written."""

import pytest

from lnlbench.leaderboard.results.spelling import one_label, spellings


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param(
            [("gce(q=0.7)", "gce(q=0.7)"), ("gce", "gce(q=0.7)"), ("gce(q=0.70)", "gce(q=0.7)"), ("ce", "ce")],
            {"gce": "gce", "gce(q=0.7)": "gce", "gce(q=0.70)": "gce", "ce": "ce"},
            id="spellings",
        ),
        pytest.param(
            [("sam + ce", "sam(rho=0.1)"), ("ce + sam", "sam(rho=0.1)")],
            {"ce + sam": "ce + sam", "sam + ce": "ce + sam"},
            id="as long: always the same one",
        ),
        pytest.param(
            [("forward", "forward [estimated]"), ("forward [true]", "forward [true]")],
            {"forward": "forward", "forward [true]": "forward [true]"},
            id="told otherwise",
        ),
        pytest.param(
            [("a(q=1)", "a(q=1)"), ("b", "b(p=1)"), ("b(p=1)", "b(p=1)"), ("a", "a(q=1)"), ("a", "a(q=2)")],
            {"a(q=1)": "a", "a": "a", "b": "b", "b(p=1)": "b"},
            id="a label of two methods",
        ),
    ],
)
def test_the_shortest_label_of_a_method_names_it(written, expected, make):
    runs = [make(label=label, method=method) for label, method in written]
    assert one_label(runs) == one_label(runs[::-1]) == expected


def test_what_a_search_found_by_chance_joins_nothing(make):
    runs = [make(label=label, method="gce(q=0.5)", track="tuned") for label in ("gce", "gce(q=0.5)")]
    assert one_label(runs) == {"gce": "gce", "gce(q=0.5)": "gce(q=0.5)"}
    assert spellings(runs, ["gce"]) == ["gce"]


def test_one_spelling_stands_for_all(make):
    runs = [make(label="gce(q=0.70)", method="gce(q=0.7)"), make(label="gce", method="gce(q=0.7)"), make()]
    assert spellings(runs, ["gce"]) == ["gce", "gce(q=0.7)"]
    assert spellings(runs, ["other"]) == ["other"]
