"""The full diagnostics: they change no other number, whoever trains, and their own are what the theory expects."""

import math

import pytest
import torch

from lnlbench.benchmark.engine.device import choose_compute
from lnlbench.benchmark.engine.job import Job
from lnlbench.benchmark.protocol import settings, splits
from lnlbench.benchmark.runs.diagnostics import Diagnostics, DiagnosticsError
from lnlbench.benchmark.runs.training import train_runs
from lnlbench.benchmark.sweep.grid import grid, plan
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.worker import _how
from lnlbench.datasets.loading.images import load

SETTING = settings.setting("digits/symmetric-0.4").override(epochs=3)
ADDED = {
    "kernel_alignment_given", "kernel_alignment_true", "kernel_distance", "seconds_diagnostics", "segment_cosine",
    "segment_gradient_correct", "segment_gradient_wrong", "segment_ratio", "stable_rank_first", "stable_rank_last",
    "stable_rank_mean",
}  # fmt: skip


@pytest.fixture(scope="module")
def prepared():
    return splits.prepare(SETTING, 0, load("digits"))


@pytest.mark.parametrize(
    ("method", "model", "how"),
    [
        pytest.param("ce", "mlp", "loop", id="one network"),
        pytest.param("co_teaching", "mlp", "stack", id="two networks, stacked"),
        pytest.param("ema", "cnn4", "loop", id="averaged weights, BatchNorm"),
    ],
)
def test_they_add_curves_and_change_none(prepared, method, model, how):
    (run,) = plan([SETTING.override(model=model)], [method], [0])
    results = []
    for full in (False, True):
        kind = {"device": "cpu", "execution": how, "diagnostics": full}
        results.append(next(train_runs([(run, prepared)], **kind))[1])
    plain, full = results
    same = [name for name in plain.curves if not name.startswith("seconds")]
    assert {name: full.curves[name] for name in same} == {name: plain.curves[name] for name in same}
    assert plain.predictions == full.predictions and plain.key == full.key and plain.report == full.report
    assert full.curves.keys() - plain.curves.keys() == ADDED
    assert [value is None for value in full.curves["segment_ratio"]] == [False, False, False]  # 1, 2 and the last
    assert all(math.isfinite(value) for name in ADDED for value in full.curves[name])
    spent = full.cost["diagnostics_seconds"]
    assert spent > 0 and full.cost["total_seconds"] > spent and "diagnostics_seconds" not in plain.cost
    assert full.identity["diagnostics"]["samples"] == 1293 and "diagnostics" not in plain.identity


def test_the_start_and_what_follows_are_as_the_theory_says(prepared):
    (run,) = plan([SETTING], ["ce"], [0])
    job = Job(run.setting, run.method, 0, prepared.split)
    found = Diagnostics(job, prepared, choose_compute("cpu", "fp32"))
    assert found.start["kernel_distance"] == pytest.approx(0, abs=1e-12)
    assert 0.6 < found.start["segment_ratio"] / (9 * 0.6 / 0.4) < 1.4  # f is near 1/10, not equal
    assert found.start["segment_cosine"] < -0.8
    kind = {"device": "cpu", "diagnostics": True}
    ((_, result),) = train_runs([(run, prepared)], **kind)
    assert result.curves["segment_ratio"][-1] < found.start["segment_ratio"] / 2
    assert result.curves["kernel_distance"][-1] > 1e-4
    assert result.curves["kernel_alignment_true"][-1] > result.curves["kernel_alignment_given"][-1]


def test_true_labels_are_read_from_the_truth_alone(prepared):
    """With other true labels the diagnostics differ and everything that training tells is the same."""
    from dataclasses import replace

    (run,) = plan([SETTING.override(epochs=1)], ["ce"], [0])
    truth = replace(prepared.truth, train=torch.roll(prepared.truth.train, 1))
    kind = {"device": "cpu", "diagnostics": True}
    (_, one), (_, two) = (next(train_runs([(run, x)], **kind)) for x in (prepared, replace(prepared, truth=truth)))
    assert one.curves["segment_ratio"] != two.curves["segment_ratio"]
    assert one.curves["objective"] == two.curves["objective"] and one.predictions == two.predictions


def test_options_carry_them_and_unknown_lengths_are_refused():
    assert _how(Options(diagnostics="full"))["diagnostics"] is True and "diagnostics" not in _how(Options())
    with pytest.raises(DiagnosticsError, match="unknown diagnostics 'all'; known: basic, full"):
        grid(["digits/clean"], "ce", "0", {}, Options(diagnostics="all"))
