"""The bench: its gate lets equal loops pass and no others, and its ratios are what was spent."""

import time

import pytest
import torch

from lnlbench.benchmark import bench as measure
from lnlbench.benchmark import naive, optimiser, recorded
from lnlbench.benchmark.bench import KINDS, Bench
from lnlbench.benchmark.execution import Execution
from lnlbench.benchmark.models import build
from lnlbench.benchmark.rounds import compare, table
from lnlbench.benchmark.settings import SettingError
from lnlbench.leaderboard.store import Store

CPU = Execution(torch.device("cpu"), "fp32")


@pytest.mark.parametrize("kind", ["mlp", "cnn", "cifar-cnn"])
def test_gate_lets_our_loop_pass(kind):
    assert Bench(CPU, 1).gate(KINDS[kind]) <= 1e-12


def test_gate_stops_a_loop_that_differs(monkeypatch):
    def wrong(params, grads, state, lr, weight_decay, momentum):
        optimiser.sgd(params, grads, state, lr * (1 + 1e-9), weight_decay, momentum)

    monkeypatch.setitem(optimiser.OPTIMISERS, "sgd", wrong)
    with pytest.raises(AssertionError, match="parameters differ by"):
        Bench(CPU, 1).gate(KINDS["mlp"])


def busy(seconds):
    def work():
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        return 10

    return work


def test_ratio_is_cost_of_theirs_over_cost_of_ours():
    row = compare("axis", "kind", busy(0.02), busy(0.08), "a", "b", threads=(1, 1), rounds=3, finish=lambda: None)
    assert row.core_ratio == pytest.approx(4, rel=0.2)
    assert row.core_quartiles[0] <= row.core_ratio <= row.core_quartiles[1]


def test_naive_loop_learns(split_of):
    torch.manual_seed(0)
    split = split_of(samples=400, test=100)
    model = build("mlp", 4, split.shape, 0)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, 0.9)
    test = (split.images, split.given)
    found = [naive.epoch(model, optimizer, split, test, False, 20, 0, CPU.device) for _ in range(4)]
    assert found[-1] > 0.6


def test_rows_and_table_of_a_small_bench():
    found = measure.bench(["step"], ["mlp"], device="cpu", rounds=1)
    assert [row["axis"] for row in found["rows"]] == ["step"]
    assert "| step | mlp | loop, fp32 | torch parts, fp32 |" in table(found)
    assert found["gate"]["largest_difference"] <= found["gate"]["bound"]


@pytest.mark.parametrize(("axes", "kinds"), [(["inputs"], []), ([], ["mpl"])])
def test_unknown_names_are_refused(axes, kinds):
    with pytest.raises(SettingError, match="bench knows no"):
        measure.bench(axes, kinds, device="cpu")


def test_recording_is_measured_against_the_same_training(monkeypatch):
    """Both sides make the same runs; what the sweep made is stored, and the other side stores nothing."""
    made = []
    train, swept = recorded._train, recorded._sweep

    def both(side):
        def call(runs, options):
            made.append((side.__name__, [run.key for run in runs], len(Store(options.tracking_uri).stored())))
            return side(runs, options)

        return call

    monkeypatch.setattr(recorded, "GRIDS", {"digits": ("digits/clean", "ce, gce"), "mnist": ("mnist-mlp/clean", "ce")})
    monkeypatch.setattr(recorded, "_train", both(train))
    monkeypatch.setattr(recorded, "_sweep", both(swept))
    (row,) = measure.bench(["recording"], ["mlp"], device="cpu", rounds=1)["rows"]  # MNIST is not at hand
    assert (row["kind"], row["ours"], row["theirs"]) == ("digits/clean", "without recording", "with recording")
    assert row["core_ratio"] > 1 and row["ours_per_second"] > row["theirs_per_second"]
    alone, sweeping = ([keys for name, keys, _ in made if name == side] for side in ("_train", "_sweep"))
    assert alone == sweeping and alone[0] != alone[1]
    assert [count for name, _, count in made if name == "_sweep"] == [0, 2]
    assert measure.bench(["recording"], ["cnn"], device="cpu", rounds=1)["rows"] == []
