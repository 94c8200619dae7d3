"""Rules that choose without a clean label, against their closed forms."""

import pytest
import torch

from lnlbench.benchmark.tuning.rules import agreement, confident_loss, corrected_accuracy

GIVEN = torch.tensor([0, 1, 2, 0])


def test_without_noise_the_corrected_accuracy_is_accuracy():
    predictions = torch.tensor([[0, 1, 1, 2], [0, 1, 2, 0]])
    assert corrected_accuracy(predictions, GIVEN, torch.eye(3)) == pytest.approx(0.75)


def test_under_asymmetric_noise_it_estimates_clean_accuracy_where_noisy_accuracy_does_not():
    """Errors along the flip (0 to 1) cost noisy accuracy little; the mean over noise of the corrected one is clean."""
    matrix = torch.tensor([[0.6, 0.4], [0.0, 1.0]], dtype=torch.float64)
    true = torch.arange(2).repeat(50_000)
    flipped = torch.rand(len(true), generator=torch.Generator().manual_seed(0)) < matrix[true, 1 - true]
    given = torch.where(flipped, 1 - true, true)
    along = torch.where(torch.arange(len(true)) % 10 == 0, 1, true).unsqueeze(0)  # a tenth of the zeros as ones
    clean = (along == true).double().mean().item()
    assert corrected_accuracy(along, given, matrix) == pytest.approx(clean, abs=0.01)
    assert (along == given).double().mean().item() < clean - 0.1


def test_the_loss_is_that_of_the_half_a_network_is_surest_of():
    logits = torch.log(torch.tensor([[[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.4, 0.3, 0.3]]]))
    sure = -(torch.tensor(0.9).log() + torch.tensor(0.8).log()).item() / 2
    assert confident_loss(logits, GIVEN) == pytest.approx(sure)


def test_agreement_is_over_all_pairs_of_trainings_and_of_their_networks():
    one, two, three = (torch.tensor(votes, dtype=torch.uint8) for votes in ([[0, 1, 2, 0]], [[0, 1, 2, 1]], [[1] * 4]))
    assert agreement([one, two]) == pytest.approx(0.75)
    assert agreement([one, two, three]) == pytest.approx((0.75 + 0.25 + 0.5) / 3)
    assert agreement([torch.cat([one, two]), one]) == pytest.approx((1 + 0.75) / 2), "each network with each"
    assert agreement([three, three]) == 1, "two that learnt nothing agree"
