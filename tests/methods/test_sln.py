"""SLN: the noise on the targets, the corrected labels, the averaged weights."""

import math

import pytest
import torch
from torch.nn import functional

from lnlbench.methods import Batch, Record, Task, parse

SAMPLES = 4000


@pytest.fixture
def given():
    return functional.one_hot(torch.randint(10, (SAMPLES,)), 10).double()


def test_noise_is_normal_with_its_sigma_on_every_label_weight(at_work, clock_at, given):
    method = at_work("sln(sigma=0.5)")
    batch = Batch(None, given, None, method.start(Task(given, 1, {})))
    noise = method.perturb(batch, clock_at(50)).targets[0] - given
    assert noise.mean().abs() < 5 * 0.5 / math.sqrt(noise.numel())
    assert noise.std().item() == pytest.approx(0.5, rel=0.02)
    assert noise.T.corrcoef().fill_diagonal_(0).abs().max() < 0.08


def test_late_targets_mix_given_label_and_prediction_by_the_scaled_loss(at_work, clock_at, given):
    method = at_work("sln")
    losses, predictions = torch.rand(1, SAMPLES).double(), torch.randint(10, (1, SAMPLES))
    memory = method.observe(Record(losses, predictions, {}), clock_at(90))
    found = method.perturb(Batch(None, given, None, memory), clock_at(90)).targets
    w = ((losses - losses.min()) / (losses.max() - losses.min())).unsqueeze(-1)
    torch.testing.assert_close(found, w * given + (1 - w) * functional.one_hot(predictions, 10))


@pytest.mark.parametrize("losses", [torch.full((1, 5), 0.7), torch.zeros(1, 5)], ids=["equal", "zero"])
def test_losses_that_are_all_equal_keep_the_given_labels(at_work, clock_at, losses):
    found = at_work("sln").observe(Record(losses, torch.zeros(1, 5).long(), {}), clock_at(90))
    assert torch.equal(found["given_weight"], torch.ones(1, 5))


def test_before_the_first_pass_nothing_is_corrected(at_work, clock_at, given):
    method = at_work("sln(switch=0)")
    batch = Batch(None, given, None, method.start(Task(given, 2, {})))
    assert torch.equal(method.perturb(batch, clock_at(0)).targets, given.expand(2, -1, -1))


def test_the_pass_is_asked_for_from_the_switch_on():
    assert [epoch for epoch in range(12) if parse("sln").due(epoch, 12)] == [10, 11]
    assert not any(parse("sln(switch=1)").due(epoch, 12) for epoch in range(12))
