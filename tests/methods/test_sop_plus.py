"""SOP+: SOP on the weak view, and two terms that vanish where views agree and predictions are even."""

import math

import pytest
import torch
from torch.nn import functional

from lnlbench.methods import Batch

SIZE, CLASSES = 12, 5


@pytest.fixture
def batch():
    labels = functional.one_hot(torch.arange(SIZE) % CLASSES, CLASSES).double()
    memory = {"u": torch.rand(1, SIZE, 1).double(), "v": 0.3 * torch.rand(1, SIZE, CLASSES).double()}
    return Batch(torch.zeros(SIZE, 1), labels, torch.arange(SIZE), memory, strong=(torch.ones(SIZE, 1),))


@pytest.fixture
def logits():
    return 2 * torch.randn(1, 2 * SIZE, CLASSES, dtype=torch.float64)


def test_without_both_terms_it_is_sop_on_the_weak_view(at_work, clock_at, batch, logits):
    plain, plus = at_work("sop"), at_work("sop_plus(consistency=0.0, balance=0.0)")
    weak = logits[:, :SIZE]
    torch.testing.assert_close(plus.loss(logits, batch, clock_at()), plain.loss(weak, batch, clock_at()))
    ours, theirs = plus.remember(logits, batch, clock_at()), plain.remember(weak, batch, clock_at())
    assert all(torch.equal(ours[name], theirs[name]) for name in ("u", "v"))


def test_consistency_is_the_divergence_from_the_weak_view_which_stays(at_work, clock_at, batch, logits):
    weak, strong = logits.requires_grad_().chunk(2, 1)
    one, none = (at_work(f"sop_plus(consistency={c}, balance=0.0)") for c in (1.0, 0.0))
    gap = one.loss(logits, batch, clock_at()) - none.loss(logits, batch, clock_at())
    expected = functional.kl_div(strong.log_softmax(-1), weak.softmax(-1), reduction="none").sum(-1)
    torch.testing.assert_close(gap, expected)
    (slope,) = torch.autograd.grad(gap.sum(), logits)
    assert slope[:, :SIZE].abs().max() < 1e-12 < slope[:, SIZE:].abs().max()


def test_balance_is_least_where_predictions_are_even(at_work, clock_at, batch):
    for memory in batch.memory.values():
        memory.zero_()
    method = at_work("sop_plus(consistency=0.0, balance=1.0)")
    plain = at_work("sop_plus(consistency=0.0, balance=0.0)")

    def balance(logits):
        return (method.loss(logits, batch, clock_at()) - plain.loss(logits, batch, clock_at()))[0, 0].item()

    even = torch.zeros(1, 2 * SIZE, CLASSES, dtype=torch.float64)
    tilted = even + torch.arange(CLASSES, dtype=torch.float64)
    assert balance(even) == pytest.approx(math.log(CLASSES))
    assert balance(tilted) > balance(even)


def test_the_batch_is_the_weak_view_and_the_strong_one(at_work, clock_at, batch):
    found = at_work("sop_plus").guess(None, batch, clock_at())
    assert found.inputs.flatten().tolist() == [0.0] * SIZE + [1.0] * SIZE
