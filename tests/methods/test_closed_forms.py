"""Every method against the formula of its paper, written a second time, with gradients, in float64."""

import math

import pytest
import torch
from torch.nn import functional

from lnlbench.methods import Batch, Clock, History, Task, parse
from lnlbench.methods.small_loss import ranks

EPOCHS = 150


class Drawn:
    """Fresh numbers of a fixed seed."""

    def __init__(self, seed=0):
        self.source = torch.Generator().manual_seed(seed)

    def uniform(self, shape):
        return torch.rand(shape, generator=self.source)

    def normal(self, shape):
        return torch.randn(shape, generator=self.source)

    def integers(self, high, shape):
        return torch.randint(high, shape, generator=self.source)


def clock(epoch=0, epochs=EPOCHS, seed=0):
    return Clock(*(torch.tensor(float(t)) for t in (epoch, epochs, 0, epoch / epochs)), random=Drawn(seed))


def told(**facts):
    nothing = torch.zeros(1, 1)
    return Batch(nothing, nothing, nothing, {}, {name: torch.as_tensor(fact) for name, fact in facts.items()})


@pytest.fixture
def logits():
    return (3 * torch.randn(2, 16, 10, dtype=torch.float64)).requires_grad_()


@pytest.fixture
def batch():
    labels = torch.randint(10, (16,))
    targets = functional.one_hot(labels, 10).double()
    return Batch(torch.zeros(16, 1), targets, torch.arange(16), {})


def loss_of(text, logits, batch, at=None):
    method = parse(text).tensors(torch.device("cpu"), torch.float64)
    return method.loss(logits, batch, at or clock())


def label_probability(logits, batch):
    return (batch.targets * logits.softmax(-1)).sum(-1)


def entropy(logits):
    p = logits.softmax(-1)
    return -(p * p.log()).sum(-1)


def dal_reference(logits, batch, epoch, q_s=0.6, q_e=1.5, epochs=EPOCHS):
    q = q_s + (q_e - q_s) * epoch / epochs
    t0 = (1 - q_s) * epochs / (q_e - q_s)
    weight = max(0.0, (epoch - t0) / (epochs - t0))
    return (1 - label_probability(logits, batch) ** q) / q + weight * entropy(logits) / (q * math.log(10))


REFERENCES = [
    pytest.param("ce", lambda z, b: -label_probability(z, b).log(), id="ce is -log p"),
    pytest.param("gce(q=0.7)", lambda z, b: (1 - label_probability(z, b) ** 0.7) / 0.7, id="gce is Box-Cox of p"),
    pytest.param("gce(q=1)", lambda z, b: 1 - label_probability(z, b), id="gce at q=1 is MAE"),
    pytest.param("dal", lambda z, b: dal_reference(z, b, 0), id="dal begins as gce(0.6)"),
    pytest.param("dal", lambda z, b: (1 - label_probability(z, b) ** 0.6) / 0.6, id="dal at epoch 0 is gce"),
]


