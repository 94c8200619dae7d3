"""Segment gradients, kernels and ranks: against per-sample gradients, autograd and closed forms."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, vmap

from lnlbench.benchmark.engine.models import build
from lnlbench.benchmark.runs import segments
from lnlbench.benchmark.studies.simulators.kernel_network import KernelNetwork, gram
from lnlbench.benchmark.studies.simulators.segment_training import flipped

N, D, C = 32, 6, 4


@pytest.fixture(params=[1, C], ids=["one logit", "four logits"])
def case(request):
    """A network, inputs, labels as given and as they are, and how to call it."""
    source = torch.Generator().manual_seed(0)
    network = KernelNetwork(D, 16, 2, request.param, source).double()
    x = torch.randn(N, D, generator=source, dtype=torch.float64)
    classes = max(2, request.param)
    true = torch.arange(N) % classes
    given = flipped(true, 0.4, classes, "test")
    weights = {name: weight.detach() for name, weight in network.named_parameters()}

    def forward(leaves, inputs):
        return functional_call(network, dict(leaves), (inputs,))

    def batches(index):
        for places in torch.arange(len(index)).split(5):
            yield places, x[index[places]]

    return forward, weights, batches, x, given, true


def test_segments_are_sums_of_per_sample_gradients(case):
    forward, weights, batches, x, given, true = case
    logits = forward(weights, x)
    factors = segments.residuals(logits, given)

    def chosen(leaves, x, c):
        return forward(leaves, x[None])[0].gather(0, c[None])[0]

    column = torch.zeros_like(true) if logits.shape[1] == 1 else true
    rows = vmap(grad(chosen), in_dims=(None, 0, 0))(weights, x, column)
    flat = torch.cat([row.flatten(1) for row in rows.values()], 1) * factors.gather(1, column[:, None])
    found = segments.segments(forward, weights, batches, given, true)
    for c in range(int(true.max()) + 1):
        clean, noisy = (flat[(true == c) & ((given != true) == wrong)].sum(0) for wrong in (False, True))
        assert found.clean[c].item() == pytest.approx(clean.norm().item(), rel=1e-10)
        assert found.noisy[c].item() == pytest.approx(noisy.norm().item(), rel=1e-10)
        cosine = torch.cosine_similarity(clean, noisy, 0).item()
        assert found.cosine[c].item() == pytest.approx(cosine, rel=1e-9)
    assert found.counts.sum() == N and found.counts[:, 1].sum() == (given != true).sum()


def test_both_segments_of_the_whole_gradient_sum_to_n_times_that_of_the_loss(case):
    forward, weights, batches, x, given, true = case
    parts = [
        segments.gradient(forward, weights, batches, (given == true).nonzero().flatten(), given),
        segments.gradient(forward, weights, batches, (given != true).nonzero().flatten(), given),
    ]
    leaves = {name: w.clone().requires_grad_() for name, w in weights.items()}
    mean = segments.losses(forward(leaves, x), given).mean()
    whole = torch.autograd.grad(mean, list(leaves.values()))
    difference = [a + b - N * g for a, b, g in zip(*parts, whole, strict=True)]
    assert segments.norm(difference) <= 1e-4 * N * segments.norm(whole)  # the tolerance of the self-check
    assert segments.norm(difference) <= 1e-12 * N * segments.norm(whole)  # and what float64 gives


def test_the_gram_form_of_one_hidden_layer_gives_the_same_norms_and_cosine():
    source = torch.Generator().manual_seed(1)
    network = KernelNetwork(D, 24, 1, 1, source).double()
    x = torch.randn(N, D, generator=source, dtype=torch.float64)
    true = torch.arange(N) % 2
    given = flipped(true, 0.3, 2, "gram")
    weights = {name: w.detach() for name, w in network.named_parameters()}
    logits = network(x).detach()

    def batches(index):
        yield torch.arange(len(index)), x[index]

    def forward(leaves, inputs):
        return functional_call(network, dict(leaves), (inputs,))

    found = segments.segments(forward, weights, batches, given, true)
    hidden, last = (w.numpy() for w in weights.values())
    K, r = gram([hidden, last[0]], x.numpy()), segments.residuals(logits, given)[:, 0].numpy()
    clean, noisy = (((true == 1) & ((given != true) == wrong)).numpy() for wrong in (False, True))

    def inner(a, b):
        return r[a] @ K[np.ix_(a, b)] @ r[b]

    assert found.clean[1].item() == pytest.approx(inner(clean, clean) ** 0.5, rel=1e-10)
    cosine = inner(clean, noisy) / (inner(clean, clean) * inner(noisy, noisy)) ** 0.5
    assert found.cosine[1].item() == pytest.approx(cosine, rel=1e-10)
    np.testing.assert_allclose(K, segments.kernel(forward, weights, x).numpy(), rtol=1e-10)


def test_a_segment_without_samples_is_nan_and_left_out_of_the_pooled_ratio(case):
    forward, weights, batches, _, given, true = case
    given = torch.where(true == 0, true, given)
    found = segments.segments(forward, weights, batches, given, true)
    assert found.noisy[0].isnan() and found.cosine[0].isnan()
    assert np.isfinite(found.ratio) and np.isfinite(found.mean_cosine)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mlp", "cnn4", "resnet_folded_small"])
def test_the_kernel_of_a_network_is_that_of_its_jacobian(model):
    network = build(model, 3, (1, 8, 8), 0).double().eval()
    x = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = {name: w.detach() for name, w in network.named_parameters()}
    found = segments.kernel(lambda leaves, x: functional_call(network, dict(leaves), (x,)), weights, x, part=2)
    rows = []
    for image in x:
        total = network(image[None]).sum() / 3**0.5
        rows.append(torch.cat([g.flatten() for g in torch.autograd.grad(total, list(network.parameters()))]))
    rows = torch.stack(rows)
    torch.testing.assert_close(found, rows @ rows.T, rtol=1e-9, atol=1e-12)


def test_kernel_distance_and_alignment_know_their_extremes():
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    ideal = (labels[:, None] == labels).double()
    assert segments.kernel_distance(ideal, 7 * ideal) == pytest.approx(0, abs=1e-14)
    assert segments.kernel_distance(torch.eye(2), torch.ones(2, 2) - torch.eye(2)) == 1
    assert segments.alignment(3 * ideal + 5, labels) == pytest.approx(1)
    assert segments.alignment(-ideal, labels) == pytest.approx(-1)
    assert np.isnan(segments.alignment(torch.ones(6, 6), labels))


@pytest.mark.parametrize(
    ("weight", "rank"),
    [
        pytest.param(torch.eye(5), 5, id="identity"),
        pytest.param(torch.outer(torch.arange(1.0, 5), torch.ones(7)), 1, id="rank one"),
        pytest.param(torch.diag(torch.tensor([2.0, 1, 1])), 1.5, id="diagonal"),
        pytest.param(torch.zeros(3, 3), float("nan"), id="nothing"),
    ],
)
def test_stable_rank(weight, rank):
    assert segments.stable_rank(weight) == pytest.approx(rank, rel=1e-6, nan_ok=True)


def test_stable_rank_of_a_convolution_is_close_to_that_by_singular_values():
    weight = torch.randn(16, 8, 3, 3, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(weight.flatten(1).double())
    exact = float((values**2).sum() / values[0] ** 2)
    assert exact <= segments.stable_rank(weight) <= 1.05 * exact


def test_filled_statistics_are_those_of_the_inputs_and_dropout_draws_nothing():
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5))
    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)) * 3 + 2
    before = torch.get_rng_state()
    segments.fill_statistics(network, x.split(20))
    assert torch.equal(before, torch.get_rng_state()) and not any(
        m.training for m in network.modules() if m is not network
    )
    torch.testing.assert_close(network[0].running_mean, x.mean(0), rtol=1e-5, atol=1e-5)
    assert network[0].momentum == 0.1
