"""Fully connected ReLU networks in the parametrisation of the tangent kernel: outputs, angles and kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lnlbench.benchmark.studies.simulators.array import Array


class KernelNetwork(nn.Module):
    """h(x) = V relu(√(2/m) W_L … relu(√(2/m) W_1 x)), every weight from N(0, 1), no bias.

    Source: Liu et al. 2023 (arXiv 2306.02533), eq. 2.
    """

    def __init__(self, inputs: int, width: int, hidden: int, outputs: int, source: torch.Generator) -> None:
        super().__init__()
        sizes = [inputs, *[width] * hidden]
        shapes = [*zip(sizes[1:], sizes[:-1], strict=True), (outputs, width)]
        self.weights = nn.ParameterList([torch.randn(*shape, generator=source) for shape in shapes])

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, outputs] of inputs [B, ...]."""
        x = x.flatten(1)
        *hidden, last = self.weights
        for weight in hidden:
            x = (x @ weight.T * (2 / len(weight)) ** 0.5).relu()
        logits: Tensor = x @ last.T
        return logits


def drawn(source: np.random.Generator, inputs: int, width: int, hidden: int) -> list[Array]:
    """Weights of a network with one output: [m, inputs], [m, m], …, [m]."""
    sizes = [inputs, *[width] * hidden]
    layers = [source.standard_normal(shape) for shape in zip(sizes[1:], sizes[:-1], strict=True)]
    return [*layers, source.standard_normal(width)]


def gram(weights: Sequence[Array], x: Array, y: Array | None = None) -> Array:
    """Return the tangent kernel [M, P] of x [M, D] with y [P, D], or with x itself, from products of layers alone.

    The gradient of layer l is √(2/m) δ_l h_{l-1}ᵀ, so that its inner product is one of δs times one of hs; no
    gradient is ever formed.
    """
    left = _factors(weights, x)
    right = left if y is None else _factors(weights, y)
    return np.asarray(sum((h @ k.T) * (d @ e.T) for (h, d), (k, e) in zip(left, right, strict=True)))


def paired(weights: Sequence[Array], x: Array, y: Array) -> Array:
    """Return the angles [M] in degrees between the gradients at x [M, D] and at y [M, D], row by row."""
    both = [_factors(weights, z) for z in (x, y)]

    def inner(a: list[tuple[Array, Array]], b: list[tuple[Array, Array]]) -> Array:
        return np.asarray(sum((h * k).sum(1) * (d * e).sum(1) for (h, d), (k, e) in zip(a, b, strict=True)))

    return degrees(inner(*both) / np.sqrt(inner(both[0], both[0]) * inner(both[1], both[1])))


def closed_form(angle: Array) -> Array:
    """Return the angle between gradients at infinite width, one hidden layer, for inputs at an angle; both in degrees.

    cos θ_h = (k1 + cos θ k0) / 2 with k0 = (π - θ)/π and k1 = (sin θ + (π - θ) cos θ)/π, the arc-cosine kernels of
    degree 0 and 1 (Cho and Saul 2009): the first term is the gradient of the last layer, the second of the hidden one.
    """
    t = np.deg2rad(angle)
    k0, k1 = (np.pi - t) / np.pi, (np.sin(t) + (np.pi - t) * np.cos(t)) / np.pi
    return degrees((k1 + np.cos(t) * k0) / 2)


def degrees(cosine: Array) -> Array:
    """Return the angle of a cosine, rounding beyond ±1 cut off."""
    return np.asarray(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


def _factors(weights: Sequence[Array], x: Array) -> list[tuple[Array, Array]]:
    """For each layer what comes in [M, in] and the derivative of the output by what goes out [M, out]."""
    *hidden, last = weights
    inputs, on = [x], list[Array]()
    for weight in hidden:
        u = inputs[-1] @ weight.T * np.sqrt(2 / len(weight))
        on.append(u > 0)
        inputs.append(u * on[-1])
    found, delta = [(inputs[-1], np.ones((len(x), 1)))], np.broadcast_to(last, inputs[-1].shape)
    for weight, h, active in zip(hidden[::-1], inputs[-2::-1], on[::-1], strict=True):
        scaled = delta * active * np.sqrt(2 / len(weight))
        found.append((h, scaled))
        delta = scaled @ weight
    return found
