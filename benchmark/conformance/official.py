"""Our methods against fixed numbers of their official codes: losses, gradients, and single steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lnlbench.benchmark.conformance.official_steps import CPU, STEPS, Fixed, clock_at, labels_of, numbers
from lnlbench.benchmark.conformance.official_views import VIEWS
from lnlbench.benchmark.conformance.subject import Finding, Subject
from lnlbench.methods._compose import Composition
from lnlbench.methods._parse import parse
from lnlbench.methods.base import Batch, Task


@dataclass(frozen=True)
class Agreement:
    """How far a method is from numbers of an official code."""

    method: str
    code: str  # repository, file, and what of it
    difference: float  # the largest, of losses and gradients
    bound: float  # the largest that is explained
    why: str  # what differs, if anything does


def agreements(name: str = "") -> list[Agreement]:
    """Compare every method that has fixed numbers, or one by its name without values."""
    kinds = (("loss", of_loss), ("step", of_step))
    cases = [(case, compare) for kind, compare in kinds for case in numbers()[kind]]
    return [compare(case) for case, compare in cases if not name or case["method"].partition("(")[0] == name]


def of_loss(case: dict[str, Any]) -> Agreement:
    """Compare the losses of fixed logits, and the gradients of those of three classes."""
    gaps = []
    for inputs in numbers()["inputs"].keys() & case.keys():
        losses, slopes = loss_of(case, **numbers()["inputs"][inputs])
        gaps.append(losses - torch.tensor(case[inputs], dtype=torch.float64))
        if inputs == "three":
            gaps.append(slopes - torch.tensor(case["gradient"], dtype=torch.float64))
    return agreement(case, torch.cat([gap.flatten() for gap in gaps]))


def of_step(case: dict[str, Any]) -> Agreement:
    """Compare anything else."""
    found = (STEPS | VIEWS)[case["name"]](at_work(case["method"])).double().flatten()
    return agreement(case, found - torch.tensor(case["value"], dtype=torch.float64))


def agreement(case: dict[str, Any], gaps: Tensor) -> Agreement:
    """Return what a comparison came to."""
    return Agreement(case["method"], case["code"], gaps.abs().max().item(), case["bound"], case["why"])


def loss_of(case: dict[str, Any], logits: list[list[float]], labels: list[int]) -> tuple[Tensor, Tensor]:
    """Return losses [B] of a method, summed over its networks, and their gradients [B, C] by the first one's logits."""
    z = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    size, classes = z.shape
    method, targets = at_work(case["method"]), labels_of(labels, classes)
    matrix = torch.tensor(case.get("matrix", []), dtype=torch.float64)
    told = {"transition_matrix": matrix, "noise_rate": torch.tensor(0.0)}
    draws = Fixed(torch.tensor(case["integers"]) if "integers" in case else None)
    clock = clock_at(case.get("epoch", 0), case.get("epochs", 100), draws)
    given = case.get("given", labels)
    index = torch.tensor([given.index(label) for label in labels]) if "given" in case else torch.arange(size)
    task = Task(labels_of(given, classes), method.networks, told)
    memory, carried = method.start(task), method.carry(task)
    for name, value in case.get("memory", {}).items():
        kept = carried if name in carried else memory
        kept[name] = torch.full_like(kept[name], value)
    rows = {name: value[:, index] for name, value in memory.items()}
    networks = [z, torch.tensor(case["other"], dtype=torch.float64)] if "other" in case else [z]
    past = torch.tensor(case["past"], dtype=torch.float64) if "past" in case else z
    for seen in (past, z) if "past" in case else ():
        rows |= method.remember(seen.detach().unsqueeze(0), Batch(z, targets, index, rows, told), clock)
    views = torch.tensor(case.get("view", []), dtype=torch.float64).reshape(-1, classes)  # logits of the second view
    seen = torch.stack([torch.cat([one, views]) for one in networks])
    losses = method.loss(seen, Batch(z, targets, index, rows, told, (), carried), clock).sum(0)
    (slopes,) = torch.autograd.grad(losses.sum(), z)
    return losses.detach(), slopes


def at_work(text: str) -> Composition:
    """Return a method as the training loop works with it, in float64."""
    return parse(text).tensors(CPU, torch.float64)


def agrees(subject: Subject) -> Iterator[Finding]:
    """Check that a method is what the fixed numbers of its official code say; where there are none, say so."""
    compared = [found for part in subject.method.parts for found in agreements(part.name)]
    if not compared:
        yield Finding("", fault=False, result="none")
    for found in compared:
        if not found.difference <= found.bound:
            yield Finding(f"{found.method} is {found.difference:.3g} off the numbers of {found.code}")
