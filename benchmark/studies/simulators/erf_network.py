"""Gradient descent of a two-layer erf network on a few images, and of its linearisation at the start.

As in the released notebook of Zhang et al. 2026: weights N(0, 1/fan-in), biases N(0, 1), loss half the mean square over
samples and outputs. Inputs are given in coordinates of their own span: gradients never leave it, so that nothing is
lost, and what the first layer has outside it is a constant of the norm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from lnlbench.benchmark.studies.simulators.array import Array

Params = tuple[Array, Array, Array, Array]
"""W [r, h], b [h], v [h, C], c [C]."""


@dataclass(frozen=True)
class Problem:
    """Training and test images in coordinates, labels, and the start."""

    x: Array  # [N, r]
    test: Array  # [T, r]
    y: Array  # one-hot [N, C]
    test_y: Array  # [T, C]
    start: Params
    outside: Array  # squared norm of each column of W outside the span [h]


@dataclass(frozen=True)
class Trace:
    """A log: E entries, the first before the first step."""

    steps: Array
    train: Array  # loss against the clean labels [E]
    test: Array
    norm: Array  # mean norm of the columns of the first layer [E]
    end: Params


def problem(draw: np.random.Generator, x: Array, test: Array, y: Array, test_y: Array, width: int) -> Problem:
    """Draw a start, and turn images [N, D] into coordinates."""
    images = np.concatenate([x, test])
    basis, _ = np.linalg.qr(images.T)  # [D, r]
    count, classes = images.shape[1], y.shape[1]
    W = draw.standard_normal((count, width)) / np.sqrt(count)
    inside = basis.T @ W
    v = draw.standard_normal((width, classes)) / np.sqrt(width)
    start: Params = inside, draw.standard_normal(width), v, np.asarray(draw.standard_normal(classes))
    outside = np.maximum((W**2).sum(0) - (inside**2).sum(0), 0)
    return Problem(x @ basis, test @ basis, y, test_y, start, outside)


def output(params: Params, x: Array) -> Array:
    """Return the outputs [N, C]."""
    W, b, v, c = params
    found: Array = erf(x @ W + b) @ v + c
    return found


def erf(u: Array) -> Array:
    """Return the error function of each number: torch takes a quarter of the time of SciPy, to the last bit but one."""
    found: Array = torch.from_numpy(u).erf().numpy()
    return found


def loss(f: Array, y: Array) -> float:
    """Half the mean square."""
    return float(((f - y) ** 2).mean() / 2)


def gradient(params: Params, x: Array, y: Array) -> Params:
    """Of the loss."""
    W, b, v, c = params
    u = x @ W + b
    phi = erf(u)
    e = (phi @ v + c - y) / y.size
    back = e @ v.T * _slope(u)
    return x.T @ back, back.sum(0), phi.T @ e, e.sum(0)


def kernel(params: Params, x: Array, other: Array) -> Array:
    """Return the empirical NTK [N C, M C] between inputs."""
    W, b, v, _ = params
    u, w = x @ W + b, other @ W + b
    second = erf(u) @ erf(w).T + 1
    inner = x @ other.T + 1
    left = _slope(u)[:, None] * v.T  # [N, C, h]
    right = _slope(w)[:, None] * v.T
    first = np.einsum("ich,jdh->icjd", left, right, optimize=True) * inner[:, None, :, None]
    classes = v.shape[1]
    both = first + second[:, None, :, None] * np.eye(classes)[None, :, None]
    found: Array = both.reshape(len(x) * classes, len(other) * classes)
    return found


def train(given: Problem, labels: Callable[[int], Array], lr: float, steps: int, every: int, rho: float = 0.0) -> Trace:
    """Full-batch gradient descent, or SAM where rho is not 0; `labels` gives those of a step [N, C]."""
    params, rows = given.start, list[tuple[float, float, float]]()
    for step in range(steps + 1):
        if step % every == 0:
            norm = np.sqrt((params[0] ** 2).sum(0) + given.outside).mean()
            scores = (loss(output(params, x), y) for x, y in ((given.x, given.y), (given.test, given.test_y)))
            rows.append((*scores, norm))
        if step < steps:
            y = labels(step)
            grads = gradient(params, given.x, y)
            if rho:
                length = np.sqrt(sum((g**2).sum() for g in grads))
                near = [p + rho / max(length, 1e-300) * g for p, g in zip(params, grads, strict=True)]
                grads = gradient((near[0], near[1], near[2], near[3]), given.x, y)
            W, b, v, c = (p - lr * g for p, g in zip(params, grads, strict=True))
            params = W, b, v, c
    train_loss, test_loss, norms = np.array(rows).T
    return Trace(np.arange(len(rows)) * every, train_loss, test_loss, norms, params)


def linearised(given: Problem, labels: Callable[[int], Array], lr: float, steps: int, every: int) -> Trace:
    """Train the network linearised at the start: F <- F - lr / (N C) K (F - Y)."""
    f0, test0 = output(given.start, given.x), output(given.start, given.test)
    K, K_test = kernel(given.start, given.x, given.x), kernel(given.start, given.test, given.x)
    rate, pulled, rows = lr / f0.size, np.zeros(f0.size), list[tuple[float, float]]()
    f = f0.ravel()
    for step in range(steps + 1):
        if step % every == 0:
            test = test0 - rate * (K_test @ pulled).reshape(test0.shape)
            rows.append((loss(f.reshape(f0.shape), given.y), loss(test, given.test_y)))
        if step < steps:
            pull = f - labels(step).ravel()
            pulled = pulled + pull
            f = f - rate * (K @ pull)
    train_loss, test_loss = np.array(rows).T
    return Trace(np.arange(len(rows)) * every, train_loss, test_loss, np.full(len(rows), np.nan), given.start)


def kernel_distance(given: Problem, end: Params) -> float:
    """1 - <K0, Kt> / (|K0| |Kt|) on the training inputs."""
    before, after = (kernel(params, given.x, given.x) for params in (given.start, end))
    return float(1 - (before * after).sum() / np.sqrt((before**2).sum() * (after**2).sum()))


def _slope(u: Array) -> Array:
    found: Array = 2 / np.sqrt(np.pi) * np.exp(-(u**2))
    return found
