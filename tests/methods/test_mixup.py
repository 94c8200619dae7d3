"""Mixup: the mixture is the same for inputs and targets, and its share follows a beta distribution."""

import pytest
import torch
from scipy import stats
from torch.nn import functional

from lnlbench.methods import Batch
from lnlbench.methods.mixup import beta_variable


def test_inputs_and_targets_are_mixed_alike(at_work, clock_at):
    labels = torch.randint(5, (64,))
    targets = functional.one_hot(labels, 5).double()
    inputs = torch.stack([torch.arange(64.0), torch.ones(64)], 1).double().view(64, 1, 1, 2)
    batch = Batch(inputs, targets, torch.arange(64), {})
    found = at_work("mixup").perturb(batch, clock_at(seed=5))
    again = clock_at(seed=5)
    share = beta_variable(1.0, again.random).double()
    partner = again.random.uniform([64]).argsort()
    assert sorted(partner.tolist()) == list(range(64))
    assert 0.02 < share < 0.98
    torch.testing.assert_close(found.targets, share * targets + (1 - share) * targets[partner])
    torch.testing.assert_close(found.inputs, share * inputs + (1 - share) * inputs[partner])
    torch.testing.assert_close(found.targets.sum(-1), torch.ones(64, dtype=torch.float64))


@pytest.mark.parametrize("wide", [False, True], ids=["one for all networks", "one for each"])
def test_every_view_is_mixed_alike_and_along_the_batch(wide, at_work, clock_at):
    size = 16
    labels = torch.arange(size)
    targets = functional.one_hot(labels).double()
    images = torch.randn(size, 1, 2, 2, dtype=torch.float64)
    if wide:
        targets, images = (torch.stack([x, 2 * x]) for x in (targets, images))
    batch = Batch(images, targets, labels, {}, views=(3 * images,), strong=(4 * images, 5 * images))
    found = at_work("mixup").perturb(batch, clock_at(seed=5))
    again = clock_at(seed=5)
    share = beta_variable(1.0, again.random).double()
    partner = again.random.uniform([size]).argsort()

    def expected(own):
        return share * own + (1 - share) * (own[:, partner] if wide else own[partner])

    torch.testing.assert_close(found.targets, expected(targets))
    views = (found.inputs, *found.views, *found.strong)
    assert len(views) == 4
    for times, view in zip((1, 3, 4, 5), views, strict=True):
        torch.testing.assert_close(view, expected(times * images))


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 8.0, 32.0])
def test_the_share_follows_a_beta_distribution(alpha, clock_at):
    random = clock_at(seed=1).random
    drawn = [beta_variable(alpha, random).item() for _ in range(3000)]
    inner = [x for x in drawn if 1e-6 < x < 1 - 1e-6]  # float32 ends there
    law = stats.beta(alpha, alpha)
    low, high = law.cdf(1e-6), law.cdf(1 - 1e-6)
    found = stats.kstest(inner, lambda x: (law.cdf(x) - low) / (high - low))
    assert found.pvalue > 1e-3
    assert len(inner) / len(drawn) == pytest.approx(high - low, abs=0.05)
