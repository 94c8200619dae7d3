"""Of which class samples are, as far as predictions are confident of it: by hand, and beside cleanlab."""

import pytest
import torch

from lnlbench.benchmark.engine.confident import NONE, confident_class
from lnlbench.benchmark.engine.epoch_numbers import samples_of


def test_the_most_probable_class_that_reaches_its_threshold():
    given = torch.tensor([0, 0, 1, 1])
    p = torch.tensor([[0.9, 0.1], [0.3, 0.7], [0.4, 0.6], [0.65, 0.35]])  # thresholds 0.6 and 0.475
    assert confident_class(p, given).tolist() == [0, 1, 1, 0]
    shy = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6], [0.2, 0.8]])  # thresholds 0.8 and 0.7
    assert confident_class(shy, given).tolist() == [0, NONE, NONE, 1]
    assert confident_class(torch.stack([p, shy]), given).tolist() == [[0, 1, 1, 0], [0, NONE, NONE, 1]]


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_equal_probabilities_reach_their_mean(kind):
    p = torch.full((3, 2), 0.3, dtype=kind) + torch.tensor([0.0, 0.1], dtype=kind)
    assert confident_class(p, torch.tensor([0, 1, 1])).tolist() == [1, 1, 1]


def test_a_class_that_no_sample_is_labelled_as_is_none():
    p = torch.tensor([[0.2, 0.1, 0.7], [0.1, 0.2, 0.7]])
    assert confident_class(p, torch.tensor([0, 1])).tolist() == [0, 1]


def test_what_is_no_number_is_of_no_class():
    assert confident_class(torch.full((2, 2), torch.nan), torch.tensor([0, 1])).tolist() == [NONE, NONE]


def test_suspected_are_those_of_another_class_than_the_given_one():
    probabilities = torch.tensor([[[0.9, 0.1], [0.3, 0.7], [0.4, 0.6], [0.65, 0.35]]])
    found = samples_of(torch.tensor([0, 2, 1, 3]), probabilities.log(), torch.tensor([0, 0, 1, 1]), None)
    assert found.suspected.tolist() == [[False, False, True, True]], "in the order of visit"


def test_they_are_the_issues_that_cleanlab_finds():
    find = pytest.importorskip("cleanlab.filter").find_label_issues
    source = torch.Generator().manual_seed(0)
    true = torch.randint(5, (600,), generator=source)
    given = torch.where(torch.rand(600, generator=source) < 0.3, torch.randint(5, (600,), generator=source), true)
    p = (2 * torch.nn.functional.one_hot(true, 5) + torch.randn(600, 5, generator=source)).double().softmax(1)
    theirs = find(given.numpy(), p.numpy(), filter_by="confident_learning", n_jobs=1)
    found = confident_class(p, given)
    assert ((found != NONE) & (found != given)).tolist() == theirs.tolist()
