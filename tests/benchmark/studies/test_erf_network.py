"""The erf network in the coordinates of its images: autograd on whole images, the kernel, and the linearisation."""

import numpy as np
import pytest
import torch

from lnlbench.benchmark.studies.e002_5 import LazyRich, _excess, _noise
from lnlbench.benchmark.studies.simulators.erf_network import (
    gradient,
    kernel,
    kernel_distance,
    linearised,
    output,
    problem,
    train,
)

N, D, H, C = 6, 40, 16, 3


@pytest.fixture
def given():
    draw = np.random.default_rng(0)
    x, test = draw.standard_normal((N, D)), draw.standard_normal((N, D))
    y = np.eye(C)[draw.integers(C, size=N)]
    return x, test, y, problem(np.random.default_rng(1), x, test, y, y, H)


def jacobian(params, x):
    """Of all outputs, by autograd: [N C, parameters]."""
    leaves = [torch.tensor(p, requires_grad=True) for p in params]
    f = torch.erf(torch.tensor(x) @ leaves[0] + leaves[1]) @ leaves[2] + leaves[3]
    rows = [torch.autograd.grad(value, leaves, retain_graph=True) for value in f.flatten()]
    return torch.stack([torch.cat([g.flatten() for g in row]) for row in rows]).numpy()


def test_the_gradient_is_autograds(given):
    *_, y, small = given
    residual = (output(small.start, small.x) - y).ravel() / y.size
    found = np.concatenate([g.ravel() for g in gradient(small.start, small.x, y)])
    np.testing.assert_allclose(found, residual @ jacobian(small.start, small.x), rtol=1e-10, atol=1e-14)


def test_the_kernel_is_the_jacobians(given):
    small = given[-1]
    left, right = jacobian(small.start, small.x), jacobian(small.start, small.test)
    np.testing.assert_allclose(kernel(small.start, small.x, small.test), left @ right.T, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.2], ids=["GD", "SAM"])
def test_training_in_coordinates_is_training_on_images(given, rho):
    x, test, y, small = given
    draw = np.random.default_rng(1)  # as the simulator draws
    W = torch.tensor(draw.standard_normal((D, H)) / np.sqrt(D))
    v = draw.standard_normal((H, C)) / np.sqrt(H)
    b, c = draw.standard_normal(H), draw.standard_normal(C)
    order = [W, *map(torch.tensor, (b, v, c))]
    np.testing.assert_allclose(small.start[1], b)
    inputs, targets = torch.tensor(x), torch.tensor(y)

    def grads(params):
        leaves = [p.detach().requires_grad_() for p in params]
        f = torch.erf(inputs @ leaves[0] + leaves[1]) @ leaves[2] + leaves[3]
        return torch.autograd.grad(((f - targets) ** 2).mean() / 2, leaves)

    for _ in range(30):
        found = grads(order)
        if rho:
            norm = torch.cat([g.flatten() for g in found]).norm()
            found = grads([p + rho * g / norm for p, g in zip(order, found, strict=True)])
        order = [p - 0.1 * g for p, g in zip(order, found, strict=True)]
    trace = train(small, lambda step: y, 0.1, 30, 10, rho)
    f = torch.erf(torch.tensor(test) @ order[0] + order[1]) @ order[2] + order[3]
    assert trace.test[-1] == pytest.approx(float(((f - targets) ** 2).mean() / 2), rel=1e-10)
    assert trace.norm[-1] == pytest.approx(float(order[0].norm(dim=0).mean()), rel=1e-10)


def test_the_linearisation_is_the_network_for_a_short_time_and_solves_its_least_squares(given):
    *_, y, small = given
    net, line = (how(small, lambda step: y, 1e-6, 10, 10) for how in (train, linearised))
    np.testing.assert_allclose(net.train, line.train, rtol=1e-8)
    np.testing.assert_allclose(net.test, line.test, rtol=1e-8)
    assert linearised(small, lambda step: y, 0.3, 4000, 4000).train[-1] < 1e-6


def test_kernel_distance_is_zero_at_the_start_and_not_later(given):
    *_, y, small = given
    assert kernel_distance(small, small.start) == pytest.approx(0, abs=1e-14)
    assert kernel_distance(small, train(small, lambda step: y, 0.5, 100, 100).end) > 1e-4


def test_the_plateau_under_noise_is_that_of_shrunken_targets_and_of_the_step_size(given):
    *_, y, small = given
    top = np.linalg.eigvalsh(kernel(small.start, small.x, small.x))[-1]
    config = LazyRich(lr=y.size / top, p=0.5)  # the fastest direction is reached in one step
    trace = linearised(small, _noise(config, y, 0), config.lr, 20_000, 10)
    shrunken = config.p**2 * (C - 1) / C**2 / 2
    excess = trace.train[len(trace.train) // 2 :].mean() - shrunken
    assert excess == pytest.approx(_excess(config, small), rel=0.15)