@pytest.mark.parametrize(("text", "reference"), REFERENCES)
def test_loss_and_gradient_equal_the_formula(text, reference, logits, batch):
    ours, theirs = loss_of(text, logits, batch), reference(logits, batch)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
    gradients = [torch.autograd.grad(loss.sum(), logits, retain_graph=True)[0] for loss in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("epoch", [0, 33, 66, 67, 100, 149])
def test_dal_equals_its_formula_at_every_stage(epoch, logits, batch):
    ours = loss_of("dal", logits, batch, clock(epoch))
    torch.testing.assert_close(ours, dal_reference(logits, batch, epoch), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("epoch", "q", "weight"),
    [
        (0, 0.6, 0),
        (33, 0.798, 0),
        (66, 0.996, 0),
        (67, 1.002, 0.004),
        (100, 1.2, 0.4),
        (125, 1.35, 0.7),
        (149, 1.494, 0.988),
    ],
)
def test_dal_schedule_has_the_values_of_the_official_code(epoch, q, weight):
    method = parse("dal").tensors(torch.device("cpu"), torch.float64).parts[0]
    found = method.schedule(torch.tensor(epoch / EPOCHS, dtype=torch.float64))
    assert [x.item() for x in found] == pytest.approx([q, weight], abs=1e-9)


def test_dal_without_a_second_phase_has_no_entropy_term():
    method = parse("dal(q_s=0.5, q_e=1.0)").tensors(torch.device("cpu"), torch.float64).parts[0]
    weights = [method.schedule(torch.tensor(t / 20, dtype=torch.float64))[1].item() for t in range(20)]
    assert weights == [0.0] * 20


def test_gce_tends_to_cross_entropy(logits, batch):
    distances = [
        (loss_of(f"gce(q={q})", logits, batch) - loss_of("ce", logits, batch)).abs().max().item()
        for q in (0.1, 0.01, 0.001)
    ]
    assert distances[0] > 5 * distances[1] > 25 * distances[2]


@pytest.mark.parametrize("text", ["gce(q=0.7)", "dal"])
def test_gradient_lives_where_a_clamp_would_have_killed_it(text, batch):
    logits = torch.zeros(1, 16, 10, dtype=torch.float64)
    logits[..., :] = -30 * batch.targets  # p_y is about 1e-14
    logits.requires_grad_()
    (gradient,) = torch.autograd.grad(loss_of(text, logits, batch).sum(), logits)
    ratio = gradient.norm() / torch.autograd.grad(loss_of("ce", logits, batch).sum(), logits)[0].norm()
    p = label_probability(logits, batch).max().item()
    assert ratio.item() == pytest.approx(p ** (0.7 if text.startswith("gce") else 0.6), rel=1e-6)


@pytest.mark.parametrize("text", ["ce", "gce"])
def test_loss_is_linear_in_label_weights(text, logits, batch):
    other = functional.one_hot(torch.randint(10, (16,)), 10).double()
    mixed = Batch(batch.inputs, 0.3 * batch.targets + 0.7 * other, batch.index, {})
    expected = 0.3 * loss_of(text, logits, batch) + 0.7 * loss_of(
        text, logits, Batch(batch.inputs, other, batch.index, {})
    )
    torch.testing.assert_close(loss_of(text, logits, mixed), expected)


def test_elr_target_and_term_equal_the_formula(logits, batch):
    method = parse("elr(lam=3, beta=0.7)").tensors(torch.device("cpu"), torch.float64)
    start = method.start(Task(batch.targets, 2, {}))["target"]
    assert start.shape == (2, 16, 10)
    assert not start.any()
    target, p = start.double(), logits.detach().softmax(-1)
    for _ in range(3):
        rows = method.remember(
            logits.detach(), Batch(batch.inputs, batch.targets, batch.index, {"target": target}), clock()
        )
        target = 0.7 * target + 0.3 * p
        torch.testing.assert_close(rows["target"], target)
    ours = method.loss(logits, Batch(batch.inputs, batch.targets, batch.index, rows), clock())
    term = torch.log(1 - (target * logits.softmax(-1)).sum(-1))
    torch.testing.assert_close(ours, -label_probability(logits, batch).log() + 3 * term)


def test_elr_stays_finite_where_target_and_prediction_agree(batch):
    logits = (1e4 * batch.targets).expand(1, -1, -1).clone().requires_grad_()
    method = parse("elr").tensors(torch.device("cpu"), torch.float64)
    loss = method.loss(
        logits, Batch(batch.inputs, batch.targets, batch.index, {"target": batch.targets.expand(1, -1, -1)}), clock()
    )
    assert loss.isfinite().all()
    assert torch.autograd.grad(loss.sum(), logits)[0].isfinite().all()


@pytest.mark.parametrize(
    ("forget", "ramp", "exponent", "epoch", "size", "kept"),
    [
        pytest.param(0.2, 0.05, 1.0, 0, 128, 128, id="all at the start"),
        pytest.param(0.2, 0.05, 1.0, 8, 128, 103, id="ceil(0.8 * 128) after the ramp of 7.5 epochs"),
        pytest.param(0.5, 0.1, 1.0, 3, 100, 90, id="3/15 of the ramp"),
        pytest.param(0.5, 0.1, 2.0, 3, 100, 98, id="(3/15)^2 of it"),
        pytest.param(0.2, 0.05, 1.0, 100, 160, 128, id="an exact product is not rounded up"),
    ],
)
def test_small_loss_keeps_the_stated_count_of_the_smallest(forget, ramp, exponent, epoch, size, kept):
    method = parse(f"small_loss(forget=0.5, ramp={ramp}, exponent={exponent})").tensors(torch.device("cpu"))
    losses = torch.rand(1, size)
    weights = method.select(losses, losses, told(noise_rate=2 * forget), clock(epoch))
    assert weights.sum().item() == kept
    assert losses[weights == 1].max() <= losses[weights == 0].min() if kept < size else True


def test_ranks_are_those_of_a_stable_sort_and_nan_comes_last():
    losses = torch.tensor([[3.0, 1.0, float("nan"), 1.0, 2.0]])
    assert ranks(losses).tolist() == [[3, 0, 4, 1, 2]]


def test_co_teaching_exchanges_the_rows_of_small_loss():
    losses = torch.rand(2, 64)
    single, double = (parse(name).tensors(torch.device("cpu")) for name in ("small_loss", "co_teaching"))
    expected = single.select(losses, losses, told(noise_rate=0.3), clock(50)).flip(0)
    found = double.select(losses, losses, told(noise_rate=0.3), clock(50))
    assert torch.equal(found, expected)
    assert not torch.equal(found, expected.flip(0))


def test_label_noise_sgd_flips_at_its_rate_and_uniformly_over_the_other_labels():
    labels = torch.arange(10).repeat(20_000)
    batch = Batch(torch.zeros(len(labels), 1), functional.one_hot(labels, 10).float(), torch.arange(len(labels)), {})
    found = parse("label_noise_sgd(p=0.1)").tensors(torch.device("cpu")).perturb(batch, clock(seed=1)).targets
    assert (found.sum(-1) == 1).all()
    moved = found.argmax(-1)
    flipped = moved != labels
    assert flipped.float().mean().item() == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / len(labels)))
    counts = torch.bincount((moved - labels)[flipped] % 10, minlength=10)
    assert counts[0] == 0
    expected = flipped.sum().item() / 9
    assert ((counts[1:] - expected) ** 2 / expected).sum().item() < 26.1  # chi-squared, 8 degrees: p = 0.001


