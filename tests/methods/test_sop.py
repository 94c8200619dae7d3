"""SOP: its variables against SGD on autograd's gradients, its loss against the formula, and what they grow to."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from lnlbench.methods import Batch, Task, parse

SIZE, CLASSES = 24, 10


def corrected(logits, u, v, labels):
    """The prediction with the noise of the label, held above 1e-4 and normalised."""
    raw = logits.softmax(-1) + u**2 * labels - v**2 * (1 - labels)
    return functional.normalize(raw.clamp(min=1e-4), p=1, dim=-1)


def cross_entropy(logits, u, v, labels):
    return -(labels * corrected(logits, u, v, labels).log()).sum(-1)


def squared_error(logits, u, v, labels):
    hard = functional.one_hot(logits.argmax(-1), CLASSES)
    noise = u.detach() ** 2 * labels - v**2 * (1 - labels)
    return (hard + noise - labels).square().sum(-1)


@pytest.fixture(params=["hard", "soft"])
def batch(request):
    labels = functional.one_hot(torch.randint(CLASSES, (SIZE,)), CLASSES).double()
    if request.param == "soft":
        labels = 0.7 * labels + 0.3 * labels.roll(3, 0)
    u = torch.empty(2, SIZE, 1, dtype=torch.float64).uniform_(-0.9, 0.9)
    v = torch.empty(2, SIZE, CLASSES, dtype=torch.float64).uniform_(-0.5, 0.5)
    return Batch(torch.zeros(SIZE, 1), labels, torch.arange(SIZE), {"u": u, "v": v})


@pytest.fixture
def logits():
    return 3 * torch.randn(2, SIZE, CLASSES, dtype=torch.float64)


def test_variables_take_the_step_of_sgd_on_the_mean_over_the_batch(at_work, clock_at, batch, logits):
    found = at_work("sop(lr_u=0.02, lr_v=0.3)").remember(logits, batch, clock_at())
    u, v = (batch.memory[name].clone().requires_grad_() for name in ("u", "v"))
    optimizer = torch.optim.SGD([{"params": [u], "lr": 0.02}, {"params": [v], "lr": 0.3}])
    entropy = cross_entropy(logits, u, v.detach(), batch.targets)
    (entropy.mean(-1).sum() + squared_error(logits, u, v, batch.targets).mean(-1).sum()).backward()
    below = (logits.softmax(-1) + u**2 * batch.targets - v**2 * (1 - batch.targets)) < 1e-4
    assert below.any() and not below.all(), "the floor must be reached for this to say anything of it"
    optimizer.step()
    for name, expected in (("u", u), ("v", v)):
        moved = (expected - batch.memory[name]).abs().max()
        assert moved > 1e-3
        torch.testing.assert_close(found[name], expected.detach().abs().clamp(1e-8, 1), rtol=1e-11, atol=1e-13)


def test_loss_and_gradient_equal_the_formula(at_work, clock_at, batch, logits):
    logits.requires_grad_()
    ours = at_work("sop").loss(logits, batch, clock_at())
    theirs = cross_entropy(logits, batch.memory["u"], batch.memory["v"], batch.targets)
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-12)
    gradients = [torch.autograd.grad(x.sum(), logits, retain_graph=True)[0] for x in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


def test_begins_as_cross_entropy(at_work, clock_at, batch, logits):
    method = at_work("sop")
    memory = method.start(Task(batch.targets, 2, {}))
    assert [(name, tuple(x.shape)) for name, x in memory.items()] == [("u", (2, SIZE, 1)), ("v", (2, SIZE, CLASSES))]
    found = method.loss(logits / 3, replace(batch, memory=memory), clock_at())
    expected = -(batch.targets * (logits / 3).log_softmax(-1)).sum(-1)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def trained(method, clock, logits, labels, memory, epochs):
    batch = Batch(torch.zeros(len(labels), 1), labels, torch.arange(len(labels)), memory)
    for _ in range(epochs):
        batch = replace(batch, memory=method.remember(logits, batch, clock))
    return batch


def test_a_label_that_the_network_contradicts_for_long_is_taken_for_noise_and_given_back(at_work, clock_at):
    """One of eight samples is labelled 1 and predicted 0 at 96 %: its s becomes e₁ - e₀, and that of no other grows."""
    method, clock = at_work("sop(lr_u=10, lr_v=1.5)"), clock_at()
    labels = functional.one_hot(torch.zeros(8, dtype=torch.long), CLASSES).double()
    labels[7] = labels[7].roll(1)
    logits = torch.zeros(1, 8, CLASSES, dtype=torch.float64)
    logits[..., 0] = 8.0
    wrong = trained(method, clock, logits, labels, method.start(Task(labels, 1, {})), 99)
    u, v = wrong.memory["u"][0].square(), wrong.memory["v"][0].square()
    assert u[:7].max() < 1e-12 and v[:7].max() < 1e-15
    assert u[7].item() == 1
    assert v[7, 0].item() == pytest.approx(1, abs=1e-3) and v[7, 1:].max() < 1e-15
    before, after = (
        method.loss(logits, x, clock)[0] for x in (replace(wrong, memory=method.start(Task(labels, 1, {}))), wrong)
    )
    assert before[7] > 8 and after[7] < 0.01
    back = trained(method, clock, logits.roll(1, -1), labels, wrong.memory, 60)
    assert back.memory["v"][0, 7].square().max() < 0.01, "v follows a prediction that changes"


def test_no_variable_is_lost(at_work, clock_at):
    """Steps of any size leave v within its interval, and where it can grow again: at zero it could not."""
    labels = functional.one_hot(torch.zeros(4, dtype=torch.long), CLASSES).double()
    memory = {"u": torch.ones(1, 4, 1).double(), "v": torch.ones(1, 4, CLASSES).double()}
    logits = torch.zeros(1, 4, CLASSES, dtype=torch.float64)
    logits[..., 0] = 5
    for rate in (0.5, 1, 1.9, 7, 100):
        found = trained(at_work(f"sop(lr_v={rate})"), clock_at(), logits, labels, memory, 50).memory["v"]
        assert found.min() >= 1e-8 and found.max() <= 1
        assert (found[..., 1:].max() < 0.5) == (rate < 2), "half the batch"


def test_rates_are_those_published():
    assert str(parse("sop", 10)) == "sop(lr_u=10.0, lr_v=10.0)"
    assert str(parse("sop", 100)) == "sop(lr_u=1.0, lr_v=10.0)"
