"""Networks in the tangent kernel's parametrisation: kernels by autograd, the closed form of angles."""

import numpy as np
import pytest
import torch

from lnlbench.benchmark.studies.simulators.kernel_network import KernelNetwork, closed_form, drawn, gram, paired


@pytest.mark.parametrize("hidden", [1, 3])
def test_the_kernel_is_that_of_autograds_gradients(hidden):
    draw = np.random.default_rng(0)
    weights, x = drawn(draw, 5, 12, hidden), draw.standard_normal((4, 5))
    network = KernelNetwork(5, 12, hidden, 1, torch.Generator()).double()
    with torch.no_grad():
        for mine, value in zip(network.weights, weights, strict=True):
            mine.copy_(torch.tensor(value).view_as(mine))
    rows = []
    for row in torch.tensor(x):
        grads = torch.autograd.grad(network(row[None]).sum(), list(network.parameters()))
        rows.append(torch.cat([g.flatten() for g in grads]).numpy())
    expected = np.stack(rows) @ np.stack(rows).T
    np.testing.assert_allclose(gram(weights, x), expected, rtol=1e-10)
    np.testing.assert_allclose(gram(weights, x, x[:2]), expected[:, :2], rtol=1e-10)
    size = np.sqrt(np.diag(expected))
    angle = np.rad2deg(np.arccos(expected[0, 1] / size[0] / size[1]))
    np.testing.assert_allclose(paired(weights, x[:1], x[1:2]), [angle], rtol=1e-8)


@pytest.mark.parametrize(
    ("angle", "expected"), [(1, 4.4), (15, 22.1), (30, 36.7), (45, 50.0), (60, 61.9), (75, 72.3), (90, 80.8)]
)
def test_the_closed_form_gives_the_angles_of_the_theory(angle, expected):
    assert closed_form(np.array(angle)) == pytest.approx(expected, abs=0.05)


def test_the_closed_form_is_the_limit_of_wide_networks():
    draw = np.random.default_rng(1)
    t = np.deg2rad(np.array([10, 60, 120, 175]))
    x, y = np.tile([1.0, 0.0], (4, 1)), np.stack([np.cos(t), np.sin(t)], 1)
    np.testing.assert_allclose(paired(drawn(draw, 2, 200_000, 1), x, y), closed_form(np.rad2deg(t)), atol=0.5)
