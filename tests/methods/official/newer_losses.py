"""The losses of official codes from 2023 on, and of those that their tables compare with, in NumPy as in `losses.py`.

What a code takes for a constant of the gradient is computed here of the real part alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from losses import Loss, Vector, clamp, log_softmax, softmax


def focal_weights(z: Vector, gamma: float, eps: float = 0.0) -> Vector:
    return (1 - np.maximum(softmax(z.real), eps)) ** gamma


def focal(gamma: float) -> Loss:
    return lambda z, y: -focal_weights(z, gamma)[y] * log_softmax(z)[y]


def nfl(gamma: float) -> Loss:
    def loss(z: Vector, y: int) -> Any:
        terms = -focal_weights(z, gamma) * log_softmax(z)
        return terms[y] / terms.sum()

    return loss


def nnce(z: Vector, y: int, eps: float = 1e-7) -> Any:
    above = -np.log(eps) + np.log(clamp(softmax(z), eps, 1))
    return 1 - above[y] / above.sum()


def nnfl(gamma: float, eps: float = 1e-7) -> Loss:
    most = -((1 - eps) ** gamma) * np.log(eps)

    def loss(z: Vector, y: int) -> Any:
        terms = -focal_weights(z, gamma, eps) * clamp(log_softmax(z), np.log(eps))
        return 1 - (most - terms[y]) / (len(z) * most - terms.sum())

    return loss


def aul(a: float, q: float) -> Loss:
    return lambda z, y: ((a - softmax(z)[y]) ** q - (a - 1) ** q) / q


def ael(a: float) -> Loss:
    return lambda z, y: np.exp(-softmax(z)[y] / a)


def amse(a: float) -> Loss:
    return lambda z, y: ((a * np.eye(len(z))[y] - softmax(z)) ** 2).mean()


def nearly_one_hot(m: float, eps: float = 1e-8) -> Loss:
    def loss(z: Vector, y: int) -> Any:
        p = softmax(z) + m * np.eye(len(z))[np.argmax(z.real)]
        return -np.log(clamp(p / (m + 1), eps))[y]

    return loss


def clipped(delta: float) -> Loss:
    """The code's option `temp` is 1 / δ: it clips where the length is above `temp`, to δ."""

    def loss(z: Vector, y: int) -> Any:
        length = np.sqrt((z * z).sum()) + 1e-7
        return -log_softmax(z / length * delta if length.real > 1 / delta else z)[y]

    return loss


def clipped_slope(threshold: float) -> Loss:
    """OGC's cross-entropy once it has a threshold."""

    def loss(z: Vector, y: int) -> Any:
        p = clamp(softmax(z), 1e-7, 1 - 1e-7)[y]
        return 1 - p / threshold - np.log(threshold) if p.real <= threshold else -np.log(p)

    return loss


def bounded_entropy(a: float) -> Loss:
    return lambda z, y: -np.log(a + softmax(z)[y])


def end_to_end(start: float) -> Loss:
    """VolMinNet's loss with the matrix that it starts from."""

    def loss(z: Vector, y: int) -> Any:
        other = 1 - np.eye(len(z))
        matrix = np.eye(len(z)) + other / (1 + np.exp(start))
        return -np.log((softmax(z) @ (matrix / matrix.sum(1, keepdims=True)))[y])

    return loss


def weighed(matrix: Vector, through: bool) -> Loss:
    """T-Revision's loss; the gradient takes the weight for a constant, or goes through it."""

    def loss(z: Vector, y: int) -> Any:
        p = softmax(z)
        weight = p[y] / (p @ matrix)[y]
        return (weight if through else weight.real) * -log_softmax(z)[y]

    return loss


def sieved(beta: float, marginal: Vector) -> Loss:
    """CORES²'s loss of a sample that counts, π the marginal of labels, by 1 + β as the code's learning rate is."""
    return lambda z, y: (-log_softmax(z)[y] - beta * (marginal * -np.log(softmax(z) + 1e-8)).sum()) / (1 + beta)
