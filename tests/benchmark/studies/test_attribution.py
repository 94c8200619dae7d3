"""Integrated gradients and the entropy of a map, where both are known in closed form."""

import pytest
import torch

from lnlbench.benchmark.studies.e000_c import absolute_map, entropy, integrated_gradients


def test_of_a_linear_network_they_are_weight_times_difference():
    draw = torch.Generator().manual_seed(0)
    weights, inputs = torch.randn(3, 2, 4, 4, generator=draw), torch.randn(5, 2, 4, 4, generator=draw)
    baseline = torch.randn(2, 4, 4, generator=draw)
    found, votes = integrated_gradients(lambda x: x.flatten(1) @ weights.flatten(1).T, inputs, baseline, 3)
    torch.testing.assert_close(found, (inputs - baseline) * weights[votes])


def test_they_add_up_to_the_logits_difference_from_the_baseline():
    draw = torch.Generator().manual_seed(0)
    W = torch.randn(6, 3, generator=draw)
    inputs, baseline = torch.randn(5, 1, 2, 3, generator=draw), torch.zeros(1, 2, 3)

    def model(x):
        return (x.flatten(1) @ W) ** 3

    found, votes = integrated_gradients(model, inputs, baseline, 200)
    difference = (model(inputs) - model(baseline[None])).gather(1, votes[:, None])[:, 0]
    torch.testing.assert_close(found.flatten(1).sum(1), difference, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param([1.0, 1, 1, 1], 1.0, id="the same everywhere"),
        pytest.param([0.0, 7, 0, 0], 0.0, id="all in one cell"),
        pytest.param([2.0, 2, 0, 0], 0.5, id="half of the cells"),
        pytest.param([0.0, 0, 0, 0], 0.0, id="nothing at all"),
    ],
)
def test_entropy(cells, expected):
    assert entropy(torch.tensor(cells).reshape(1, 2, 2)).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("side", "cells"), [(8, 4), (32, 8)])
def test_a_map_is_of_absolute_values_in_few_cells(side, cells):
    found = absolute_map(-torch.ones(2, 3, side, side))
    assert found.shape == (2, cells, cells) and (found == 3).all()
