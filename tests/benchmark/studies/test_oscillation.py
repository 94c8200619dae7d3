"""The chain of E002-2, and the first layer under it: gradient descent, and frozen where nothing moves."""

import numpy as np
import pytest
import torch

from lnlbench.benchmark.studies.simulators.oscillation import jump, simulate
from lnlbench.benchmark.studies.simulators.two_layer_linear import Sizes

SIZES = Sizes(m=6, d=3, n=20, eta=1e-2, steps=40, every=10)


@pytest.mark.parametrize(
    ("a", "coin", "after"),
    [
        pytest.param(0.5, 1, 0.0, id="from above to nothing"),
        pytest.param(-0.5, -1, 0.0, id="from below to nothing"),
        pytest.param(0.0, 1, 0.5, id="up"),
        pytest.param(0.0, -1, -0.5, id="down"),
    ],
)
def test_jumps(a, coin, after):
    assert jump(np.array(a), 0.5, np.array(coin)) == after


def test_the_stationary_second_moment_is_half_the_square_of_the_amplitude():
    draw, a, found = np.random.default_rng(0), np.zeros(1000), []
    for _ in range(200):
        a = jump(a, 0.3, draw.choice([-1, 1], 1000))
        found.append((a**2).mean())
    assert np.mean(found) == pytest.approx(0.3**2 / 2, rel=1e-9)  # every weight is at 0 every second step


def test_the_first_layer_follows_the_gradient_of_the_mean_loss():
    """By autograd, with the second layer of the chain."""
    trace = simulate([5], SIZES)
    draw = np.random.default_rng(5)
    W = torch.tensor(draw.standard_normal((6, 3)) / np.sqrt(3))
    direction, x = draw.standard_normal(3), torch.tensor(draw.standard_normal((20, 3)))
    theta = torch.tensor(direction / np.linalg.norm(direction))
    amplitude = SIZES.eta**0.25
    a = draw.choice([amplitude, -amplitude, 0.0, 0.0], 6)
    for _ in range(4):
        for coin in draw.integers(2, size=(10, 6), dtype=np.int8) * 2.0 - 1:
            W = W.requires_grad_()
            loss = 0.5 * ((x @ (W.T @ torch.tensor(a)) - x @ theta) ** 2).mean()
            W = (W - SIZES.eta * torch.autograd.grad(loss, W)[0]).detach()
            a = jump(a, amplitude, coin)
    np.testing.assert_allclose(trace.norm[-1], W.norm(dim=-1), rtol=1e-12)


def test_without_jumps_the_second_layer_follows_its_gradient_too():
    sizes = Sizes(m=50, d=3, n=60, eta=1e-2, steps=3000, every=3000)
    trace = simulate([1], sizes, noisy=lambda step: False)
    assert trace.numbers["increments"][-1, 0] < 1e-6  # it has found an interpolator, and stays there
