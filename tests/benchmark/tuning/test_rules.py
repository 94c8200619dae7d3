"""Rules that choose without a clean label, against their closed forms."""

import pytest
import torch

from lnlbench.benchmark.tuning.rules import confident_loss, corrected_accuracy

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
