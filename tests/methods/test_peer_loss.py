"""Peer loss: fixed numbers, its schedule, and what it says of labels that say nothing."""

import pytest
import torch
from torch.nn import functional

from lnlbench.methods import Batch

# -log(p + 1e-5) of z = (2, 0, 0), made with NumPy: of the largest class, of another.
FIRST, OTHER = 0.2395320596, 2.239450871


def batch_of(labels):
    targets = functional.one_hot(torch.tensor(labels), 3).double()
    return Batch(torch.zeros(len(labels), 1), targets, torch.arange(len(labels)), {})


@pytest.mark.parametrize(("epoch", "weight"), [(0, 0.0), (20, 0.0), (30, 0.495), (41, 1.0), (299, 1.0)])
def test_mean_loss_has_the_fixed_numbers(epoch, weight, at_work, clock_at):
    """All samples have the same logits, so that the mean does not depend on the permutation."""
    logits = torch.tensor([[[2.0, 0.0, 0.0]] * 4], dtype=torch.float64)
    found = at_work("peer_loss").loss(logits, batch_of([0, 0, 0, 1]), clock_at(epoch, 300))
    mean = (3 * FIRST + OTHER) / 4
    assert found.mean().item() == pytest.approx(mean * (1 - weight) / (1 + weight), abs=1e-8)


def test_peers_are_a_permutation_of_the_labels(at_work, clock_at):
    """With one label for each class and logits that fit it, a peer's label costs as much as the own or as another."""
    logits = 4 * torch.eye(3, dtype=torch.float64).unsqueeze(0)
    batch, drawn = batch_of([0, 1, 2]), set()
    for seed in range(20):
        found = at_work("peer_loss").loss(logits, batch, clock_at(299, 300, seed=seed))
        own, other = -torch.log(logits[0].softmax(-1) + 1e-5)[0, :2]
        peers = own - 2 * found[0]  # α = 1
        kept = (peers - own).abs() < 1e-9
        assert (kept | ((peers - other).abs() < 1e-9)).all()
        drawn.add(tuple(kept.tolist()))
    assert {sum(kept) for kept in drawn} == {0, 1, 3}, "a permutation of three has no, one or three fixed points"
