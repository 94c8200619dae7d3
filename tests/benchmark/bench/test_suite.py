"""The bench: its gate lets equal loops pass and no others, and its ratios are what was spent."""

import time
from dataclasses import replace

import pytest
import torch

from lnlbench.benchmark.bench import gpu_axes, recording_axis, reference_loop
from lnlbench.benchmark.bench import suite as measure
from lnlbench.benchmark.bench.paired import compare, table
from lnlbench.benchmark.bench.roofline import REFERENCE, WORK, Limits, bound
from lnlbench.benchmark.bench.suite import Bench
from lnlbench.benchmark.bench.workloads import KINDS
from lnlbench.benchmark.engine import optimisers
from lnlbench.benchmark.engine.capture import RECORDERS
from lnlbench.benchmark.engine.device import Compute
from lnlbench.benchmark.engine.models import build
from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.leaderboard.store.store import Store

CPU = Compute(torch.device("cpu"), "fp32")


@pytest.mark.parametrize("kind", ["mlp", "cnn", "cifar-cnn"])
def test_gate_lets_our_loop_pass(kind):
    assert Bench(CPU, 1).gate(KINDS[kind]) <= 1e-12


def test_gate_stops_a_loop_that_differs(monkeypatch):
    def wrong(params, grads, state, lr, weight_decay, momentum):
        optimisers.sgd(params, grads, state, lr * (1 + 1e-9), weight_decay, momentum)

    monkeypatch.setitem(optimisers.OPTIMISERS, "sgd", replace(optimisers.OPTIMISERS["sgd"], plain=wrong))
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
    found = [reference_loop.epoch(model, optimizer, split, test, False, 20, 0, CPU.device) for _ in range(4)]
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


@pytest.mark.slow
def test_recording_is_measured_against_the_same_training(monkeypatch):
    """Both sides make the same runs; what the sweep made is stored, and the other side stores nothing."""
    made = []
    train, swept = recording_axis._train, recording_axis._sweep

    def both(side):
        def call(runs, options):
            made.append((side.__name__, [run.key for run in runs], len(Store(options.store).stored())))
            return side(runs, options)

        return call

    monkeypatch.setattr(
        recording_axis, "GRIDS", {"digits": ("digits/clean", "ce, gce"), "mnist": ("mnist-mlp/clean", "ce")}
    )
    monkeypatch.setattr(recording_axis, "_train", both(train))
    monkeypatch.setattr(recording_axis, "_sweep", both(swept))
    (row,) = measure.bench(["recording"], ["mlp"], device="cpu", rounds=1)["rows"]  # MNIST is not at hand
    assert (row["kind"], row["ours"], row["theirs"]) == ("digits/clean", "without recording", "with recording")
    assert row["core_ratio"] > 0 and row["ours_per_second"] > 0  # which is faster, a busy machine does not say
    alone, sweeping = ([keys for name, keys, _ in made if name == side] for side in ("_train", "_sweep"))
    assert alone == sweeping and alone[0] != alone[1]
    assert [count for name, _, count in made if name == "_sweep"] == [0, 2]
    assert measure.bench(["recording"], ["cnn"], device="cpu", rounds=1)["rows"] == []


TINY = {"mlp": (640, 100), "cnn": (512, 100), "resnet18": (8, 4)}


@pytest.fixture
def tiny(monkeypatch, replays):
    """Let the bench take as few samples as make an epoch, and the CPU replay steps."""
    for name, (train, test) in TINY.items():
        monkeypatch.setitem(KINDS, name, replace(KINDS[name], train=train, test=test))
    monkeypatch.setattr(gpu_axes, "STACKED", {"cpu": (1, 2)})
    monkeypatch.setattr(Bench, "gate", lambda self, kind: 0.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("axis", "kind", "names"),
    [
        ("graph", "mlp", ["graph, fp32", "graph, bf16", "stack of 2, graph"]),
        ("dal", "mlp", ["graph, fp32"]),
        ("bound", "cnn", ["stack of 2, graph"]),
        ("bound", "resnet18", ["graph, fp32"]),
        ("stack", "mlp", ["stack of 1, graph", "stack of 2, graph"]),
        ("diagnostics", "mlp", ["without diagnostics"]),
    ],
)
def test_axes_of_a_gpu_run_on_a_cpu(tiny, axis, kind, names):
    found = measure.bench([axis], [kind], device="cpu", rounds=1)
    assert [row["ours"] for row in found["rows"]] == names
    assert all(row["core_ratio"] > 0 and row["ours_per_second"] > 0 for row in found["rows"])
    assert (found["limits"] is not None) == (axis == "bound")


def test_without_a_recorder_nothing_is_called_a_graph(tiny, monkeypatch):
    monkeypatch.delitem(RECORDERS, "cpu")
    assert measure.bench(["graph"], ["mlp"], device="cpu", rounds=1)["rows"] == []


def test_a_gpu_gets_larger_samples_and_its_memory_a_column():
    assert KINDS["mlp"].on(torch.device("cuda")).train > KINDS["mlp"].on(CPU.device).train == KINDS["mlp"].train
    row = {**dict.fromkeys(("axis", "kind", "ours", "theirs", "target"), "x"), "core_quartiles": (1.0, 1.0)}
    row |= dict.fromkeys(("core_ratio", "wall_ratio", "ours_per_second", "theirs_per_second"), 1.0)
    names = ("machine", "cores", "torch", "python", "load_before", "load_after", "rounds", "peak_memory_mb")
    found = dict.fromkeys(names, "x") | {"gate": {"largest_difference": 0.0, "steps": 1, "bound": 1e-12}}
    head, line, first, *_ = table(found | {"rows": [row | {"gpu_mb": 1234.0}]}).splitlines()
    assert head.endswith("| GPU MB |") and first.endswith("| 1,234 |") and head.count("|") == line.count("|")
    assert "GPU" not in table(found | {"rows": [row | {"gpu_mb": 0.0}]})


def test_the_bound_is_the_one_of_the_reference_and_falls_with_either_limit():
    for work in WORK.values():
        assert bound(work, REFERENCE) == pytest.approx(work.rate)
        slower = [replace(REFERENCE, **{name: getattr(REFERENCE, name) / 2}) for name in ("flops", "bytes")]
        assert all(work.rate / 2 < bound(work, limits) < work.rate for limits in slower)
        assert bound(work, Limits(REFERENCE.flops / 2, REFERENCE.bytes / 2)) == pytest.approx(work.rate / 2)


def test_dals_loop_redraws_at_each_step_and_trains_as_the_naive_one(split_of, monkeypatch):
    split = split_of(samples=40, test=20)
    seen = []
    plain = reference_loop.epoch

    def watched(*args):
        return plain(*args[:-1], lambda *told: (seen.append(told), args[-1](*told)))

    monkeypatch.setattr(reference_loop, "epoch", watched)
    model = build("mlp", 4, split.shape, 0)
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    reference_loop.dal_epoch(model, optimizer, split, (split.images, split.given), False, 8, 0, CPU.device)
    assert [done for done, _ in seen] == [1, 2, 3, 4, 5]
