"""DISC: sets, mixtures within them, warm-up, and a training in which wrong labels are found."""

import pytest
import torch
from torch.nn import functional

from lnlbench.benchmark.conformance.subject import NOISY, Subject
from lnlbench.benchmark.engine.device import choose_compute
from lnlbench.benchmark.engine.loop import Loop
from lnlbench.methods import Batch
from lnlbench.methods.disc import CLEAN, HARD, LEFT_OUT, PURIFIED, shuffled

SIZE, CLASSES = 12, 4


@pytest.fixture
def batch():
    labels = functional.one_hot(torch.arange(SIZE) % CLASSES, CLASSES).double()
    kinds = torch.tensor([[CLEAN, HARD, PURIFIED, LEFT_OUT] * (SIZE // 4)])
    memory = {"set": kinds, "label": torch.full((1, SIZE), 3)}
    weak, strong = torch.randn(2, SIZE, 1, 2, 2, dtype=torch.float64)
    return Batch(weak, labels, torch.arange(SIZE), memory, strong=(strong,))


def test_members_are_shuffled_among_themselves():
    members = torch.rand(3, 40, generator=torch.Generator().manual_seed(0)) < 0.4
    partner = shuffled(members, torch.rand(3, 40, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(partner.sort(-1).values, torch.arange(40).expand(3, -1))
    assert torch.equal(members.gather(1, partner), members)
    assert (partner != torch.arange(40))[members].any()
    assert not torch.equal(partner, shuffled(members, torch.rand(3, 40, generator=torch.Generator().manual_seed(2))))


def test_mixtures_are_of_one_view_and_of_the_sets_with_labels_replaced(at_work, clock_at, batch):
    found = at_work("disc", CLASSES).guess(None, batch, clock_at(50))
    weak, strong, *mixed = found.inputs[0].chunk(4)
    assert torch.equal(weak, batch.inputs) and torch.equal(strong, batch.strong[0])
    chosen = batch.memory["set"][0]
    labels = torch.where((chosen == PURIFIED).unsqueeze(-1), torch.eye(CLASSES)[3].double(), batch.targets)
    for view, plain, targets in zip(mixed, (weak, strong), found.memory["mixed"][:, 0], strict=True):
        for b in torch.nonzero(chosen != LEFT_OUT).flatten().tolist():
            fits = []
            for other in torch.nonzero(chosen != LEFT_OUT).flatten().tolist():
                way, moved = plain[other] - plain[b], view[b] - plain[b]
                part = 0.0 if other == b else ((way * moved).sum() / way.square().sum()).item()
                fits.append(((moved - part * way).abs().max().item(), part, other))
            error, part, other = min(fits)
            assert error < 1e-9 and part <= 0.5
            torch.testing.assert_close(targets[b], (1 - part) * labels[b] + part * labels[other])


def test_the_warm_up_is_cross_entropy_on_both_views(at_work, clock_at, batch):
    method = at_work("disc", CLASSES)
    logits = torch.randn(1, 4 * SIZE, CLASSES, dtype=torch.float64)
    found = method.loss(logits, method.guess(None, batch, clock_at(5)), clock_at(5))
    labels = batch.targets.argmax(-1)
    expected = sum(functional.cross_entropy(logits[0, i * SIZE :][:SIZE], labels, reduction="none") for i in (0, 1))
    torch.testing.assert_close(found[0], expected)


def test_a_sample_that_is_left_out_counts_for_nothing(at_work, clock_at, batch):
    method = at_work("disc", CLASSES)
    logits = torch.randn(1, 4 * SIZE, CLASSES, dtype=torch.float64, requires_grad=True)
    loss = method.loss(logits, method.guess(None, batch, clock_at(50)), clock_at(50))
    (slope,) = torch.autograd.grad(loss.sum(), logits)
    out = (batch.memory["set"][0] == LEFT_OUT).repeat(4)
    assert not slope[0, out].any() and not loss[0, out[:SIZE]].any()
    assert slope[0, ~out].any(-1).sum() > 2 * SIZE


def test_labels_that_are_left_out_are_mostly_wrong():
    subject = Subject("disc(momentum=0.9)")
    _, data = subject.prepared(NOISY, 20)
    loop = Loop(subject.job(NOISY, 20), choose_compute("cpu", "fp32"))
    for _ in range(20):
        loop.advance()
    wrong = data.split.given != data.truth.train
    chosen = loop.memory["set"][0]
    assert (chosen == CLEAN).any() and (chosen == LEFT_OUT).any()
    assert wrong[chosen == CLEAN].double().mean() < 0.7 * wrong.double().mean()
    assert wrong[(chosen == LEFT_OUT) | (chosen == PURIFIED)].double().mean() > 1.5 * wrong.double().mean()
