"""The mixture of two normal distributions against scikit-learn's, and where there is nothing to tell apart."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from lnlbench.methods._mixture import clean_probability


def reference(losses):
    x = ((losses - losses.min()) / (losses.max() - losses.min())).numpy().reshape(-1, 1)
    groups = KMeans(2, init=np.array([[0.0], [1.0]]), n_init=1, tol=0, max_iter=300).fit_predict(x)
    parts = [x[groups == k] for k in range(2)]
    mixture = GaussianMixture(
        2,
        max_iter=10,
        tol=1e-2,
        reg_covar=5e-4,
        weights_init=[len(part) / len(x) for part in parts],
        means_init=[part.mean(0) for part in parts],
        precisions_init=[[[1 / (part.var() + 5e-4)]] for part in parts],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(x)
    return mixture.predict_proba(x)[:, mixture.means_.argmin()]


@pytest.mark.parametrize("wrong", [0.1, 0.4, 0.8])
def test_equals_the_mixture_of_scikit_learn(wrong):
    clean = torch.rand(2, 3000) > wrong
    losses = torch.where(clean, 0.3 * torch.randn(2, 3000).abs(), 2 + 0.8 * torch.randn(2, 3000)).double()
    found = clean_probability(losses)
    for row, ours in zip(losses, found, strict=True):
        np.testing.assert_allclose(ours.numpy(), reference(row), atol=1e-9)
    assert found[clean].mean() - found[~clean].mean() > 0.5


def test_networks_do_not_see_each_other():
    losses = torch.rand(3, 500).double() ** 3
    together = clean_probability(losses)
    for row, ours in zip(losses, together, strict=True):
        assert torch.equal(clean_probability(row.unsqueeze(0))[0], ours)


@pytest.mark.parametrize(
    "losses",
    [
        pytest.param(torch.full((1, 8), 2.3), id="all equal"),
        pytest.param(torch.tensor([[1.0, float("nan"), 2.0]]), id="a loss that is no number"),
        pytest.param(torch.tensor([[1.0, float("inf"), 2.0]]), id="an infinite loss"),
    ],
)
def test_losses_that_say_nothing_leave_every_sample_clean(losses):
    assert torch.equal(clean_probability(losses), torch.ones_like(losses))


def test_one_network_without_information_leaves_the_other_alone():
    losses = torch.stack([torch.full((100,), 1.0), torch.cat([torch.zeros(50), torch.ones(50)])])
    found = clean_probability(losses)
    assert torch.equal(found[0], torch.ones(100))
    assert (found[1, :50] > 0.99).all() and (found[1, 50:] < 0.01).all()
