"""DivideMix: targets, mixture and loss against the formulas; what the engine gives it and charges for it."""

import math

import pytest
import torch
from torch.nn import functional

from lnlbench.benchmark import Job, Split, fit
from lnlbench.benchmark.protocol.settings import setting
from lnlbench.methods import Batch, Record, Task, parse

SIZE, CLASSES = 12, 5
EPOCHS = 300


@pytest.fixture
def batch():
    """Two views, labels, and the probabilities of two networks that the labels are clean."""
    targets = functional.one_hot(torch.randint(CLASSES, (SIZE,)), CLASSES).double()
    views = torch.randn(2, SIZE, 1, 2, 2, dtype=torch.float64)
    clean = torch.rand(2, SIZE, dtype=torch.float64)
    return Batch(views[0], targets, torch.arange(SIZE), {"clean": clean}, {}, (views[1],))


def predict(inputs, training=True, commit=False):
    """Two fixed linear networks, half as sure in evaluation mode."""
    weights = torch.linspace(-3, 3, 2 * 4 * CLASSES, dtype=torch.float64).view(2, 4, CLASSES).sin() * 3
    return torch.einsum("bp,kpc->kbc", inputs.flatten(1), weights) * (1.0 if training else 0.5)


def test_warm_up_trains_on_both_views_with_the_given_labels(at_work, clock_at, batch):
    found = at_work("dividemix").guess(predict, batch, clock_at(5, EPOCHS))
    assert torch.equal(found.targets, batch.targets.repeat(2, 1).expand(2, -1, -1))
    torch.testing.assert_close(found.inputs, torch.cat([batch.inputs, *batch.views]).expand(2, *[-1] * 4))
    logits = torch.randn(2, 2 * SIZE, CLASSES, dtype=torch.float64)
    expected = functional.cross_entropy(logits[0], found.targets[0])
    torch.testing.assert_close(at_work("dividemix").loss(logits, found, clock_at(5, EPOCHS))[0].mean(), expected)


def test_its_own_passes_in_training_mode_move_batchnorms_statistics(at_work, clock_at, batch):
    """In the official code these are passes of the network that is trained, without gradient."""
    asked = []

    def asking(inputs, training=True, commit=False):
        asked.append((training, commit))
        return predict(inputs, training)

    at_work("dividemix").guess(asking, batch, clock_at(50, EPOCHS))
    assert sorted(asked) == [(False, False), (False, False), (True, True), (True, True)]


def targets_by_hand(batch, threshold=0.5, temperature=0.5):
    """Co-refinement and co-guessing, one network and one sample at a time."""
    first, second = (predict(view).softmax(-1) for view in (batch.inputs, batch.views[0]))
    still = [predict(view, training=False).softmax(-1) for view in (batch.inputs, batch.views[0])]
    rows = torch.empty(2, SIZE, CLASSES, dtype=torch.float64)
    for k in range(2):
        for b in range(SIZE):
            w = batch.memory["clean"][1 - k, b]
            own = (first[k, b] + second[k, b]) / 2
            every = (first[k, b] + second[k, b] + still[0][1 - k, b] + still[1][1 - k, b]) / 4
            soft = w * batch.targets[b] + (1 - w) * own if w > threshold else every
            rows[k, b] = soft ** (1 / temperature) / (soft ** (1 / temperature)).sum()
    return rows


def test_targets_and_mixture_equal_the_formulas(at_work, clock_at, batch):
    found = at_work("dividemix").guess(predict, batch, clock_at(50, EPOCHS))
    plain = targets_by_hand(batch).repeat(1, 2, 1)
    inputs = torch.cat([batch.inputs, *batch.views])
    assert torch.equal(found.memory["clean"], batch.memory["clean"].flip(0).repeat(1, 2))
    assert torch.equal(found.index, batch.index)
    for k in range(2):
        shares = []
        for b in range(2 * SIZE):  # which partner and which share explain this row of the mixture?
            fits = []
            for other in range(2 * SIZE):
                way, moved = inputs[other] - inputs[b], found.inputs[k, b] - inputs[b]
                if other == b:
                    fits.append((moved.abs().max().item(), 1.0, other))
                    continue
                part = (way * moved).sum() / way.square().sum()
                fits.append(((moved - part * way).abs().max().item(), 1 - part.item(), other))
            error, share, other = min(fits)
            assert error < 1e-9
            expected = share * plain[k, b] + (1 - share) * plain[k, other]
            torch.testing.assert_close(found.targets[k, b], expected, atol=1e-7, rtol=1e-6)
            if share < 1 - 1e-9:  # a row may be its own partner
                shares.append(share)
        assert max(shares) - min(shares) < 1e-9 and min(shares) >= 0.5, "one share for the batch, nearer to the first"


