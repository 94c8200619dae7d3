"""The bi-tempered loss against a bisection for its normalisation, and its gradient against differences."""

import pytest
import torch
from torch.nn import functional

from lnlbench.methods import Batch, method_class
from lnlbench.methods.bi_tempered import log_tempered_softmax


def by_bisection(logits, t):
    low, high = logits.amax(-1, keepdim=True), logits.amax(-1, keepdim=True) + 1e8
    for _ in range(200):
        middle = (low + high) / 2
        above = ((1 + (t - 1) * (middle - logits)) ** (-1 / (t - 1))).sum(-1, keepdim=True) > 1
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    return (1 + (t - 1) * (high - logits)) ** (-1 / (t - 1))


def batch_of(labels, classes):
    return Batch(None, functional.one_hot(labels, classes).double(), None, {})


@pytest.mark.parametrize("t", [1.05, 1.5, 4.0])
@pytest.mark.parametrize("classes", [2, 10, 100])
def test_the_tempered_softmax_adds_up_to_one(t, classes):
    logits = 5 * torch.randn(50, classes, dtype=torch.float64)
    found = log_tempered_softmax(logits, t).exp()
    torch.testing.assert_close(found.sum(-1), torch.ones(50, dtype=torch.float64), rtol=1e-9, atol=0)
    torch.testing.assert_close(found, by_bisection(logits, t), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0], ids=["equal logits", "usual ones", "large ones"])
@pytest.mark.parametrize("classes", [10, 100])
@pytest.mark.parametrize("end", [0, 1])
def test_it_adds_up_to_one_at_the_ends_of_what_is_valid(end, classes, scale):
    t = method_class("bi_tempered").space()["t2"].valid[end]
    total = log_tempered_softmax(scale * torch.randn(50, classes, dtype=torch.float64), t).exp().sum(-1)
    torch.testing.assert_close(total, torch.ones(50, dtype=torch.float64), rtol=1e-9, atol=0)


@pytest.mark.parametrize(("t1", "t2"), [(0.7, 1.5), (0.2, 4.0), (0.95, 1.05)])
def test_loss_and_gradient_equal_the_formula(t1, t2, at_work, clock_at):
    logits = (3 * torch.randn(1, 20, 6, dtype=torch.float64)).requires_grad_()
    batch = batch_of(torch.randint(6, (20,)), 6)

    def loss(z):
        return at_work(f"bi_tempered(t1={t1}, t2={t2})").loss(z, batch, clock_at())

    p, y = by_bisection(logits.detach(), t2), batch.targets

    def log_t(x):
        return (x ** (1 - t1) - 1) / (1 - t1)

    divergence = (y * (log_t(y) - log_t(p)) - (y ** (2 - t1) - p ** (2 - t1)) / (2 - t1)).sum(-1)
    torch.testing.assert_close(loss(logits), divergence, rtol=1e-6, atol=1e-9)
    assert torch.autograd.gradcheck(loss, (logits,))


def test_it_tends_to_cross_entropy(at_work, clock_at):
    logits, batch = torch.randn(1, 20, 6, dtype=torch.float64), batch_of(torch.randint(6, (20,)), 6)
    found = at_work("bi_tempered(t1=0.999, t2=1.001)").loss(logits, batch, clock_at())
    expected = -(batch.targets * logits.log_softmax(-1)).sum(-1)
    torch.testing.assert_close(found, expected, rtol=2e-2, atol=2e-2)
