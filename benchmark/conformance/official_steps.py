"""What our methods do on the inputs of `official.toml` beside their losses, by the names that the file uses."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, one_hot

from lnlbench.benchmark.engine.depth import Schedule
from lnlbench.benchmark.engine.epoch_numbers import weighted_mean
from lnlbench.benchmark.engine.models import build
from lnlbench.methods._compose import Composition
from lnlbench.methods.base import Batch, Clock, Method, Record, Task

CPU = torch.device("cpu")
LABELLED = torch.tensor([[0.2, 2.0, 0.0]], dtype=torch.float64)  # its given label is 0
TWO = torch.tensor(
    [[1.5, -0.5, 0.2, 0.1], [-0.3, 0.8, 2.1, 0.4], [0.7, 0.6, -1.2, 3.0], [2.2, 0.1, 0.3, -0.9]], dtype=torch.float64
)
OTHER = TWO.flip(0) * 0.7 + 0.1
FILE = Path(__file__).parent / "official.toml"


@cache
def numbers() -> dict[str, Any]:
    """Return what the file of fixed numbers holds."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


class Fixed:
    """Random numbers that are the same whatever is asked: a half, zero, or rows that were given."""

    def __init__(self, integers: Tensor | None = None, uniform: Tensor | None = None) -> None:
        self.integer, self.number = integers, uniform

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Return what was given, else halves."""
        return torch.full(tuple(shape), 0.5) if self.number is None else self.number.reshape(tuple(shape))

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Return zeros."""
        return torch.zeros(tuple(shape))

    def integers(self, high: int, shape: Sequence[int]) -> Tensor:
        """Return what was given less one, since methods count shifts from one; else zeros."""
        given = torch.zeros(tuple(shape), dtype=torch.int64) if self.integer is None else self.integer - 1
        return given.reshape(tuple(shape))


def clock_at(epoch: float = 0, epochs: float = 100, random: Fixed | None = None) -> Clock:
    """Return the clock of an epoch."""
    now, total, step, progress = (torch.tensor(t, dtype=torch.float64) for t in (epoch, epochs, 0.0, epoch / epochs))
    return Clock(now, total, step, progress, random or Fixed())


def labels_of(given: Sequence[int], classes: int) -> Tensor:
    """Return one-hot labels [N, C] in float64."""
    return one_hot(torch.tensor(given), classes).double()


def label_weights(method: Composition) -> Tensor:
    """Return the weight of each class's label in a training set of as many labels as CIFAR-10 has thousands."""
    counts = (7, 7, 3, 5, 3, 5, 5, 7, 5, 3)
    given = [label for label, count in enumerate(counts) for _ in range(count)]
    memory = method.start(Task(labels_of(given, 10), 1, {}))["label_weight"][0]
    return torch.stack([memory[given.index(k)] for k in range(10)])


def loss_of_corrected_targets(method: Composition) -> Tensor:
    """Return what the next weight of a sample is made from, whose first was 0.9: two others span the range."""
    losses = torch.cat([-LABELLED.log_softmax(-1)[:, :1], torch.tensor([[0.0], [10.0]]).double()]).T  # [1, 3]
    scaled = method.observe(Record(losses, torch.tensor([[1, 0, 0]]), {}), clock_at(90))["given_weight"]
    return 10 * scaled[0, :1]


def step_of_u(method: Composition) -> Tensor:
    """Return the steps of u of two samples, each alone in its batch, whose prediction is not their label."""
    part, found = method.parts[0], []
    for p in (8e-7, 0.2):
        logits = torch.tensor([[p, 1 - p]], dtype=torch.float64).log()
        memory = {"u": torch.full((1, 1, 1), 1e-3).double(), "v": torch.full((1, 1, 2), 1e-8).double()}
        batch = Batch(logits, labels_of([0], 2), torch.arange(1), memory)
        rate = torch.tensor(1.0, dtype=torch.float64)
        alike = replace(part, **dict.fromkeys(("lr_u", "lr_v"), rate))
        found.append(alike.remember(logits.unsqueeze(0), batch, clock_at())["u"] - 1e-3)
    return torch.cat(found).flatten()