@pytest.mark.parametrize("lam_u", [0.0, 25.0])
@pytest.mark.parametrize(("epoch", "rise"), [(18, 8.1 / 16), (200, 1.0)])
def test_loss_and_gradient_equal_the_formula(at_work, clock_at, lam_u, epoch, rise):
    logits = (2 * torch.randn(2, SIZE, CLASSES, dtype=torch.float64)).requires_grad_()
    targets = torch.rand(2, SIZE, CLASSES, dtype=torch.float64).softmax(-1)
    clean = torch.rand(2, SIZE, dtype=torch.float64)
    batch = Batch(torch.zeros(SIZE, 1), targets, torch.arange(SIZE), {"clean": clean})
    found = at_work(f"dividemix(lam_u={lam_u})").loss(logits, batch, clock_at(epoch, EPOCHS)).mean(-1).sum()
    expected = 0.0
    for k in range(2):
        mask, p = clean[k] > 0.5, logits[k].softmax(-1)
        supervised = functional.cross_entropy(logits[k][mask], targets[k][mask])
        consistency = functional.mse_loss(p[~mask], targets[k][~mask])
        penalty = functional.kl_div(p.mean(0).log(), torch.full((CLASSES,), 1 / CLASSES).double(), reduction="sum")
        expected = expected + supervised + lam_u * rise * consistency + penalty
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
    gradients = [torch.autograd.grad(x, logits, retain_graph=True)[0] for x in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("clean", [0.0, 1.0], ids=["nothing labelled", "everything labelled"])
def test_an_empty_part_leaves_loss_and_gradient_finite(at_work, clock_at, batch, clean):
    batch.memory["clean"][:] = clean
    found = at_work("dividemix").guess(predict, batch, clock_at(50, EPOCHS))
    logits = torch.randn(2, 2 * SIZE, CLASSES, dtype=torch.float64, requires_grad=True)
    loss = at_work("dividemix").loss(logits, found, clock_at(50, EPOCHS)).sum()
    assert loss.isfinite() and torch.autograd.grad(loss, logits)[0].isfinite().all()


def test_the_split_is_that_of_the_mixture(at_work, clock_at):
    method = at_work("dividemix")
    assert torch.equal(method.start(Task(torch.eye(10).double(), 2, {}))["clean"], torch.ones(2, 10).double())
    losses = torch.cat([torch.rand(60), 3 + torch.rand(40)]).double().expand(2, -1)
    clean = method.observe(Record(losses, losses.long(), {}), clock_at(50))["clean"]
    assert torch.equal(clean > 0.5, losses < 2)


@pytest.fixture(scope="module")
def trained():
    source = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (120, 1, 8, 8), generator=source).to(torch.uint8)
    given = torch.randint(10, (120,), generator=source)
    split = Split(images[:80], given[:80], images[80:], given[80:], 10, (0.3,), (0.4,), {"test": images[80:]})
    job = Job(setting("digits/clean").override(epochs=3, batch_size=16), parse("dividemix"), 0, split)
    return list(fit(job, device="cpu", precision="fp64"))


def test_is_scored_by_its_ensemble(trained):
    assert trained[-1].predictions["test"].shape == (1, 40)
    assert trained[-1].validation_predictions.shape == (1, 40)
    assert not trained[-1].ensemble


def test_every_pass_is_charged(trained):
    # Two networks: two views guessed in both modes, a batch of twice the size; from the second epoch on the exact pass.
    assert [epoch.backward for epoch in trained] == [4, 4, 4]
    assert [epoch.forward for epoch in trained] == [12, 14, 14]
    assert all(math.isfinite(epoch.loss) for epoch in trained)
