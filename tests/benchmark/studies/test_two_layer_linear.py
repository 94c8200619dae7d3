"""The linear network's step: autograd, the paper's exact identities, and its width, which costs nothing."""

import numpy as np
import pytest
import torch

from lnlbench.benchmark.studies.simulators.two_layer_linear import (
    Sizes,
    draw_runs,
    effective,
    first,
    neurons,
    simulate,
    step,
)

SIZES = Sizes(m=30, d=5, n=40, eta=1e-2, steps=300, every=100)


@pytest.fixture
def start():
    runs = draw_runs([1, 2], SIZES, [2.0, 2.0], [0.0, 0.0])
    draw = np.random.default_rng(9)
    return runs.a, runs.W, draw.standard_normal((2, 5)), draw.standard_normal(2)


@pytest.mark.parametrize("rho", [None, 0.0, 0.3], ids=["SGD", "SAM with rho = 0", "SAM"])
def test_a_step_is_autograds(start, rho):
    a, W, x, target = start
    new_a, new_W = step(a, W, x, target, 0.01, None if rho is None else np.full(2, rho))
    for run in range(2):
        at = [torch.tensor(v[run], requires_grad=True) for v in (a, W)]

        def gradient(params, run=run):
            loss = 0.5 * (params[0] @ params[1] @ torch.tensor(x[run]) - target[run]) ** 2
            return torch.autograd.grad(loss, params)

        grads = gradient(at)
        if rho:
            norm = torch.cat([g.flatten() for g in grads]).norm()
            grads = gradient([(p + rho * g / norm).detach().requires_grad_() for p, g in zip(at, grads, strict=True)])
        np.testing.assert_allclose(new_a[run], (at[0] - 0.01 * grads[0]).detach(), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(new_W[run], (at[1] - 0.01 * grads[1]).detach(), rtol=1e-12, atol=1e-15)


def test_sam_stands_still_where_the_gradient_is_zero():
    a, W, x = np.zeros((1, 4)), np.zeros((1, 4, 3)), np.ones((1, 3))
    new_a, new_W = step(a, W, x, np.zeros(1), 0.1, np.array([0.5]))
    assert not new_a.any() and not new_W.any()


def test_balance_identity(start):
    """|w_i|² - a_i² changes by exactly -eta² g² [(x·w_i)² - a_i² |x|²]."""
    a, W, x, target = start
    eta = 0.05
    new_a, new_W = step(a, W, x, target, eta)
    h = np.einsum("rkd,rd->rk", W, x)
    g = (a * h).sum(-1, keepdims=True) - target[:, None]
    change = (new_W**2).sum(-1) - new_a**2 - ((W**2).sum(-1) - a**2)
    expected = -(eta**2) * g**2 * (h**2 - a**2 * (x**2).sum(-1, keepdims=True))
    np.testing.assert_allclose(change, expected, atol=1e-15)


def test_oscillation_identity(start):
    """(a_i(t+1) - a_i(t))² = eta² g² (x·w_i)²; the paper prints it without eta²."""
    a, W, x, target = start
    new_a, _ = step(a, W, x, target, 0.05)
    h = np.einsum("rkd,rd->rk", W, x)
    g = (a * h).sum(-1, keepdims=True) - target[:, None]
    np.testing.assert_allclose((new_a - a) ** 2, 0.05**2 * g**2 * h**2, atol=1e-15)


@pytest.mark.parametrize("rho", [None, 0.2], ids=["SGD", "SAM"])
def test_few_effective_neurons_take_the_steps_of_all(rho):
    runs = draw_runs([3, 4], SIZES, [2.0, 1.0], [0.0, 0.0])
    radius = None if rho is None else np.full(2, rho)
    a, W = runs.a, runs.W
    begin = now = effective(a, W)
    assert now[0].shape == (2, 6)
    draw = np.random.default_rng(5)
    for _ in range(200):
        x, target = draw.standard_normal((2, 5)), draw.standard_normal(2)
        a, W = step(a, W, x, target, 0.02, radius)
        now = step(*now, x, target, 0.02, radius)
    found_a, found_W = neurons(begin, now, runs.a, runs.W)
    np.testing.assert_allclose(found_a, a, rtol=0, atol=1e-11)
    np.testing.assert_allclose(found_W, W, rtol=0, atol=1e-11)


def test_the_log_is_of_the_explicit_network():
    runs = draw_runs([7], SIZES, [1.0], [0.0])
    trace = simulate(runs, SIZES)
    again = draw_runs([7], SIZES, [1.0], [0.0])
    a, W = again.a, again.W
    for _ in range(3):
        index = again.draws[0].integers(SIZES.n, size=100)
        coin = again.draws[0].integers(2, size=100) * 2.0 - 1
        for i, c in zip(index, coin, strict=True):
            x = again.x[:, i]
            old, (a, W) = a, step(a, W, x, (x * again.theta).sum(-1) + c, SIZES.eta)
    norm = np.linalg.norm(W[0], axis=-1)
    assert list(trace.steps) == [0, 100, 200, 300]
    assert trace.numbers["norm"][-1, 0] == pytest.approx(norm.mean(), rel=1e-10)
    assert trace.numbers["increments"][-1, 0] == pytest.approx((a - old).std(), rel=1e-8)
    assert trace.numbers["stable_rank"][-1, 0] == pytest.approx(
        (norm**2).sum() / np.linalg.norm(W[0], 2) ** 2, rel=1e-10
    )
    np.testing.assert_allclose(trace.norm[-1], norm, rtol=1e-9)


def test_noise_is_off_where_it_is_told():
    runs = draw_runs([7, 7], SIZES, [5.0, 0.0], [0.0, 0.0])
    trace = simulate(runs, SIZES, noisy=lambda steps: steps < 0)
    np.testing.assert_array_equal(trace.numbers["norm"][:, 0], trace.numbers["norm"][:, 1])


def test_first():
    trace = simulate(draw_runs([0, 0], SIZES, [0.0] * 2, [0.0] * 2), SIZES)
    condition = np.array([[False, False], [False, False], [True, False], [False, False]])
    found = first(trace, condition)
    assert found[0] == 200 and np.isnan(found[1])
