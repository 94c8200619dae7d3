"""OGC: fixed numbers of the clipped loss, and its threshold against a search written out with SciPy and NumPy."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional

from lnlbench.methods import Batch, Task
from lnlbench.methods._mixture import two_normals
from lnlbench.methods.ogc import threshold

CASES = [  # p_y, c, loss, slope by p_y: from the formula
    (0.5, 0.25, 0.6931471806, -2.0),
    (0.25, 0.25, 1.3862943611, -4.0),
    (0.1, 0.25, 1.9862943611, -4.0),
    (0.1, 1e-7, 2.302585093, -10.0),
]


@pytest.mark.parametrize(("p", "c", "loss", "slope"), CASES)
def test_loss_has_the_fixed_numbers(p, c, loss, slope, at_work, clock_at):
    z = math.log(p / (1 - p))
    logits = torch.tensor([[[z, 0.0]]], dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    carried = {"threshold": torch.tensor([c], dtype=torch.float64)}
    found = at_work("ogc").loss(logits, Batch(targets, targets, torch.arange(1), {}, carried=carried), clock_at())
    assert found.item() == pytest.approx(loss, rel=1e-9)
    (gradient,) = torch.autograd.grad(found.sum(), logits)
    assert gradient[0, 0, 0].item() == pytest.approx(slope * p * (1 - p), rel=1e-9)


def ratio(p, means, deviations):
    """The ratio of mean slopes clipped at 1 / p, noisy to clean, on a grid of losses as in the authors' code."""
    grid = np.linspace(0, -math.log(1e-7), 1000)
    clean, noisy = (
        stats.truncnorm.pdf(grid, (0 - m) / s, (grid[-1] - m) / s, m, s) for m, s in zip(means, deviations, strict=True)
    )
    slope = np.minimum(np.exp(grid), 1 / p)
    return (noisy * slope).mean() / (clean * slope).mean() * clean.mean() / noisy.mean()


@pytest.mark.parametrize("bound", [3.0, 1.2, 1.02])
def test_threshold_is_where_the_ratio_of_slopes_meets_the_bound(bound):
    means, deviations = (0.3, 3.0), (0.3, 1.2)
    as_tensor = [torch.tensor(x, dtype=torch.float64).view(2, 1, 1) for x in (means, deviations)]
    found = threshold(*as_tensor, torch.tensor(bound, dtype=torch.float64)).item()
    assert ratio(found - 1 / 1024, means, deviations) > bound > ratio(found + 1 / 1024, means, deviations)


def test_mixture_finds_two_normals():
    drawn = np.random.default_rng(0)
    losses = np.concatenate([drawn.normal(0.5, 0.1, 3000), drawn.normal(3.0, 0.5, 1000)])
    means, deviations = two_normals(torch.tensor(losses).expand(2, -1))
    assert means[:, 0, 0].tolist() == pytest.approx([0.5, 3.0], abs=0.05)
    assert deviations[:, 1, 0].tolist() == pytest.approx([0.1, 0.5], abs=0.05)


def test_nothing_is_clipped_before_the_queue_is_full(at_work, clock_at):
    method, targets = at_work("ogc"), functional.one_hot(torch.arange(32) % 4, 4).double()
    carried = method.carry(Task(targets.repeat(3, 1), 1, {}))
    assert carried["queue"].shape == (1, 96), "a queue as long as a small training set"
    seen = []
    for step in range(4):
        drawn = torch.randn(1, 32, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(step))
        logits = drawn + 4 * targets * (torch.arange(32) < 20).unsqueeze(-1)
        batch = Batch(targets, targets, torch.arange(32), {}, carried=carried)
        carried = method.remember(logits, batch, clock_at(step=step))
        seen.append(carried["threshold"].item())
        last = -(targets * logits.log_softmax(-1)).sum(-1)
        assert torch.allclose(carried["queue"][:, -32:], last)
    assert seen[:2] == [1e-7, 1e-7] and min(seen[2:]) > 1e-3
