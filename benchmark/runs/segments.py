"""Segment gradients, tangent kernels and stable ranks: the definitions that studies and runs share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import grad, vmap
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

Weights = Mapping[str, Tensor]
Forward = Callable[[Weights, Any], Tensor]
"""`forward(weights, inputs)`: logits [B, C] in evaluation mode; [B, 1] for two classes told apart by one logit."""
Batches = Callable[[Tensor], Iterator[tuple[Tensor, Any]]]
"""The samples of an index [M] in parts: of each their places in the index, and what `forward` takes."""


@dataclass(frozen=True)
class Segments:
    """Gradients of the samples with correct and with wrong labels, apart for each true class; NaN where there are none.

    The gradient of a segment is the sum over its samples of (f_c - y_c) ∇h_c, with c their true class.
    Source: Liu et al. 2023 (arXiv 2306.02533), eq. 10 and the definition before it.
    """

    clean: Tensor  # [C] norms, float64, on the CPU
    noisy: Tensor  # [C]
    cosine: Tensor  # [C] of the two
    counts: Tensor  # int64 [C, 2] samples with correct and with wrong label

    @property
    def ratio(self) -> float:
        """The pooled ratio Σ_c |g_clean| / Σ_c |g_noisy|; single ones are unstable where a norm nearly vanishes."""
        return float(self.clean.nansum() / self.noisy.nansum())

    @property
    def mean_cosine(self) -> float:
        """The mean cosine of the classes that have both segments."""
        return float(self.cosine.nanmean())

    @property
    def expected(self) -> Tensor:
        """The ratio of each class [C] that the counts alone predict where f = 1/C."""
        return max(1, len(self.counts) - 1) * self.counts[:, 0].double() / self.counts[:, 1]


def residuals(logits: Tensor, labels: Tensor) -> Tensor:
    """Return f - y [B, C] for labels [B]; for one logit [B, 1] the sigmoid minus the label."""
    if logits.shape[-1] == 1:
        return logits.sigmoid() - labels.unsqueeze(-1).to(logits)
    return logits.softmax(-1) - one_hot(labels, logits.shape[-1]).to(logits)


def losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy [B] against labels [B]; the logistic loss where there is one logit."""
    if logits.shape[-1] == 1:
        return binary_cross_entropy_with_logits(logits.squeeze(-1), labels.to(logits), reduction="none")
    return cross_entropy(logits, labels, reduction="none")


def predicted(logits: Tensor) -> Tensor:
    """Return the predicted classes [...] of logits [..., C]."""
    return (logits.squeeze(-1) > 0).long() if logits.shape[-1] == 1 else logits.argmax(-1)


def segments(forward: Forward, weights: Weights, batches: Batches, given: Tensor, true: Tensor) -> Segments:
    """Return the gradients of all segments: each sample is in exactly one, so that together they cost one sweep.

    Args:
        forward: the network in evaluation mode.
        weights: to differentiate by.
        batches: of inputs, by index.
        given: int64 [N] labels as given.
        true: int64 [N].
    """
    leaves, classes = _leaves(weights), int(true.max()) + 1
    nan = float("nan")
    norms, cosine = torch.full((classes, 2), nan, dtype=torch.float64), torch.full((classes,), nan, dtype=torch.float64)
    counts = torch.zeros(classes, 2, dtype=torch.int64)
    for label in range(classes):
        found = []
        for wrong in (False, True):
            index = ((true == label) & ((given != true) == wrong)).nonzero().flatten()
            counts[label, int(wrong)] = len(index)
            if len(index):
                found.append(_swept(forward, leaves, batches, index, _single(given, label)))
                norms[label, int(wrong)] = norm(found[-1])
        if len(found) == 2:
            cosine[label] = cosine_of(*found)
    return Segments(norms[:, 0], norms[:, 1], cosine, counts)


def gradient(forward: Forward, weights: Weights, batches: Batches, index: Tensor, labels: Tensor) -> list[Tensor]:
    """Return the gradient of the summed cross-entropies of samples index [M] against labels [N], one per weight."""
    return _swept(forward, _leaves(weights), batches, index, lambda logits, at: losses(logits, labels[at]).sum())


def norm(tensors: Sequence[Tensor]) -> float:
    """Return the Euclidean norm of all tensors together."""
    return math.sqrt(dot(tensors, tensors))


