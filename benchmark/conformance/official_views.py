"""What our methods do with several views, or with mixtures, on fixed logits, by the names that `official.toml` uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lnlbench.benchmark.conformance.official_steps import OTHER, TWO, Fixed, clock_at, labels_of
from lnlbench.methods._compose import Composition
from lnlbench.methods.base import Batch, Task, remembering

LABELS = (0, 1, 2, 2)


class Halves(Fixed):
    """Mixtures in halves, of each sample with that at the other end."""

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Return a half where one number is asked for, else a falling row."""
        row = torch.linspace(0.9, 0.5, shape[-1]) if shape[-1] > 1 else torch.tensor([0.5])
        return row.expand(tuple(shape))


def sop_plus_objective(method: Composition) -> Tensor:
    """Return the objective of four samples at u 0.3 and v 0.2, and its gradient by the logits of both views."""
    y = labels_of(LABELS, 4)
    memory = {
        "u": torch.full((1, 4, 1), 0.3, dtype=torch.float64),
        "v": torch.full((1, 4, 4), 0.2, dtype=torch.float64),
    }
    return objective(method, Batch(TWO, y, torch.arange(4), memory), torch.cat([TWO, OTHER]).unsqueeze(0))


def elr_plus_objective(method: Composition) -> Tensor:
    """Return the objective of two networks on mixtures, and its gradient by their logits."""
    y, clock = labels_of(LABELS, 4), clock_at(50, random=Halves())
    memory = {"target": torch.full((2, 4, 4), 0.1, dtype=torch.float64)}

    def predict(inputs: Tensor, training: bool = True, averaged: bool = False, commit: bool = False) -> Tensor:
        assert training and averaged
        return torch.stack([inputs, inputs.flip(0) * 0.7 + 0.1])

    batch = method.guess(predict, Batch(TWO, y, torch.arange(4), memory), clock)
    batch = remembering(batch, method.remember(batch.inputs, batch, clock))
    return objective(method, batch, batch.inputs * torch.tensor([1.0, 2.0]).view(2, 1, 1))


def disc_sets(method: Composition) -> Tensor:
    """Return set, label and thresholds of eight samples after a visit: some of each set."""
    usual = torch.tensor([[0.3, 0.2], [0.5, 0.02], [0.05, 0.1], [0.4, 0.8], *[[0.5, 0.5]] * 4], dtype=torch.float64)
    targets = labels_of((0, 1, 0, 3, 0, 0, 0, 0), 4)
    start = method.start(Task(targets, 1, {}))
    batch = Batch(targets, targets, torch.arange(8), {**start, "usual": usual.unsqueeze(0)})
    views = [2 * TWO, TWO, TWO + OTHER, OTHER]
    logits = torch.cat([*views, *views]).unsqueeze(0)
    found = method.remember(logits, batch, clock_at(50))
    return torch.cat([found["set"].flatten(), found["label"].flatten(), found["usual"].flatten()])


def disc_objective(method: Composition) -> Tensor:
    """Return the objective of a clean, a hard, a purified (of label 3) and a left-out sample, and its gradient."""
    memory = {"set": torch.tensor([[1, 2, 3, 0]]), "label": torch.tensor([[0, 1, 3, 0]])}
    batch = Batch(TWO, labels_of(LABELS, 4), torch.arange(4), memory, strong=(OTHER,))
    batch = method.guess(
        lambda inputs, training=True, averaged=False, commit=False: inputs, batch, clock_at(50, random=Halves())
    )
    return objective(method, batch, batch.inputs)


def objective(method: Composition, batch: Batch, logits: Tensor) -> Tensor:
    """Return the mean loss of each network, and the gradient of their sum by the logits."""
    leaves = logits.detach().clone().requires_grad_()
    means = method.loss(leaves, batch, clock_at(50)).mean(-1)
    (slopes,) = torch.autograd.grad(means.sum(), leaves)
    return torch.cat([means.detach(), slopes.flatten()])


VIEWS: dict[str, Callable[[Composition], Tensor]] = {
    step.__name__: step for step in (sop_plus_objective, elr_plus_objective, disc_sets, disc_objective)
}
"""By the name in the file, as `STEPS`."""
