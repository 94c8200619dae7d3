"""Stratified samples: exact in number, in proportion to the labels, a function of the names."""

import pytest
import torch

from lnlbench.benchmark.protocol.stratify import stratified


def labels(counts):
    """So many samples of each label, mixed."""
    row = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return row[torch.randperm(len(row), generator=torch.Generator().manual_seed(0))]


@pytest.mark.parametrize(
    ("counts", "count"),
    [
        pytest.param([100] * 10, 100, id="even"),
        pytest.param([144, 144, 143, 143, 144, 144, 143, 144, 144, 144], 144, id="digits"),
        pytest.param([500, 300, 150, 50], 100, id="uneven"),
        pytest.param([997, 3], 10, id="a rare label"),
        pytest.param([7, 5, 3], 7, id="small"),
        pytest.param([10, 0, 10], 4, id="a label that no sample has"),
        pytest.param([50, 50], 1, id="one"),
        pytest.param([50, 50], 0, id="none"),
        pytest.param([50, 50], 99, id="all but one"),
    ],
)
def test_sizes_are_exact_and_each_label_has_its_share(counts, count):
    row = labels(counts)
    chosen = stratified(row, count, "test")
    assert len(chosen) == count == len(chosen.unique())
    assert torch.equal(chosen, chosen.sort().values)
    found = row[chosen].bincount(minlength=len(counts))
    share = torch.tensor(counts) * count / sum(counts)
    assert ((found - share).abs() < 1).all()


@pytest.mark.parametrize("count", [20, 21, 1000])
def test_where_there_are_no_more_all_are_taken(count):
    assert torch.equal(stratified(labels([10, 10]), count, "test"), torch.arange(20))


def test_the_sample_is_a_function_of_its_names():
    row = labels([100] * 3)
    torch.manual_seed(1)
    first = stratified(row, 30, "split", 0)
    torch.manual_seed(2)
    assert torch.equal(first, stratified(row, 30, "split", 0))
    assert not torch.equal(first, stratified(row, 30, "split", 1))


def test_every_sample_is_as_likely():
    row = labels([30, 20, 10])
    counts = torch.zeros(60)
    for draw in range(2000):
        counts[stratified(row, 12, draw)] += 1
    assert ((counts - 400) ** 2 / (400 * 0.8)).sum() < 120  # χ² with less than 60 degrees of freedom: p < 1e-5
