"""VolMinNet: its matrix, the step that the matrix takes against autograd, and what it learns of noise."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from lnlbench.methods import Batch, Task
from lnlbench.methods.volminnet import transitions

CLASSES = 4


def start(method, networks=1):
    return method.carry(Task(torch.eye(CLASSES, dtype=torch.float64), networks, {}))


def test_the_matrix_begins_with_the_fixed_numbers_of_its_code(at_work):
    """1 / (1 + 9 sigmoid(-2)) on the diagonal of ten classes."""
    w = at_work("volminnet").carry(Task(torch.eye(10, dtype=torch.float64), 1, {}))["w"]
    matrix = transitions(w)[0][0]
    assert matrix[0, 0].item() == pytest.approx(0.4824331, abs=1e-6)
    assert matrix[0, 1].item() == pytest.approx(0.0575074, abs=1e-6)
    assert matrix.sum(-1).tolist() == pytest.approx([1.0] * 10)


def test_the_matrix_takes_the_steps_of_adam_on_the_gradient_of_autograd(at_work, clock_at):
    method = at_work("volminnet(lam=0.3, lr=0.07)")
    carried = start(method, 2)
    carried["w"] = carried["w"] + torch.randn(2, CLASSES, CLASSES, dtype=torch.float64)
    w = carried["w"].clone().requires_grad_()
    optimizer = torch.optim.Adam([w], lr=0.07)
    for step, epoch in enumerate((0, 10, 40, 80)):
        logits = 2 * torch.randn(2, 16, CLASSES, dtype=torch.float64)
        targets = functional.one_hot(torch.randint(CLASSES, (16,)), CLASSES).double()
        optimizer.param_groups[0]["lr"] = 0.07 * {0: 1, 10: 1, 40: 0.1, 80: 0.01}[epoch]
        optimizer.zero_grad()
        matrix = functional.normalize(torch.eye(CLASSES) + w.sigmoid() * (1 - torch.eye(CLASSES)), p=1, dim=-1)
        fit = -(targets * (logits.softmax(-1) @ matrix).log()).sum(-1).mean(-1)
        (fit + 0.3 * matrix.slogdet().logabsdet).sum().backward()
        optimizer.step()
        batch = Batch(targets, targets, torch.arange(16), {}, carried=carried)
        carried = method.remember(logits, batch, replace(clock_at(epoch), step=torch.tensor(step)))
        assert torch.allclose(carried["w"], w.detach(), rtol=0, atol=1e-12)


def test_loss_is_forward_correction_with_the_matrix(at_work, clock_at):
    method = at_work("volminnet")
    carried = start(method)
    logits = torch.randn(1, 5, CLASSES, dtype=torch.float64)
    targets = functional.one_hot(torch.tensor([0, 1, 2, 3, 0]), CLASSES).double()
    found = method.loss(logits, Batch(targets, targets, torch.arange(5), {}, carried=carried), clock_at())
    expected = -(targets * (logits.softmax(-1) @ transitions(carried["w"])[0]).log()).sum(-1)
    assert torch.allclose(found, expected)


def test_the_matrix_of_the_noise_is_learnt_from_a_network_that_knows_the_classes(at_work, clock_at):
    noise = 0.6 * torch.eye(CLASSES) + 0.4 * torch.eye(CLASSES).roll(1, 1)  # each class is taken for the next
    truth = torch.arange(CLASSES).repeat_interleave(500)
    given = torch.where(torch.arange(2000) % 500 < 300, truth, (truth + 1) % CLASSES)
    logits = (12 * functional.one_hot(truth, CLASSES)).double().unsqueeze(0)
    targets = functional.one_hot(given, CLASSES).double()
    method = at_work("volminnet(lr=0.03)")
    carried = start(method)
    for step in range(600):
        batch = Batch(targets, targets, torch.arange(2000), {}, carried=carried)
        carried = method.remember(logits, batch, replace(clock_at(), step=torch.tensor(step)))
    assert (transitions(carried["w"])[0][0] - noise).abs().max() < 0.05
