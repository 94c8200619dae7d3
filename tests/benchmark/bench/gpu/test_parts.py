"""The parts of the plan on a CPU that replays steps by taking them once more, and the costs that are stated."""

from dataclasses import replace

import pytest

from lnlbench.benchmark.bench.gpu import equality as equal
from lnlbench.benchmark.bench.gpu.cells import cell
from lnlbench.benchmark.bench.gpu.grid_rate import rate
from lnlbench.benchmark.bench.gpu.kernels import kernels
from lnlbench.benchmark.bench.gpu.part import Finding, Place, Record, Table
from lnlbench.benchmark.bench.gpu.parts import FULL, REHEARSAL, Grid, chosen_groups, parts
from lnlbench.benchmark.bench.gpu.rates import axis
from lnlbench.benchmark.engine import optimisers
from lnlbench.benchmark.protocol.settings import setting
from lnlbench.leaderboard.results.result import from_json
from lnlbench.methods import parse

CPU = Place("cpu")


@pytest.mark.usefixtures("replays")
@pytest.mark.parametrize(("execution", "runs", "how"), [("graph", 1, "replayed, not"), ("stack", 2, "step by step, 2")])
def test_executions_equal_loop(execution, runs, how):
    (found,) = equal.equality(CPU, "mlp", "sam", execution, runs, 160)
    assert found.value <= equal.CLOSE and found.said == f"equal; {how} stacked"


def test_an_execution_that_differs_is_called_different(monkeypatch, replays):
    def wrong(params, grads, state, lr, weight_decay, momentum):
        optimisers.sgd(params, grads, state, lr * 1.01, weight_decay, momentum)

    monkeypatch.setitem(optimisers.OPTIMISERS, "sgd", replace(optimisers.OPTIMISERS["sgd"], replayed=wrong))
    (found,) = equal.equality(CPU, "mlp", "ce", "graph", 1, 160)
    assert found.value > equal.CLOSE and found.said.startswith("DIFFERENT")


@pytest.mark.usefixtures("replays")
def test_kernels_are_listed_for_both_ways():
    found = list(kernels(CPU, "mlp"))
    assert [one.what.split(":")[0] for one in found if isinstance(one, Finding)] == [
        "mlp, loop, bf16",
        "mlp, graph, bf16",
    ]
    assert "## mlp, graph, bf16" in next(one.text for one in reversed(found) if isinstance(one, Table))


@pytest.mark.usefixtures("replays")
def test_a_rate_is_of_all_runs_together_and_reckons_all_epochs():
    grid = Grid((300, 60), epochs=10, replicates=1, noises=2, seconds=0.01)
    (found,) = rate(CPU, "ce", grid)
    assert found.what == "ce, 2 runs of 10 epochs" and found.total and "in 2 epochs" in found.said and found.value > 0


@pytest.mark.usefixtures("replays")
def test_an_axis_gives_each_row_with_both_rates():
    rows = list(axis(CPU, "graph", "mlp", (640, 100), 1))
    assert [row.what for row in rows][:2] == [
        "mlp: graph, fp32 against loop, fp32",
        "mlp: graph, bf16 against loop, bf16",
    ]
    assert all(row.value > 0 and "images/s" in row.said and row.details["axis"] == "graph" for row in rows)


@pytest.mark.usefixtures("replays")
def test_a_cell_is_replayed_where_the_device_can():
    record, found = cell(CPU, "digits/symmetric-0.4", "gce", 1, {"epochs": 2})
    assert isinstance(record, Record)
    result = from_json(record.json)
    assert (result.label, result.replicate, result.environment["execution"]) == ("gce", 1, "graph")
    assert found.value == pytest.approx(100 * result.curves["test_accuracy"][-1])


def test_the_plan_asks_in_the_order_of_worth_and_fits_into_its_stated_costs():
    asked = parts(FULL)
    assert list(dict.fromkeys(part.group for part in asked)) == [
        "machine",
        "equal",
        "rate",
        "stack",
        "grid",
        "cell",
        "kernels",
    ]
    assert len({part.name for part in asked}) == len(asked)
    cost = {
        group: sum(part.cost for part in asked if part.group == group) for group in ("equal", "rate", "stack", "grid")
    }
    assert cost == {"equal": 60, "rate": 90, "stack": pytest.approx(45, abs=1), "grid": pytest.approx(55, abs=1)}
    first = [part.name for part in asked if part.group == "cell"][:4]
    assert first == [
        *(f"cell/paper-apl/symmetric-0.4/{method}/0" for method in ("ce", "gce", "nce_rce")),
        "cell/cifar10-fast/human-worst/ce/0",
    ]
    assert next(part.needs for part in asked if part.group == "cell") == ("cifar10",)
    assert {part.group for part in chosen_groups(asked, ["rate", "cell"])} == {"rate", "cell"}
    assert chosen_groups(asked, None) == asked
    for cells in FULL.cells:
        assert setting(cells.target).dataset == "cifar10" and all(str(parse(text)) for text in cells.methods)
    assert len(parts(replace(REHEARSAL, replicates=1))) < len(parts(REHEARSAL))
