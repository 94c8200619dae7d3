"""CDR: which gradients count, against a sort written out with NumPy."""

import numpy as np
import pytest
import torch

from lnlbench.methods import Batch


def batch_of(rate):
    nothing = torch.zeros(1)
    return Batch(nothing, nothing, nothing, {}, {"noise_rate": torch.tensor(rate, dtype=torch.float64)})


@pytest.mark.parametrize(("rate", "kept"), [(0.4, 9), (0.25, 12), (0.0, 16), (0.99, 1)])
def test_the_largest_products_of_weight_and_gradient_keep_their_gradient(rate, kept, at_work, clock_at):
    """16 weights in two tensors: a matrix and a convolution; the share 1 - τ of them is rounded down, at least one."""
    source = np.random.default_rng(0)
    values = {"a.weight": (2, 4), "b.weight": (2, 1, 2, 2), "a.bias": (2,)}
    w, g = ({name: source.normal(size=size) for name, size in values.items()} for _ in range(2))
    size = np.concatenate([np.abs(w[name] * g[name]).ravel() for name in ("a.weight", "b.weight")])
    least = np.sort(size)[::-1][kept - 1]
    as_tensors = [{name: torch.tensor(value) for name, value in tree.items()} for tree in (w, g)]
    (found,) = at_work("cdr").gradient(lambda _: [as_tensors[1]], [as_tensors[0]], batch_of(rate), clock_at())
    for name in ("a.weight", "b.weight"):
        expected = np.where(np.abs(w[name] * g[name]) >= least, max(1 - rate, 0.01) * g[name], 0)
        assert found[name].numpy() == pytest.approx(expected, rel=1e-12)
    assert sum(int((found[name] != 0).sum()) for name in ("a.weight", "b.weight")) == kept
    assert torch.equal(found["a.bias"], as_tensors[1]["a.bias"])


def test_each_network_has_a_threshold_of_its_own(at_work, clock_at):
    params = [{"weight": torch.full((1, 4), scale, dtype=torch.float64)} for scale in (1.0, 100.0)]
    grads = [{"weight": torch.tensor([[4.0, 3.0, 2.0, 1.0]], dtype=torch.float64)} for _ in params]
    found = at_work("cdr").gradient(lambda _: grads, params, batch_of(0.5), clock_at())
    assert [net["weight"].tolist() for net in found] == [[[2.0, 1.5, 0.0, 0.0]]] * 2
