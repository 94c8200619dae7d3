"""What bf16 gains here: measured for advice, and nothing depends on it."""

import pytest
import torch

from lnlbench.benchmark.engine import bf16


@pytest.mark.parametrize(
    ("dense", "convolution", "pays"),
    [
        pytest.param(1.5, 2.0, True, id="both gain"),
        pytest.param(0.4, 2.0, False, id="dense layers lose"),
        pytest.param(1.5, 0.9, False, id="convolutions lose"),
        pytest.param(1.02, 1.02, False, id="too little"),
    ],
)
def test_bf16_pays_where_both_layers_gain(dense, convolution, pays):
    assert bf16.pays({"dense": dense, "convolution": convolution}) is pays


def test_a_real_measurement_leaves_torch_as_it_was():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    gains = bf16.measure()
    assert gains.keys() == {"dense", "convolution"} and min(gains.values()) > 0
    assert torch.equal(state, torch.get_rng_state()) and torch.get_num_threads() == threads
    assert bf16.in_words({"dense": 1.5, "convolution": 0.25}) == (
        "1.5 times as fast as fp32 in a dense and 0.25 in a convolutional layer"
    )
