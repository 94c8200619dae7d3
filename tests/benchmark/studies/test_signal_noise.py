"""The two-stage simulator: equal to autograd on explicit weights, and its coefficients give the weights back."""

import numpy as np
import pytest
import torch

from lnlbench.benchmark.studies.simulators.signal_noise import Sizes, problem, simulate

SIZES = Sizes(n=20, d=50, m=4, snr=10.0, sigma0=0.1, points=30)
STEPS, ETA = 50, 0.1


def explicit(n, d, m, snr, seed):
    """The same draws as the simulator makes, as patches and weights."""
    draw = np.random.default_rng(seed)
    basis = np.concatenate([np.zeros((1, d)), draw.standard_normal((n, d))])
    basis[0, 0] = np.sqrt(snr * d / n)
    return torch.tensor(basis), torch.tensor(SIZES.sigma0 * draw.standard_normal((2 * m, d)))


def by_autograd(basis, weights, true, given, m, kept):
    """Full-batch gradient descent; the losses before each step and after the last, and the weights at the end."""
    weights, losses = weights.clone().requires_grad_(), []
    signs = torch.tensor([1.0] * m + [-1.0] * m, dtype=torch.float64)
    for step in range(STEPS + 1):
        signal = torch.relu(true[:, None] * (basis[:1] @ weights.T))
        f = ((signal + torch.relu(basis[1:] @ weights.T)) * signs).sum(-1) / m
        loss = torch.nn.functional.softplus(-given * f)
        losses.append(loss.detach().numpy())
        (gradient,) = torch.autograd.grad((loss * kept).sum() / kept.sum(), weights)
        if step < STEPS:
            weights = (weights - ETA * gradient).detach().requires_grad_()
    return np.array(losses), weights.detach().numpy()


@pytest.mark.parametrize("share", [pytest.param(1.0, id="all samples"), pytest.param(0.5, id="half of them selected")])
def test_the_gram_space_is_gradient_descent_on_explicit_weights(share):
    given = problem([np.random.default_rng(s) for s in (3, 4)], [0.2, 0.3], SIZES)
    kept = np.arange(SIZES.n)[None].repeat(2, 0) < share * SIZES.n
    trace = simulate(given, eta=ETA, steps=STEPS, kept=kept)
    for run, seed in enumerate((3, 4)):
        basis, weights = explicit(SIZES.n, SIZES.d, SIZES.m, SIZES.snr, seed)
        true, labels, chosen = (torch.tensor(np.asarray(x[run], float)) for x in (given.true, given.given, kept))
        losses, end = by_autograd(basis, weights, true, labels, SIZES.m, chosen)
        np.testing.assert_allclose(trace.loss[:, run], losses, rtol=1e-10)
        rebuilt = weights.numpy() + trace.coefficients[run] @ basis.numpy()
        assert np.linalg.norm(rebuilt - end) <= 1e-10 * np.linalg.norm(end)


def test_gamma_and_rho_are_the_coefficients_and_rho_of_the_given_sign_only_grows():
    given = problem([np.random.default_rng(0)], [0.2], SIZES)
    trace = simulate(given, eta=ETA, steps=STEPS)
    m, end = SIZES.m, trace.coefficients[0]
    assert trace.gamma[-1, 0, 0] == pytest.approx(end[:m, 0].mean() * given.gram[0, 0, 0], rel=1e-12)
    assert trace.gamma[-1, 0, 1] == pytest.approx(-end[m:, 0].mean() * given.gram[0, 0, 0], rel=1e-12)
    rows = np.where(given.given[0] > 0, end[:m, 1:].mean(0), end[m:, 1:].mean(0))
    np.testing.assert_allclose(trace.rho[-1, 0], rows * np.diag(given.gram[0])[1:], rtol=1e-12)
    assert (np.diff(trace.rho[:, 0], axis=0) >= 0).all()


def test_flips_are_exact_in_number_and_change_nothing_else():
    clean, noisy = (problem([np.random.default_rng(1)], [rate], SIZES) for rate in (0.0, 0.25))
    assert (noisy.true != noisy.given).sum() == 5
    for name in ("true", "gram", "start"):
        np.testing.assert_array_equal(getattr(clean, name), getattr(noisy, name))


def test_a_reused_test_point_without_spread_is_predicted_as_its_training_sample_where_the_signs_agree():
    sizes = Sizes(n=20, d=50, m=4, snr=10.0, sigma0=0.1, points=200, spread=0.0)
    given = problem([np.random.default_rng(2)], [0.2], sizes)
    test = given.tests["reused"]
    same = np.isclose(test.gram[0, 1:].T[:, None], given.gram[0, 1:, 1:][None]).all(-1)  # [T, n]: which it reuses
    assert (same.sum(-1) == 1).all()
    np.testing.assert_allclose(test.start[0], given.start[0][:, 1:][:, same.argmax(-1)], rtol=1e-12)
