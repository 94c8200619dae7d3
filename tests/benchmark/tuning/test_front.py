"""Accuracy and cost: the front of a search, what the sampler is told, and which values of methods cost anything."""

import re
import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.tuning import pipeline
from lnlbench.benchmark.tuning.budget import Budget, TuneError
from lnlbench.benchmark.tuning.front import front, fronts, refuse_flat, told_cost
from lnlbench.benchmark.tuning.outcome import FinishedTraining, FinishedTrial, Outcome
from lnlbench.benchmark.tuning.search import search
from lnlbench.leaderboard.store.address import store_address
from lnlbench.methods import parse
from lnlbench.methods._errors import MethodError

SCRIPT = Path(__file__).parents[3] / "docs" / "scripts" / "costs.py"
COST = Budget(trials=12, sampler="tpe", confirm=0, splits=1, cost=True)


@pytest.fixture
def options(url):
    return Options(store=store_address(url), device="cpu", execution="loop")


def plan_of(options, method, epochs=2):
    return pipeline.plan(["digits/symmetric-0.4"], method, "0", {"epochs": epochs}, options)


def spec_of(options, method, epochs=2):
    return plan_of(options, method, epochs).specs[0]


def told_of(spec, *pairs):
    return [
        FinishedTrial(
            i, {"lr": 0.1}, (FinishedTraining(spec.trial(i, None), validation, passes=passes, test=validation),)
        )
        for i, (validation, passes) in enumerate(pairs)
    ]


def test_the_front_is_what_no_other_beats_in_both(options):
    told = told_of(
        spec_of(options, "sln"), (0.5, 30), (0.6, 40), (0.4, 20), (0.45, 35), (0.6, 50), (0.5, 30), (None, 1)
    )
    assert [one.number for one in front(told)] == [2, 0, 1]


def test_what_ended_early_is_not_cheap(options):
    failed, defaults, dear = told_of(spec_of(options, "sln"), (None, 1), (0.5, 8), (0.6, 12))
    assert [told_cost(one, defaults) for one in (failed, defaults, dear)] == [8, 8, 12]
    assert told_cost(failed, failed) == 4, "two passes an epoch, where the defaults failed too"


def test_the_chosen_one_has_a_row_wherever_it_lies(options):
    spec = spec_of(options, "sln")
    outcome = Outcome(spec, COST, tuple(told_of(spec, (0.5, 30), (0.6, 40), (0.6, 20))))
    _, _, *rows = fronts([outcome]).splitlines()
    assert [row.split("|")[2].strip() for row in rows] == ["2", "1 (chosen)"], "ties to the earliest, as ever"


def test_methods_without_a_cost_to_search_for_are_named(options):
    specs = [spec_of(options, method) for method in ("ce", "sln", "gce")]
    with pytest.raises(TuneError, match=r"changes the cost of ce, gce; .*sln.* have one$"):
        refuse_flat(specs, COST)
    refuse_flat(specs[1:2], COST)
    refuse_flat(specs, replace(COST, cost=False))
    with pytest.raises(TuneError, match="--prune and --cost exclude each other"):
        replace(COST, prune=True)


@pytest.mark.slow
def test_a_killed_search_for_both_goes_on_to_the_same_configurations(options, tmp_path):
    spec, seen = spec_of(options, "pes", 4), []

    def interrupt(event):
        if event.kind == "done" and event.key not in seen:
            seen.append(event.key)
            if len(seen) in (3, 11):
                raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            search([spec], COST, options, watch=interrupt)
    found = search([spec], COST, options, watch=interrupt)[spec.name]
    whole = search([spec], COST, options, f"sqlite:///{tmp_path / 'again.db'}")[spec.name]
    assert [(told.values, told.passes) for told in found.trials] == [(t.values, t.passes) for t in whole.trials]
    assert len(seen) == 12 and len({told.passes for told in found.trials}) > 1
    assert {"pareto.svg", "parallel.svg", "importance.svg"} == set(found.plots)
    with pytest.raises(TuneError, match="cost True, not False; --splits 1 --cost goes on with it"):
        search([spec], replace(COST, cost=False), options)

    pipeline.tune(plan_of(options, "pes", 4), COST, options, page=tmp_path / "tuning.md")
    text = (tmp_path / "tuning.md").read_text()
    assert "## digits,epochs=4 by window and cost" in text and " (chosen) |" in text
    (plot,) = re.findall(r"\((figures/\S+-pes-pareto\.svg)\)", text)
    assert (tmp_path / plot).read_bytes().startswith(b"<?xml")


def dear(name):
    """Whether a method answers a hook that may widen a batch, ask for a pass or a gradient, or end a training."""
    return any(parse(name).answers(hook) for hook in ("perturb", "guess", "gradient", "observe", "stop"))


def test_a_method_that_can_ask_for_no_pass_declares_no_cost():
    cheap = {name: parse(name).parts for name in pipeline.trained() if not dear(name)}
    assert len(cheap) > 30
    assert [n for n, parts in cheap.items() for part in parts for span in part.space().values() if span.costs] == []


@pytest.mark.slow
@pytest.mark.parametrize("method", [*filter(dear, pipeline.trained())])
def test_a_value_costs_what_its_method_declares(method):
    """Each declared value changes the passes of a run from the one end of its range to the other, no other does."""
    costs = runpy.run_path(str(SCRIPT))
    spec = costs["spec_of"](method)
    ends = {name: pair for name, *pair in costs["ends"](spec)}
    free = {name: pair for name, pair in ends.items() if not spec.space.ranges[name].costs}
    for name in ends.keys() - free.keys():
        assert len({costs["passes"](spec, {name: end}) for end in ends[name]}) == 2
    try:
        assert len({costs["passes"](spec, {name: pair[i] for name, pair in free.items()}) for i in (0, 1)}) == 1
    except MethodError:  # values that exclude each other
        for name, pair in free.items():
            assert len({costs["passes"](spec, {name: end}) for end in pair}) == 1