def share_of_gradient(method: Composition) -> Tensor:
    """Return the gradient of the objective by the losses kept, over that of a mean over them."""
    losses = torch.rand(1, 16).double().requires_grad_()
    kept = (torch.arange(16) < 8).double().unsqueeze(0)
    weights = method.select(losses, losses, Batch(losses, losses, torch.arange(16), {"kept": kept}), clock_at())
    (slope,) = torch.autograd.grad(weighted_mean(losses, weights).sum(), losses)
    return 8 * slope[0, :1]


def forget_rates(method: Composition) -> Tensor:
    """Return what is forgotten in the first ten of two hundred epochs, at a noise rate of 0.4."""
    rate = {"noise_rate": torch.tensor(0.4, dtype=torch.float64)}
    batch = Batch(LABELLED, LABELLED, torch.arange(1), {}, rate)
    share = getattr(method.parts[0], "share")  # noqa: B009  (of small_loss and what is made from it)
    return torch.stack([1 - share(batch, clock_at(epoch, 200)) for epoch in range(10)])


def kept(method: Composition) -> Tensor:
    """Return how many samples of batches of 64, 100 and 128 are kept, at a noise rate of 0.3."""
    rate, found = {"noise_rate": torch.tensor(0.3, dtype=torch.float64)}, []
    for size in (64, 100, 128):
        losses = torch.arange(float(size)).double().unsqueeze(0)
        batch = Batch(losses, losses, torch.arange(size), {}, rate)
        found.append(method.select(losses, losses, batch, clock_at(50)).sum())
    return torch.stack(found)


def cosines_of_gradients(method: Composition) -> Tensor:
    """Return the cosines between the gradients of the method's loss and those of cross-entropy."""
    inputs = numbers()["inputs"]["ten"]
    logits = torch.tensor([inputs["logits"]], dtype=torch.float64, requires_grad=True)
    batch = Batch(logits, labels_of(inputs["labels"], 10), torch.arange(4), {})
    ours, plain = (torch.autograd.grad(m.loss(logits, batch, clock_at()).sum(), logits)[0] for m in (method, Method()))
    return cosine_similarity(ours, plain, dim=-1)[0]


def co_guess(method: Composition) -> Tensor:
    """Return the guessed target of the first network; both are half as sure in evaluation mode."""
    views = (torch.zeros(1, 1).double(), torch.ones(1, 1).double())
    answers = torch.stack([TWO[:2], OTHER[:2]])  # [network, view, C]

    def predict(inputs: Tensor, training: bool = True, averaged: bool = False, commit: bool = False) -> Tensor:
        return answers[:, int(inputs[0, 0].item())].unsqueeze(1) * (1.0 if training else 0.5)

    unclean = {"clean": torch.zeros(2, 1, dtype=torch.float64)}
    batch = Batch(views[0], labels_of([0], 4), torch.arange(1), unclean, {}, (views[1],))
    return method.guess(predict, batch, clock_at(50)).targets[0, 0]


def parameters_renewed(method: Composition) -> Tensor:
    """Return how many tensors of a ResNet-34 are drawn anew in the second phase, of two hundred epochs."""
    schedule = Schedule(build("resnet34", 10, (3, 32, 32), 0), CPU, torch.float64)
    return method.renew(schedule.depth, clock_at(25, 200)).sum()


def share_flipped(method: Composition) -> Tensor:
    """Return the share of a hundred labels that are others after `perturb`, of uniform numbers 0, 0.01, …, 0.99."""
    targets = labels_of([3] * 100, 10)
    random = Fixed(uniform=torch.arange(100) / 100, integers=torch.ones(100, 1, dtype=torch.int64))
    found = method.perturb(Batch(targets, targets, torch.arange(100), {}), clock_at(random=random))
    return (found.targets != targets).any(-1).double().mean()


STEPS: dict[str, Callable[[Composition], Tensor]] = {
    step.__name__: step
    for step in (
        label_weights, loss_of_corrected_targets, step_of_u, share_of_gradient, forget_rates, kept,
        cosines_of_gradients, co_guess, parameters_renewed, share_flipped,
    )
}  # fmt: skip
"""By the name in the file: a method at work, in float64, to its numbers."""
