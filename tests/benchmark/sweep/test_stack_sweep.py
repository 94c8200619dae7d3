"""Sweeps in stacks: on a real store, the same results as one by one; a run that fails takes no other with it."""

import shutil

import pytest

from lnlbench.benchmark.engine.device import ExecutionError
from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import sweep
from lnlbench.benchmark.sweep.worker import groups
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods import Method, register
from lnlbench.methods import _registry as registry
from lnlbench.methods.base import cross_entropy

FP64 = {"precision": "fp64"}  # in which stacks and single runs agree to many digits
TARGETS = ["digits/symmetric-0.4", "digits/asymmetric-0.4"]


@pytest.fixture
def options(url):
    def make(execution, **more):
        return Options(store=store_address(url), device="cpu", execution=execution, **more)

    return make


def results(runs, options):
    store = Store(options.store)
    return [store.result(run.key) for run in runs]


@pytest.fixture
def reference(template, tmp_path):
    """Give the results of the same runs, made one by one in a store of their own."""

    def make(runs):
        shutil.copy(template, tmp_path / "reference.db")
        apart = Options(
            store=store_address(f"sqlite:///{tmp_path / 'reference.db'}"),
            device="cpu",
            execution="loop",
        )
        assert not sweep(runs, apart).failed
        return results(runs, apart)

    return make


@pytest.mark.slow
def test_a_sweep_in_stacks_gives_the_results_of_one_by_one(options, reference):
    chosen = options("stack")
    runs = grid(
        TARGETS, "gce, gce(q=0.3), sam, gce + early_stopping", "0,1", {"epochs": 3, "model": "mlp"}, chosen, **FP64
    )
    seen = []
    report = sweep(runs, chosen, lambda event: seen.append((event.kind, event.key, event.epoch)))
    assert sorted(report.done) == sorted(run.key for run in runs) and not report.failed
    trained = [run for run in runs if run.host is None]
    assert all(seen.count(("epoch", run.key, epoch)) == 1 for run in trained for epoch in range(3))
    for ours, theirs in zip(results(runs, chosen), reference(runs), strict=True):
        assert (ours.predictions, ours.report, ours.diverged) == (theirs.predictions, theirs.report, theirs.diverged)
        assert theirs.environment["execution"] == "loop" and theirs.environment["stacked"] == 0
        assert ours.environment["execution"] == "stack" and ours.environment["stacked"] > 1
        assert ours.curves.keys() == theirs.curves.keys()
        for name in ours.curves.keys() - {"seconds_train", "seconds_evaluate"}:
            assert ours.curves[name] == pytest.approx(theirs.curves[name], abs=1e-9), name
    again = sweep(runs, chosen)
    assert sorted(again.stored) == sorted(run.key for run in runs) and not again.done


@pytest.fixture
def picky():
    """Register a method that refuses one value of its hyper-parameter, and only when it starts."""

    @register("picky")
    class Picky(Method):
        """Cross-entropy, times a number."""

        scale: float = 1.0

        def start(self, task):
            if self.scale == 2.0:
                raise ValueError("2 is not to my taste")
            return {}

        def loss(self, logits, batch, clock):
            return self.scale * cross_entropy(logits, batch.targets)

    yield
    del registry._METHODS["picky"]


@pytest.mark.slow
def test_a_run_that_fails_takes_no_other_with_it(options, picky):
    chosen = options("stack")
    runs = grid(TARGETS[:1], "picky, picky(scale=2.0), picky(scale=3.0)", "0", {"epochs": 1}, chosen)
    report = sweep(runs, chosen)
    assert report.failed == {runs[1].key: "ValueError: 2 is not to my taste"}
    assert sorted(report.done) == sorted([runs[0].key, runs[2].key])


def test_a_run_that_another_owner_works_on_is_left_out_of_the_stack(options):
    chosen = options("stack")
    runs = grid(TARGETS[:1], "ce, gce, gce(q=0.3), gce(q=0.2)", "0", {"epochs": 1}, chosen)
    store = Store(chosen.store)
    store.claim(runs[2].key, "someone else")
    seen = []

    def watch(event):
        seen.append(event.key)
        if event.kind == "done" and event.key == runs[3].key:
            store.claims.release(runs[2].key, "someone else")

    report = sweep(runs, chosen, watch)
    assert len(report.done) == 4 and seen[-1] == runs[2].key
    stacked = [result.environment["stacked"] for result in results(runs, chosen)]
    assert stacked == [1, 2, 1, 2]


def test_an_unknown_execution_is_refused_before_anything_is_made(options):
    with pytest.raises(ExecutionError, match="unknown execution 'lop'; did you mean 'loop'"):
        sweep([], options("lop"))


def test_stacks_leave_work_for_every_process_and_readings_apart(options):
    runs = grid(TARGETS, "gce, gce(q=0.3), sam, gce + early_stopping", "0,1", {"epochs": 3}, options("stack"))

    def sizes(chosen, alone=(), workers=1):
        return [len(group) for group in groups(runs, set(alone), chosen, workers)]

    assert sizes(options("stack")) == [4 + 4, 4, *[1] * 4]
    assert sizes(options("stack"), workers=4) == [4, 4, 4, *[1] * 4]
    assert sizes(options("stack"), [runs[0].key]) == [1, 7, 4, *[1] * 4]
    assert sizes(options("loop")) == [1] * 16
    assert sizes(options("auto")) == [8, *[1] * 8], "on a CPU, four do not pay"
