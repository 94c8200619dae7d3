"""Execution `stack` against `loop`: the same numbers for every method, whatever becomes of the neighbours."""

from dataclasses import dataclass, fields, replace

import pytest
import torch

from lnlbench.benchmark import fit, train
from lnlbench.methods import methods, parse
from lnlbench.methods.base import Method, cross_entropy

FP64 = {"device": "cpu", "precision": "fp64"}
STACK = {"execution": "stack", **FP64}
NAMES = [*methods(), "gce + sam + early_stopping", "dal + label_noise_sgd"]
CLOSE = 1e-11
TIMED = ("train_seconds", "evaluate_seconds", "state", "stacked")


def other(method):
    """The method with all its floats moved a little, inside their ranges."""
    parts = []
    for part in method.parts:
        moved = {}
        for name, span in part.space().items():
            value = getattr(part, name)
            if span.choices is not None:
                moved[name] = span.choices[-1]
            elif isinstance(value, float):
                moved[name] = (value + span.high) / 2
        parts.append(replace(part, **moved))
    return replace(method, parts=tuple(parts))


@pytest.fixture
def jobs_of(job_of, split_of):
    """Make four jobs of a method: two replicates, each with data of its own, times two settings of every number."""

    def make(text, **changes):
        found = []
        for replicate in (0, 1):
            job = job_of(text, split_of(seed=replicate), replicate, **{"epochs": 2} | changes)
            setting = replace(job.setting, lr=job.setting.lr / 2, weight_decay=0.0, momentum=0.5, schedule="constant")
            found += [job, replace(job, setting=setting, method=other(job.method))]
        return found

    return make


def together(jobs, **options):
    """Train a stack: the epochs of each job, in the order of the jobs."""
    found = [[] for _ in jobs]
    for job, epoch in train(jobs, **{**STACK, **options}):
        next(mine for mine, one in zip(found, jobs, strict=True) if one is job).append(epoch)
    return found


def same(a, b, path="", close=CLOSE):
    """Assert that two values are equal, numbers within a tolerance, times apart."""
    if isinstance(a, torch.Tensor):
        assert a.shape == b.shape and a.dtype == b.dtype, path
        assert torch.allclose(a, b, rtol=0, atol=close, equal_nan=True), (path, (a - b).abs().max())
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), path
        for name in a:
            same(a[name], b[name], f"{path}.{name}", close)
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), path
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            same(x, y, f"{path}[{i}]", close)
    elif hasattr(a, "__dict__") and not callable(a):
        assert type(a) is type(b), path
        same(
            {n: v for n, v in vars(a).items() if n not in TIMED},
            {n: v for n, v in vars(b).items() if n not in TIMED},
            path,
            close,
        )
    elif isinstance(a, float):
        assert a == pytest.approx(b, abs=close, nan_ok=True), path
    else:
        assert a == b, path


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("model", ["mlp", "cnn4"])
@pytest.mark.parametrize("text", NAMES)
def test_stack_equals_loop(jobs_of, text, model, optimizer):
    jobs = jobs_of(
        text, model=model, optimizer=optimizer, augment=model == "cnn4", lr=0.05 if optimizer == "sgd" else 0.005
    )
    for job, found in zip(jobs, together(jobs), strict=True):
        assert {epoch.stacked for epoch in found} == {4}
        for ours, reference in zip(found, fit(job, **FP64), strict=True):
            same(reference, ours)
        same(reference.state(), ours.state())
