"""GJS: both strong views in one loss, which is JS where they are alike."""

import torch
from torch.nn import functional

from lnlbench.methods import Batch


def test_the_batch_is_both_strong_views(at_work, clock_at):
    views = torch.randn(3, 6, 1, 2, 2)
    batch = Batch(views[0], torch.eye(6), torch.arange(6), {}, strong=(views[1], views[2]))
    found = at_work("gjs").guess(None, batch, clock_at())
    assert torch.equal(found.inputs, torch.cat([views[1], views[2]]))
    assert found.targets is batch.targets


def test_equal_views_are_js(at_work, clock_at):
    logits = 3 * torch.randn(1, 16, 10, dtype=torch.float64)
    batch = Batch(logits, functional.one_hot(torch.randint(10, (16,)), 10).double(), torch.arange(16), {})
    both = at_work("gjs(pi=0.4)").loss(logits.repeat(1, 2, 1), batch, clock_at())
    torch.testing.assert_close(both, at_work("js(pi=0.4)").loss(logits, batch, clock_at()))


def test_views_that_differ_cost_more_and_are_drawn_together(at_work, clock_at):
    label = torch.eye(10, dtype=torch.float64)[:1]
    batch = Batch(label, label, torch.arange(1), {})
    weak, strong = torch.zeros(2, 1, 1, 10, dtype=torch.float64)
    strong[..., 3] = 2
    logits = torch.cat([weak, strong], 1).requires_grad_()
    loss = at_work("gjs").loss(logits, batch, clock_at())
    (slope,) = torch.autograd.grad(loss.sum(), logits)
    assert loss > at_work("gjs").loss(torch.cat([weak, weak], 1), batch, clock_at())
    assert slope[0, 0, 3] < 0 < slope[0, 1, 3], "each view is drawn towards the other one"


def test_soft_labels_weigh_the_losses_of_hard_ones(at_work, clock_at):
    logits = torch.randn(1, 8, 5, dtype=torch.float64)
    eye = torch.eye(5, dtype=torch.float64)
    of_each = [
        at_work("gjs").loss(logits, Batch(logits, eye[k].expand(4, -1), torch.arange(4), {}), clock_at())
        for k in range(5)
    ]
    weights = torch.rand(4, 5, dtype=torch.float64).softmax(-1)
    found = at_work("gjs").loss(logits, Batch(logits, weights, torch.arange(4), {}), clock_at())
    torch.testing.assert_close(found, (torch.stack(of_each, -1) * weights).sum(-1))
