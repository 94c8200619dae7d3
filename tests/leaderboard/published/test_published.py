"""Published means: the table reads, rows are compared where that is fair, and say what differs where not."""

from dataclasses import replace

import pytest

from lnlbench.leaderboard.published import Published, beside, literature, to_markdown
from lnlbench.leaderboard.results.rules import RULES
from lnlbench.leaderboard.show.page import page
from lnlbench.methods import methods

ROW = Published("cifar10", "symmetric-0.4", "gce", "resnet34", 120, "final", 0.1, 60.0, 0.2, 3, "Someone, 2020")


@pytest.fixture
def run(make):
    """Make a result of GCE on CIFAR-10 whose last epoch has 60.4 %, or as changed."""

    def result(setting=None, **changes):
        made = make(label="gce", dataset="cifar10", setting="cifar10/symmetric-0.4", test=[0.7, 0.604], **changes)
        fields = {"model": "resnet34", "validation": 0.1} | (setting or {})
        return replace(made, epochs=120, identity=made.identity | {"setting": fields})

    return result


def test_every_row_of_the_table_is_of_something_that_there_is():
    rows = literature()
    assert len(rows) > 250
    assert {row.method for row in rows} <= methods().keys()
    assert {row.rule for row in rows} <= RULES.keys()
    assert {row.dataset for row in rows} == {"mnist", "cifar10", "cifar100"}
    assert all(0 < row.mean < 100 and row.source and row.epochs > 0 for row in rows)
    (anchor,) = [
        r
        for r in rows
        if (r.method, r.noise, r.backbone) == ("ce", "symmetric-0.4", "apl_cnn8") and r.dataset == "cifar10"
    ]
    assert (anchor.mean, anchor.std, anchor.n, anchor.rule, anchor.held_out) == (58.46, 0.21, 3, "final", 0.0)


def test_the_same_protocol_is_compared_under_the_sources_rule(run):
    (one,) = beside([run(), run(replicate=1)], [ROW])
    assert (one.ours.mean, one.ours.n, one.apart) == (pytest.approx(60.4), 2, ())
    assert (one.difference, one.agrees, one.also) == (pytest.approx(0.4), True, ("recipe",))
    (one,) = beside([run(track="paper")], [replace(ROW, mean=58.0)])
    assert (one.agrees, one.also) == (False, ())
    assert "+2.40, outside ±1.00" in to_markdown([one])


@pytest.mark.parametrize(
    ("row", "apart"),
    [
        pytest.param({"noise": "symmetric-inclusive-0.4"}, ("noise symmetric-inclusive-0.4",), id="noise convention"),
        pytest.param({"backbone": "cnn8"}, ("network cnn8",), id="network"),
        pytest.param(
            {"backbone": "9-layer CNN", "noise": "symmetric-bernoulli-0.4"},
            ("noise symmetric-bernoulli-0.4", "network 9-layer CNN"),
            id="both",
        ),
    ],
)
def test_another_protocol_is_shown_and_not_compared(row, apart, run):
    (one,) = beside([run()], [replace(ROW, **row)])
    assert (one.apart, one.difference, one.agrees) == (apart, None, None)
    assert f"not compared: {'; '.join(apart)}" in to_markdown([one])


def test_what_else_differs_is_said(run):
    (one,) = beside([run()], [replace(ROW, epochs=200, held_out=0.0)])
    assert one.also == ("200 epochs", "0 % held out, not 10 %", "recipe")


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"dataset": "mnist"}, id="another data set"),
        pytest.param({"method": "ce"}, id="another method"),
        pytest.param({"noise": "symmetric-0.2"}, id="another rate"),
        pytest.param({"noise": "asymmetric-0.4"}, id="another kind of noise"),
    ],
)
def test_what_has_nothing_to_do_with_it_is_left_out(row, run):
    assert beside([run()], [replace(ROW, **row)]) == []
    assert "No published number" in to_markdown([])


def test_runs_of_two_precisions_are_two_rows(run):
    half = replace(run(), identity=run().identity | {"precision": "bf16"})
    found = beside([run(), run(replicate=1), half], [ROW])
    assert [(one.name, one.label, one.ours.n) for one in found] == [("gce [bf16]", "gce", 1), ("gce [fp32]", "gce", 2)]
    assert "| gce [bf16] |" in to_markdown(found) and "gce [bf16]" in page([run(), half])
    assert [one.name for one in beside([half], [ROW])] == ["gce"]


def test_two_spellings_are_one_row(run):
    found = beside([run(), replace(run(replicate=1), label="gce(q=0.70)")], [ROW])
    assert [(one.name, one.ours.n) for one in found] == [("gce", 2)]
    assert "gce(q=0.70)" not in page([run(), replace(run(replicate=1), label="gce(q=0.70)")])


def test_a_composition_is_not_what_was_published(run):
    assert beside([replace(run(), method="gce(q=0.7) + sam(rho=0.05)")], [ROW]) == []


def test_the_page_has_them_with_everything_escaped(run):
    html = page([replace(run(), label="<i>gce</i>")])
    assert "Published beside reproduced" in html and "early-learning" in html.lower()
    assert "<i>gce" not in html
    assert "Published beside reproduced" not in page([replace(run(), dataset="digits", setting="digits/symmetric-0.4")])
