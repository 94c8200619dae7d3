"""Every robust loss against the formula of its paper, written again from softmax, with gradients, in float64."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from lnlbench.methods import Batch, Task
from lnlbench.methods._active_passive import normalised_cross_entropy
from lnlbench.methods.nlnl import log_one_minus

A = math.log(1e-4)
SIZE, CLASSES = 24, 7


@pytest.fixture
def logits():
    return (3 * torch.randn(2, SIZE, CLASSES, dtype=torch.float64)).requires_grad_()


@pytest.fixture
def labels():
    return torch.randint(CLASSES, (SIZE,))


@pytest.fixture
def matrix():
    """Transitions with zeros among them."""
    drawn = torch.rand(CLASSES, CLASSES, dtype=torch.float64) + 5 * torch.eye(CLASSES)
    drawn[0, 1:] = 0
    return drawn / drawn.sum(1, keepdim=True)


def batch_of(targets, **told):
    return Batch(torch.zeros(SIZE, 1), targets, torch.arange(SIZE), {}, told)


def one_hot(labels):
    return functional.one_hot(labels, CLASSES).double()


def own(p, y):
    return p.gather(-1, y.expand(len(p), -1).unsqueeze(-1)).squeeze(-1)


def entropy(p):
    return torch.distributions.Categorical(probs=p).entropy()


def smoothing(p, y, r):
    return (1 - r) * -own(p, y).log() + r * -p.log().mean(-1)


def nce(p, y):
    return own(p, y).log() / p.log().sum(-1)


def jensen_shannon(p, y, pi):
    label = one_hot(y).expand(p.shape)
    middle = pi * label + (1 - pi) * p
    divergence = -pi * own(middle, y).log() + (1 - pi) * (p * (p / middle).log()).sum(-1)
    return divergence / (-(1 - pi) * math.log(1 - pi))


def taylor(p, y, order):
    return sum((1 - own(p, y)) ** i / i for i in range(1, order + 1))


def agce(p, y, a, q):
    return ((a + 1) ** q - (a + own(p, y)) ** q) / q


def dal(p, y, q, weight, term):
    return (1 - own(p, y) ** q) / q + weight * term / (q * math.log(CLASSES))


CASES = [
    ("label_smoothing(smoothing=0.2)", lambda p, y: smoothing(p, y, 0.2)),
    ("label_smoothing(smoothing=0)", lambda p, y: -own(p, y).log()),
    ("negative_label_smoothing(smoothing=-0.4)", lambda p, y: smoothing(p, y, -0.4)),
    ("negative_label_smoothing(smoothing=-6, warmup=0.8)", lambda p, y: -own(p, y).log()),
    ("mae", lambda p, y: (one_hot(y) - p).abs().sum(-1) / 2),
    ("truncated_gce(q=0.6)", lambda p, y: (1 - own(p, y) ** 0.6) / 0.6),
    ("sce(alpha=0.3, beta=2)", lambda p, y: -0.3 * own(p, y).log() - 2 * A * (1 - own(p, y))),
    ("sce", lambda p, y: -0.1 * own(p, y).log() - (p * one_hot(y).clamp(min=1e-4).log()).sum(-1)),
    ("nce_rce(alpha=2, beta=0.5)", lambda p, y: 2 * nce(p, y) - 0.5 * A * (1 - own(p, y))),
    ("nce_mae(alpha=2, beta=0.5)", lambda p, y: 2 * nce(p, y) + 0.25 * (one_hot(y) - p).abs().sum(-1)),
    ("nce_agce", lambda p, y: nce(p, y) + 4 * agce(p, y, 6, 1.5)),
    ("nce_agce(a=0.001, q=3)", lambda p, y: nce(p, y) + 4 * agce(p, y, 0.001, 3)),
    ("soft_bootstrapping(beta=0.6)", lambda p, y: -0.6 * own(p, y).log() + 0.4 * entropy(p)),
    ("hard_bootstrapping(beta=0.6)", lambda p, y: -0.6 * own(p, y).log() - 0.4 * p.amax(-1).log()),
    ("taylor_ce(order=1)", lambda p, y: 1 - own(p, y)),
    ("taylor_ce", lambda p, y: taylor(p, y, 18)),
    ("js(pi=0.1)", lambda p, y: jensen_shannon(p, y, 0.1)),
    ("js(pi=0.9)", lambda p, y: jensen_shannon(p, y, 0.9)),
]


def assert_same(ours, theirs, logits, rtol=1e-9):
    torch.testing.assert_close(ours, theirs, rtol=rtol, atol=1e-11)
    gradients = [torch.autograd.grad(loss.sum(), logits, retain_graph=True)[0] for loss in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=10 * rtol, atol=1e-11)


@pytest.mark.parametrize(("text", "reference"), CASES, ids=[text for text, _ in CASES])
def test_loss_and_gradient_equal_the_formula(text, reference, logits, labels, at_work, clock_at):
    found = at_work(text).loss(logits, batch_of(one_hot(labels)), clock_at(50))
    assert_same(found, reference(logits.softmax(-1), labels), logits)


@pytest.mark.parametrize("text", [text for text, _ in CASES])
def test_loss_is_linear_in_label_weights(text, logits, labels, at_work, clock_at):
    other = one_hot(torch.randint(CLASSES, (SIZE,)))
    part = [at_work(text).loss(logits, batch_of(t), clock_at(50)) for t in (one_hot(labels), other)]
    both = at_work(text).loss(logits, batch_of(0.3 * one_hot(labels) + 0.7 * other), clock_at(50))
    torch.testing.assert_close(both, 0.3 * part[0] + 0.7 * part[1])


def test_forward_correction_equals_the_product_with_the_matrix(logits, labels, matrix, at_work, clock_at):
    found = at_work("forward").loss(logits, batch_of(one_hot(labels), transition_matrix=matrix), clock_at())
    noisy = logits.softmax(-1) @ matrix
    assert_same(found, -own(noisy, labels).log(), logits)


def test_forward_correction_without_noise_is_cross_entropy(logits, labels, at_work, clock_at):
    still = torch.eye(CLASSES, dtype=torch.float64)
    found = at_work("forward").loss(logits, batch_of(one_hot(labels), transition_matrix=still), clock_at())
    assert (found - -own(logits.softmax(-1), labels).log()).abs().max() < 1e-12


@pytest.mark.parametrize(("epoch", "growth"), [(0, 1.0), (50, 5**0.5)])
def test_sparse_regularisation_equals_its_formula(epoch, growth, logits, labels, at_work, clock_at):
    method = at_work("ce_sr(temperature=0.5, power=0.1, lam=2, growth=5)")
    p = (logits / logits.norm(dim=-1, keepdim=True) / 0.5).softmax(-1)
    expected = -own(p, labels).log() + 2 * growth * (p**0.1).sum(-1)
    assert_same(method.loss(logits, batch_of(one_hot(labels)), clock_at(epoch)), expected, logits, rtol=1e-7)


def test_sparse_regularisation_does_not_see_the_length_of_the_logits(logits, labels, at_work, clock_at):
    near, far = (at_work("ce_sr").loss(scale * logits, batch_of(one_hot(labels)), clock_at()) for scale in (1, 1000))
    torch.testing.assert_close(near, far)


def test_negative_learning_pushes_down_what_was_drawn(logits, labels, at_work, clock_at):
    method, targets = at_work("nlnl(complements=10)"), one_hot(labels)
    batch = replace(batch_of(targets), memory=method.start(Task(targets, 2, {})))
    found = method.loss(logits, batch, clock_at(seed=3))
    shift = 1 + clock_at(seed=3).random.integers(CLASSES - 1, [SIZE, 10])
    assert set(shift.unique().tolist()) == set(range(1, CLASSES)), "every class but the label's"
    p = logits.softmax(-1)
    counts = labels.bincount(minlength=CLASSES).double()
    assert counts.min() < counts.max()
    expected = -sum((1 - own(p, (labels + shift[:, n]) % CLASSES)).log() for n in range(10))
    expected = expected * (counts.max() / counts)[labels]
    assert_same(found, expected, logits)


def test_log_one_minus_lives_where_p_is_one():
    logits = torch.tensor([[60.0, 0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    found = log_one_minus(logits)
    assert found[0, 0].item() == pytest.approx(math.log(2) - 60)
    (gradient,) = torch.autograd.grad(found[0, 0], logits)
    torch.testing.assert_close(gradient, torch.tensor([[-1.0, 0.5, 0.5]], dtype=torch.float64))


def test_normalised_cross_entropy_sums_to_one_over_the_labels(logits):
    rows = [normalised_cross_entropy(logits, one_hot(torch.full((SIZE,), k))) for k in range(CLASSES)]
    torch.testing.assert_close(sum(rows), torch.ones(2, SIZE, dtype=torch.float64))


@pytest.mark.parametrize("text", ["mae", "nce_rce", "nce_mae"])
def test_symmetric_losses_have_a_constant_sum_over_the_labels(text, logits, at_work, clock_at):
    rows = [at_work(text).loss(logits, batch_of(one_hot(torch.full((SIZE,), k))), clock_at()) for k in range(CLASSES)]
    total = sum(rows)
    torch.testing.assert_close(total, total[0, 0].expand_as(total))


def test_taylor_tends_to_cross_entropy(logits, labels, at_work, clock_at):
    exact = at_work("ce").loss(logits, batch_of(one_hot(labels)), clock_at())
    gaps = [
        (at_work(f"taylor_ce(order={n})").loss(logits, batch_of(one_hot(labels)), clock_at()) - exact).abs().max()
        for n in (2, 10, 50)
    ]
    assert gaps[0] > gaps[1] > gaps[2]


@pytest.mark.parametrize(
    ("schedule", "epoch", "q", "weight"),
    [
        ("linear", 50, 1.05, 0.1),
        ("cosine", 50, 1.05, 0.1),
        ("cosine", 25, 0.6 + 0.9 * (1 - 0.5**0.5) / 2, 0.0),
        ("exponential", 50, 0.9**0.5, 0.0),
        ("exponential", 75, 0.6 * 2.5**0.75, (0.6 * 2.5**0.75 - 1) / 0.5),
        ("step", 33, 0.6, 0.0),
        ("step", 34, 1.05, 0.1),
        ("step", 67, 1.5, 1.0),
    ],
)
def test_dal_variants_follow_their_schedule(schedule, epoch, q, weight, logits, labels, at_work, clock_at):
    p = logits.softmax(-1)
    for bootstrap, term in (("soft", entropy(p)), ("hard", -p.amax(-1).log()), ("none", torch.zeros(2, SIZE))):
        method = at_work(f"dal_variant(schedule_of_q={schedule!r}, bootstrap={bootstrap!r})")
        found = method.loss(logits, batch_of(one_hot(labels)), clock_at(epoch))
        torch.testing.assert_close(found, dal(p, labels, q, weight, term), rtol=1e-6, atol=1e-7)


def test_the_linear_variant_is_dal(logits, labels, at_work, clock_at):
    for epoch in (0, 30, 44, 45, 99):
        found, plain = (
            at_work(text).loss(logits, batch_of(one_hot(labels)), clock_at(epoch))
            for text in ("dal_variant(schedule_of_q='linear')", "dal")
        )
        torch.testing.assert_close(found, plain)


@pytest.mark.parametrize(
    ("epoch", "epochs", "due"), [(39, 120, False), (40, 120, True), (45, 120, False), (50, 120, True)]
)
def test_truncated_gce_renews_its_weights_when_they_are_due(epoch, epochs, due, at_work):
    assert at_work("truncated_gce(every=0.0833)").due(epoch, epochs) is due


def test_truncated_gce_leaves_out_improbable_labels(at_work, clock_at):
    from lnlbench.methods import Record, Task

    method = at_work("truncated_gce(k=0.4)")
    assert method.start(Task(torch.eye(5), 2, {}))["kept"].tolist() == [[1.0] * 5] * 2
    p = torch.tensor([[0.9, 0.41, 0.39, 0.1, 0.4001]])
    kept = method.observe(Record(-p.log(), p, {}), clock_at())["kept"]
    assert kept.tolist() == [[1, 1, 0, 0, 1]]
    weights = method.select(torch.rand(1, 5), None, Batch(None, None, None, {"kept": kept}), clock_at())
    assert weights.tolist() == kept.tolist()
