"""ELR+: targets of the other network's average, mixtures of them, and how slowly the average moves."""

import math

import pytest
import torch
from torch.nn import functional

from lnlbench.methods import Batch, Task

SIZE, CLASSES = 10, 4


@pytest.fixture
def batch():
    labels = functional.one_hot(torch.arange(SIZE) % CLASSES, CLASSES).double()
    memory = {"target": torch.rand(2, SIZE, CLASSES, dtype=torch.float64) / CLASSES}
    return Batch(torch.randn(SIZE, 1, 2, 2, dtype=torch.float64), labels, torch.arange(SIZE), memory)


def predict(inputs, training=True, averaged=False):
    assert training and averaged, "targets are those of averaged weights, in training mode"
    weights = torch.linspace(-3, 3, 2 * 4 * CLASSES, dtype=torch.float64).view(2, 4, CLASSES).sin() * 2
    return torch.einsum("bp,kpc->kbc", inputs.flatten(1), weights)


def test_targets_are_a_running_mean_of_what_the_other_network_says_of_the_whole_image(at_work, clock_at, batch):
    method = at_work("elr_plus(beta=0.6)", CLASSES)
    found = method.guess(predict, batch, clock_at())
    said = predict(batch.inputs, averaged=True).softmax(-1)
    expected = 0.6 * batch.memory["target"] + 0.4 * torch.stack([said[1], said[0]])
    torch.testing.assert_close(found.memory["target"], expected)
    assert torch.equal(method.remember(None, found, clock_at())["target"], found.memory["target"])
    assert torch.equal(method.start(Task(batch.targets, 2, {}))["target"], torch.zeros(2, SIZE, CLASSES).double())


def test_images_labels_and_targets_are_mixed_alike(at_work, clock_at, batch):
    found = at_work("elr_plus", CLASSES).guess(predict, batch, clock_at())
    shares = []
    for k in range(2):
        for b in range(SIZE):
            fits = []
            for other in range(SIZE):
                way = batch.inputs[other] - batch.inputs[b]
                moved = found.inputs[k, b] - batch.inputs[b]
                part = 0.0 if other == b else ((way * moved).sum() / way.square().sum()).item()
                fits.append(((moved - part * way).abs().max().item(), part, other))
            error, part, other = min(fits)
            assert error < 1e-9 and part <= 0.5
            for mixed, plain in (
                (found.targets[k], batch.targets),
                (found.memory["mixed"][k], found.memory["target"][k]),
            ):
                torch.testing.assert_close(mixed[b], (1 - part) * plain[b] + part * plain[other])
            shares.append((k, round(part, 9)))
    assert len({share for share in shares if share[1]}) == 2, "one share for each network"


@pytest.mark.parametrize(
    ("epoch", "kept"), [(0, 0.997 * math.exp(-5)), (20, 0.997 * math.exp(-5 * (1 - 0.391) ** 2)), (60, 0.997)]
)
def test_the_average_forgets_slower_and_slower(at_work, clock_at, epoch, kept):
    ones, zeros = ([{"w": torch.full((3,), x, dtype=torch.float64)}] for x in (1.0, 0.0))
    (found,) = at_work("elr_plus").average(zeros, ones, clock_at(epoch, 100))
    assert found["w"].tolist() == pytest.approx([kept] * 3, rel=1e-6)


def test_a_prediction_that_agrees_with_its_target_lowers_the_loss(at_work, clock_at, batch):
    logits = torch.zeros(2, SIZE, CLASSES, dtype=torch.float64)
    memory = {"mixed": torch.eye(CLASSES, dtype=torch.float64)[[0]].expand(2, SIZE, -1)}
    held = Batch(batch.inputs, batch.targets, batch.index, memory)
    loss = at_work("elr_plus", CLASSES).loss(logits, held, clock_at())
    torch.testing.assert_close(loss, torch.full_like(loss, math.log(CLASSES) + 3 * math.log(1 - 1 / CLASSES)))
