"""T-Revision: fixed numbers of its weighted loss, and the step of its correction against autograd."""

import math

import pytest
import torch
from torch.nn import functional

from lnlbench.methods import Batch, Task

MATRIX = torch.tensor([[0.8, 0.2, 0.0], [0.1, 0.7, 0.2], [0.0, 0.3, 0.7]], dtype=torch.float64)
LOGITS = torch.tensor([[[2.0, 0.0, 0.0], [2.0, 0.0, 0.0]]], dtype=torch.float64)
# p = (0.7869860, 0.1065070, 0.1065070); p T = (0.6402395, 0.2639042, 0.0958563); p_y / (p T)_y times -log p_y:
FIXED = (0.2944497773, 0.9038399489)


def batch_of(carried, labels=(0, 1)):
    targets = functional.one_hot(torch.tensor(labels), 3).double()
    told = {"transition_matrix": MATRIX}
    return Batch(targets, targets, torch.arange(len(labels)), {}, told, carried=carried)


@pytest.fixture
def carried(at_work):
    return at_work("t_revision").carry(Task(torch.eye(3, dtype=torch.float64), 1, {}))


@pytest.mark.parametrize("epoch", [0, 49, 50, 99])
def test_loss_has_the_fixed_numbers(epoch, at_work, clock_at, carried):
    found = at_work("t_revision").loss(LOGITS, batch_of(carried), clock_at(epoch))
    assert found[0].tolist() == pytest.approx(FIXED, rel=1e-9)


@pytest.mark.parametrize("epoch", [49, 50])
def test_the_gradient_takes_the_weight_for_a_constant(epoch, at_work, clock_at, carried):
    logits = LOGITS.clone().requires_grad_()
    loss = at_work("t_revision").loss(logits, batch_of(carried), clock_at(epoch)).sum()
    (found,) = torch.autograd.grad(loss, logits)
    p = logits.softmax(-1)
    own = p.gather(-1, torch.tensor([[[0], [1]]]))
    weight = own / (p @ MATRIX).gather(-1, torch.tensor([[[0], [1]]]))
    expected = (weight.detach() * -own.log()).sum()
    assert torch.allclose(found, torch.autograd.grad(expected, logits)[0], rtol=1e-9, atol=1e-12)


def test_the_correction_stays_zero_and_then_descends_the_loss(at_work, clock_at, carried):
    method, labels = at_work("t_revision(lr=0.01)"), (0, 1, 2, 1)
    logits = torch.randn(1, 4, 3, dtype=torch.float64)
    first = method.remember(logits, batch_of(carried, labels), clock_at(49))["correction"]
    assert first.abs().max() == 0
    correction = (0.05 * torch.rand(1, 3, 3, dtype=torch.float64)).requires_grad_()
    batch = batch_of({"correction": correction.detach()}, labels)
    p = logits.softmax(-1)
    weight = (batch.targets * p / (p @ (MATRIX + correction))).sum(-1)
    (weight * -(batch.targets * p.log()).sum(-1)).mean().backward()
    found = method.remember(logits, batch, clock_at(50))["correction"]
    assert torch.allclose(found, correction.detach() - 0.01 * correction.grad, rtol=0, atol=1e-14)


def test_without_noise_it_is_cross_entropy(at_work, clock_at, carried):
    told = {"transition_matrix": torch.eye(3, dtype=torch.float64)}
    targets = functional.one_hot(torch.tensor([0, 1]), 3).double()
    batch = Batch(targets, targets, torch.arange(2), {}, told, carried=carried)
    found = at_work("t_revision").loss(LOGITS, batch, clock_at())[0].tolist()
    assert found == pytest.approx([math.log(1 + 2 * math.exp(-2)), 2 + math.log(1 + 2 * math.exp(-2))])
