"""Beta-distributed shares against scipy's quantiles."""

import numpy as np
import pytest
import torch
from scipy import stats

from lnlbench.methods._beta import symmetric_beta


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.7, 4.0, 8.0])
def test_equals_the_quantiles(alpha):
    uniform = torch.linspace(0, 1 - 1e-6, 4001, dtype=torch.float64)
    found = symmetric_beta(uniform, torch.tensor(alpha, dtype=torch.float64))
    np.testing.assert_allclose(found.numpy(), stats.beta(alpha, alpha).ppf(uniform.numpy()), atol=1e-3)
    assert (found.diff() >= 0).all()


def test_float32_stays_in_range():
    found = symmetric_beta(torch.rand(10_000), 4.0)
    assert found.min() >= 0 and found.max() <= 1
    assert found.mean().item() == pytest.approx(0.5, abs=0.02)
    assert found.var().item() == pytest.approx(1 / (4 * (2 * 4 + 1)), rel=0.1)
