"""CORES²: fixed numbers of its loss and of its sieve, made with NumPy from the formula of its code."""

import pytest
import torch
from torch.nn import functional

from lnlbench.methods import Batch

LOGITS = torch.tensor([[[2.0, 0.0, 0.0], [0.5, 1.0, -1.0], [3.0, 0.0, 0.0], [25.0, 0.0, 0.0]]], dtype=torch.float64)
LABELS = torch.tensor([0, 0, 1, 0])  # marginal: 3/4, 1/4, 0


def batch_of(labels=LABELS):
    targets = functional.one_hot(labels, 3).double()
    return Batch(torch.zeros(len(labels), 1), targets, torch.arange(len(labels)), {})


@pytest.mark.parametrize(
    ("epoch", "weight"),
    [(0, 0.0), (10, 0.0), (25, 1.0), (40, 2.0), (99, 2.0)],
    ids=["start", "warm", "rising", "risen", "end"],
)
def test_loss_has_the_fixed_numbers(epoch, weight, at_work, clock_at):
    entropy = [0.2395447662, 1.05495692, 3.094922956, 2.777600372e-11]
    regulariser = [0.7395447332, 0.9299568937, 0.844922893, 4.604823221]
    found = at_work("cores").loss(LOGITS, batch_of(), clock_at(epoch))[0]
    expected = [(e - weight * r) / (1 + weight) for e, r in zip(entropy, regulariser, strict=True)]
    assert found.tolist() == pytest.approx(expected, abs=1e-7)


def test_the_sieve_keeps_what_fits_its_label_better_than_the_mean_of_all(at_work, clock_at):
    method = at_work("cores")
    early, late = (method.select(torch.zeros(1, 4), LOGITS, batch_of(), clock_at(epoch)) for epoch in (30, 31))
    assert early.tolist() == [[1, 1, 1, 1]]
    assert late.tolist() == [[1, 1, 0, 1]], "the third is predicted 0 and labelled 1"


def test_the_regulariser_is_bounded(at_work, clock_at):
    logits = torch.tensor([[[1e4, 0.0, 0.0]]], dtype=torch.float64)
    found = at_work("cores").loss(logits, batch_of(torch.tensor([1])), clock_at(99))
    assert found.item() == pytest.approx((1e4 - 2 * 18.420680744) / 3, rel=1e-9)