def dot(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    """Return the inner product of all tensors together, in float64: segment gradients nearly cancel."""
    return float(sum((x.double() * y.double()).sum() for x, y in zip(a, b, strict=True)))


def cosine_of(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    """Return the cosine of the angle between two gradients; NaN where one of them vanishes."""
    size = norm(a) * norm(b)
    return dot(a, b) / size if size > 0 else float("nan")


def kernel(forward: Forward, weights: Weights, inputs: Tensor, part: int = 16) -> Tensor:
    """Return the tangent kernel [P, P] of the sum of the logits over √C, float64, on the CPU.

    One weight after another, so that no more than the per-sample gradients of one lie in memory.

    Args:
        forward: the network in evaluation mode.
        weights: at which it is differentiated.
        inputs: [P, ...].
        part: samples differentiated at once.
    """
    frozen = {name: weight.detach() for name, weight in weights.items()}
    total = torch.zeros(len(inputs), len(inputs), dtype=torch.float64)
    for name in frozen:

        def value(weight: Tensor, x: Tensor, name: str = name) -> Tensor:
            logits = forward({**frozen, name: weight}, x.unsqueeze(0))
            total: Tensor = logits.sum() / math.sqrt(logits.shape[-1])
            return total

        rows = vmap(grad(value), in_dims=(None, 0), chunk_size=part)(frozen[name], inputs).flatten(1)
        total += (rows @ rows.T).double().cpu()
    return total


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """1 - <A, B> / (|A| |B|) for two kernels [P, P]: 0 where one is a multiple of the other."""
    return float(1 - (a * b).sum() / (a.norm() * b.norm()))


def alignment(found: Tensor, labels: Tensor) -> float:
    """Return the centred alignment of a kernel [P, P] with Y Yᵀ of labels int64 [P], in [-1, 1].

    Source: Cortes, Mohri and Rostamizadeh, "Algorithms for Learning Kernels Based on Centered Alignment", 2012, def. 4.
    """
    target = (labels[:, None] == labels[None, :]).to(found)
    a, b = (k - k.mean(0, keepdim=True) - k.mean(1, keepdim=True) + k.mean() for k in (found, target))
    size = a.norm() * b.norm()
    return float((a * b).sum() / size) if size > 0 else float("nan")


def stable_rank(weight: Tensor) -> float:
    """|W|_F² / |W|_2² of a weight [O, ...], its other axes taken together; the 2-norm by power iteration."""
    matrix = weight.detach().flatten(1).double()
    squares = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
    vector = squares.norm(dim=1)  # not orthogonal to the leading direction, but by chance
    for _ in range(20):
        vector = squares @ (vector / vector.norm().clamp(min=1e-300))
    top = float(vector.norm())
    return float(squares.diagonal().sum()) / top if top > 0 else float("nan")


@torch.no_grad()
def fill_statistics(network: nn.Module, parts: Iterable[Tensor]) -> None:
    """Give BatchNorm the mean statistics of some inputs: before the first step it has none. Ends in evaluation mode."""
    network.eval()
    found = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [module.momentum for module in found]
    for module in found:
        module.reset_running_stats()
        module.momentum = None  # the mean of all parts
        module.train()
    for part in parts if found else ():
        network(part)
    for module, momentum in zip(found, momenta, strict=True):
        module.momentum = momentum
        module.eval()


def _leaves(weights: Weights) -> dict[str, Tensor]:
    return {name: weight.detach().requires_grad_() for name, weight in weights.items()}


def _single(given: Tensor, label: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Σ (f_c - y_c) h_c with the factor held fixed: its gradient is that of the segment."""

    def total(logits: Tensor, at: Tensor) -> Tensor:
        place = 0 if logits.shape[-1] == 1 else label
        return (residuals(logits, given[at])[:, place].detach() * logits[:, place]).sum()

    return total


def _swept(
    forward: Forward,
    leaves: dict[str, Tensor],
    batches: Batches,
    index: Tensor,
    objective: Callable[[Tensor, Tensor], Tensor],
) -> list[Tensor]:
    """Return the gradient of the sum of an objective over the samples of an index."""
    total = [torch.zeros_like(leaf) for leaf in leaves.values()]
    for places, inputs in batches(index):
        value = objective(forward(leaves, inputs), index[places])
        found = torch.autograd.grad(value, list(leaves.values()), materialize_grads=True)
        for mine, new in zip(total, found, strict=True):
            mine += new
    return total