@pytest.mark.parametrize("p", [0, 1])
def test_label_noise_sgd_at_its_ends(p, batch):
    found = parse(f"label_noise_sgd(p={p})").tensors(torch.device("cpu")).perturb(batch, clock())
    assert (found.targets == batch.targets).all(-1).float().mean() == 1 - p


def gradients_of_a_bowl(asked):
    """∇ of ½ Σ c w², a different curvature c for each parameter."""

    def grads_at(params):
        asked.append(params)
        return [{n: (i + 1) * p for i, (n, p) in enumerate(network.items())} for network in params]

    return grads_at


@pytest.mark.parametrize("adaptive", [False, True])
def test_sam_takes_the_gradient_at_the_worst_point_of_each_network(adaptive):
    params = [{"a.weight": torch.randn(3, 4), "a.bias": torch.randn(3)} for _ in range(2)]
    asked = []
    sam = parse(f"sam(rho=0.5, adaptive={adaptive})").tensors(torch.device("cpu"))
    found = sam.gradient(gradients_of_a_bowl(asked), params, None, None)
    assert len(asked) == 2
    for network, worst, gradient in zip(params, asked[1], found, strict=True):
        g = {"a.weight": network["a.weight"], "a.bias": 2 * network["a.bias"]}
        scale = {"a.weight": network["a.weight"].abs() + 0.01 if adaptive else 1.0, "a.bias": 1.0}
        norm = math.sqrt(sum(((scale[n] * g[n]) ** 2).sum().item() for n in g))
        for name in g:
            torch.testing.assert_close(worst[name], network[name] + 0.5 * scale[name] ** 2 * g[name] / norm)
        torch.testing.assert_close(gradient["a.bias"], 2 * worst["a.bias"])


def test_sam_without_radius_is_the_plain_gradient():
    params = [{"w": torch.randn(5)}]
    found = parse("sam(rho=0)").tensors(torch.device("cpu")).gradient(gradients_of_a_bowl([]), params, None, None)
    torch.testing.assert_close(found[0]["w"], params[0]["w"])


@pytest.mark.parametrize(
    ("validation", "stops", "reports"),
    [
        pytest.param([0.5, 0.6, 0.7], False, 2, id="still rising"),
        pytest.param([0.5, 0.7, 0.7, 0.6], False, 1, id="a tie goes to the earliest, two epochs back"),
        pytest.param([0.7, 0.6, 0.6, 0.5], True, 0, id="three epochs back: 0.1 of 30"),
    ],
)
def test_early_stopping_waits_its_patience_and_reports_the_best(validation, stops, reports):
    method, history = parse("early_stopping(patience=0.1)"), History(30, validation, validation)
    assert method.stop(history) is stops
    assert method.report(history) == reports
