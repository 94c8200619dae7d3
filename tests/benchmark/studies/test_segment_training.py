"""Training with both segments in view: flips, what is logged, and the start that the theory predicts."""

import numpy as np
import pytest
import torch

from lnlbench.benchmark.studies.simulators.kernel_network import KernelNetwork
from lnlbench.benchmark.studies.simulators.segment_training import Data, Descent, descend, flipped


@pytest.mark.parametrize("classes", [2, 5])
def test_exactly_the_rate_is_flipped_and_never_to_the_true_class(classes):
    true = torch.arange(1000) % classes
    given = flipped(true, 0.3, classes, "x")
    assert int((given != true).sum()) == 300 and int(given.min()) >= 0 and int(given.max()) < classes
    assert torch.equal(given, flipped(true, 0.3, classes, "x"))
    assert not torch.equal(given, flipped(true, 0.3, classes, "y"))


@pytest.fixture(params=[2, 4], ids=["two classes", "four classes"])
def data(request):
    classes, source = request.param, torch.Generator().manual_seed(0)
    true = torch.arange(400) % classes
    x = 3 * torch.eye(12)[true] + torch.randn(400, 12, generator=source)
    x = x / x.norm(dim=1, keepdim=True)
    given = flipped(true, 0.3, classes, "data")
    return Data(x[:300], given[:300], true[:300], x[300:], true[300:])


def test_the_start_is_as_the_theory_says_and_training_follows(data):
    classes = int(data.true.max()) + 1
    network = KernelNetwork(12, 256, 1, 1 if classes == 2 else classes, torch.Generator().manual_seed(1))
    trace = descend(network, data, Descent(6, 32, 0.5, dense=2, every=3), "test")
    np.testing.assert_allclose(trace.clean[0] / trace.noisy[0], trace.expected, rtol=0.25)
    assert trace.cosine[0].max() < -0.85
    chance = 0.5 if classes == 2 else 1 / classes
    assert trace.values["clean_residual"][0] == pytest.approx(1 - chance, abs=1e-6)
    assert trace.values["noisy_residual"][0] == pytest.approx(chance, abs=1e-6)
    assert trace.at.tolist() == [0, 1, 2, 3, 6]
    assert trace.values["clean_error"][-1] < 0.1 < 0.7 < trace.values["noisy_error"][-1]
    assert trace.ratio[-1] < trace.ratio[0] and 0 < trace.best <= 6


def test_the_same_names_give_the_same_numbers_and_training_can_end_early(data):
    traces = []
    for _ in range(2):
        network = KernelNetwork(12, 32, 1, max(2, int(data.true.max()) + 1), torch.Generator().manual_seed(1))
        traces.append(descend(network, data, Descent(5, 64, 0.5, until=1.0), "test"))
    assert np.array_equal(traces[0].clean, traces[1].clean)
    assert len(traces[0].values["test_error"]) == 2 and traces[0].at.tolist() == [0, 1]


def test_gradients_are_measured_in_fp32_whatever_trains(data):
    traces = []
    for precision in ("fp32", "bf16"):
        network = KernelNetwork(12, 64, 1, max(2, int(data.true.max()) + 1), torch.Generator().manual_seed(1))
        traces.append(descend(network, data, Descent(8, 32, 0.5, precision=precision), "test"))
    exact, rounded = traces
    assert np.array_equal(exact.clean[0], rounded.clean[0]) and np.array_equal(exact.noisy[0], rounded.noisy[0])
    assert not np.array_equal(exact.clean[-1], rounded.clean[-1]), "bf16 trained another network"
    for name, loose in (("clean_loss", 0.02), ("noisy_residual", 0.02), ("test_error", 0.1)):
        np.testing.assert_allclose(rounded.values[name], exact.values[name], atol=loose)
