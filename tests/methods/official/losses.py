"""The losses of official codes, written from these codes in NumPy, clamps and all.

Gradients are complex-step derivatives, exact to rounding; a clamp cuts them off, as it does in the codes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Vector = np.ndarray
Loss = Callable[[Vector, int], Any]
"""The loss of one sample from its logits [C], real or complex, and its label."""

THREE = np.array([[2.0, 0.0, 0.0], [0.2, 2.0, 0.0], [-1.0, 0.5, 3.0]]), np.array([0, 0, 2])
TEN = (
    np.array(
        [
            [1.3, -4.2, 0.7, 3.9, -2.5, 6.1, -0.4, 2.2, -7.3, 0.9],
            [-11.8, 4.6, 19.2, -3.3, 7.7, -16.4, 0.8, 12.1, -8.9, 2.4],
            [0.31, -0.12, 0.05, 0.44, -0.27, 0.18, -0.36, 0.02, 0.22, -0.08],
            [5.2, -1.7, 9.8, 0.3, -6.4, 2.9, -3.1, 7.6, 1.1, -0.5],
        ]
    ),
    np.array([5, 0, 3, 2]),
)
CLEAN = THREE[0][::-1]  # the logits of a second network
MATRIX = np.array([[0.7, 0.2, 0.1], [0.0, 0.9, 0.1], [0.3, 0.3, 0.4]])  # rows are true classes


def softmax(z: Vector) -> Vector:
    """Return p of logits [C]."""
    e = np.exp(z - z.real.max())
    return e / e.sum()


def log_softmax(z: Vector) -> Vector:
    """Return log p of logits [C]."""
    top = z.real.max()
    return z - top - np.log(np.exp(z - top).sum())


def clamp(x: Any, low: float, high: float = np.inf) -> Any:
    """Return x within bounds, with no slope outside them."""
    return np.where(np.real(x) < low, low, np.where(np.real(x) > high, high, x))


def slope(loss: Loss, z: Vector, y: int) -> list[float]:
    """Return the gradient [C] of a loss."""
    step = 1e-30
    return [float(np.imag(loss(z + 1j * step * unit, y)) / step) for unit in np.eye(len(z))]


# Losses of one sample each: Active-Passive-Losses, ALFs, DAL, GJS, negative-label-smoothing, lnl_sr, bi-tempered-loss.


def mae(z: Vector, y: int) -> Any:
    return 1 - softmax(z)[y]


def gce(q: float, eps: float = 1e-7) -> Loss:
    return lambda z, y: (1 - clamp(softmax(z), eps, 1)[y] ** q) / q


def truncated(q: float) -> Loss:
    return lambda z, y: (1 - softmax(z)[y] ** q) / q


def rce(z: Vector, y: int) -> Any:
    one_hot = clamp(np.eye(len(z))[y], 1e-4, 1)
    return -(clamp(softmax(z), 1e-7, 1) * np.log(one_hot)).sum()


def nce(z: Vector, y: int) -> Any:
    return -log_softmax(z)[y] / -log_softmax(z).sum()


def agce(a: float, q: float) -> Loss:
    return lambda z, y: ((a + 1) ** q - (a + softmax(z)[y]) ** q) / q


def ce(z: Vector, y: int) -> Any:
    return -log_softmax(z)[y]


def weighted(alpha: float, first: Loss, beta: float, second: Loss) -> Loss:
    return lambda z, y: alpha * first(z, y) + beta * second(z, y)


def taylor(order: int) -> Loss:
    return lambda z, y: sum((1 - clamp(softmax(z), 1e-6, 1)[y]) ** i / i for i in range(1, order + 1))


def kl(log_prediction: Vector, target: Vector) -> Any:
    there = np.where(np.real(target) > 0, target, 1)
    terms = target * (np.log(clamp(there, 1e-7)) - log_prediction)
    return np.where(np.real(target) > 0, terms, 0).sum()


def js(pi: float) -> Loss:
    def loss(z: Vector, y: int) -> Any:
        label, p = np.eye(len(z))[y], softmax(z)
        middle = np.log(clamp(pi * label + (1 - pi) * p, 1e-7, 1))
        return -(pi * kl(middle, label) + (1 - pi) * kl(middle, p)) / ((1 - pi) * np.log(1 - pi))

    return loss


def smoothed(r: float) -> Loss:
    return lambda z, y: (1 - r) * -log_softmax(z)[y] + r * -log_softmax(z).mean()


def soft_bootstrap(beta: float) -> Loss:
    def loss(z: Vector, y: int) -> Any:
        p = softmax(z)
        return -((beta * np.eye(len(z))[y] + (1 - beta) * p) * np.log(clamp(p, 1e-7, 1))).sum()

    return loss


def hard_bootstrap(beta: float) -> Loss:
    def loss(z: Vector, y: int) -> Any:
        labels = beta * np.eye(len(z))[y] + (1 - beta) * np.eye(len(z))[np.argmax(z.real)]
        return -(labels * log_softmax(z)).sum()

    return loss


def dal(epoch: int, epochs: int = 150, q_s: float = 0.6, q_e: float = 1.5) -> Loss:
    q, begin = q_s + (q_e - q_s) * epoch / epochs, (1 - q_s) * epochs / (q_e - q_s)
    share = max(0.0, (epoch - begin) / (epochs - begin))

    def loss(z: Vector, y: int) -> Any:
        p = softmax(z)
        entropy = -(np.log(p + 1e-6) * p).sum()
        return gce(q, 1e-6)(z, y) + share * entropy / (q * np.log(len(z)))

    return loss


def sparse(tau: float, power: float, lam: float, eps: float) -> Loss:
    def loss(z: Vector, y: int) -> Any:
        sharp = z / clamp(np.sqrt((z * z).sum()), 1e-12) / tau
        return ce(sharp, y) + lam * (clamp(softmax(sharp), eps, 1) ** power).sum()

    return loss


def bi_tempered(t1: float, t2: float, steps: int = 5) -> tuple[Loss, Callable[[Vector, int], list[float]]]:
    def exp_t(u: Vector) -> Vector:
        return np.maximum(1 + (1 - t2) * u, 0) ** (1 / (1 - t2))

    def probabilities(z: Vector) -> Vector:
        shifted = below = z - z.max()
        for _ in range(steps):
            below = shifted * exp_t(below).sum() ** (1 - t2)
        norm = -((1 / exp_t(below).sum()) ** (1 - t2) - 1) / (1 - t2) + z.max()
        return exp_t(z - norm)

    def log_t(u: Any) -> Any:
        return (u ** (1 - t1) - 1) / (1 - t1)

    def loss(z: Vector, y: int) -> Any:
        label, p = np.eye(len(z))[y], probabilities(z)
        return (label * (log_t(label + 1e-10) - log_t(p)) - (label ** (2 - t1) - p ** (2 - t1)) / (2 - t1)).sum()

    def gradient(z: Vector, y: int) -> list[float]:
        p = probabilities(z)
        gaps = (p - np.eye(len(z))[y]) * p ** (t2 - t1)
        return list(gaps - p**t2 / (p**t2).sum() * gaps.sum())

    return loss, gradient


# Losses that see more than one sample's logits and label.

SHIFTS = [[1] * 6 + [2] * 4, [2] * 10, [1, 2] * 5]  # of the complementary labels from the given ones, of each sample
SHARES = [14, 0, 6]  # counts of the given labels of three classes: the second has no sample


def negative(weights: Vector, shifts: list[int]) -> Loss:
    def loss(z: Vector, y: int) -> Any:
        logs = np.log(clamp(1 - softmax(z), 1e-5, 1)) * weights[y]
        return -sum(logs[(y + shift) % len(z)] for shift in shifts)

    return loss


def forward_corrected(z: Vector, y: int) -> Any:
    return -np.log((softmax(z) @ MATRIX)[y])


def joint(lam: float, other: Vector) -> Loss:
    """JoCoR's loss of both networks; the gradient is that of the first's logits."""

    def loss(z: Vector, y: int) -> Any:
        logs = log_softmax(z), log_softmax(other)
        back = (np.exp(logs[1]) * (logs[1] - logs[0])).sum()
        forth = (np.exp(logs[0]) * (logs[0] - logs[1])).sum()
        return (1 - lam) * (ce(z, y) + ce(other, y)) + lam * (back + forth)

    return loss


def early_learning(lam: float, beta: float, past: Vector) -> Loss:
    """ELR's loss at the second visit of a sample that was predicted as `past` at the first."""

    def target(old: Vector, logits: Vector) -> Vector:
        p = clamp(softmax(logits), 1e-4, 1 - 1e-4).real
        return beta * old + (1 - beta) * p / p.sum()

    def loss(z: Vector, y: int) -> Any:
        held = target(target(np.zeros(len(z)), past), z.real)
        return ce(z, y) + lam * np.log(1 - (held * clamp(softmax(z), 1e-4, 1 - 1e-4)).sum())

    return loss


def over_parametrised(u: float, v: float) -> Loss:
    def loss(z: Vector, y: int) -> Any:
        label = np.eye(len(z))[y]
        raised = clamp(softmax(z) + clamp(u**2 * label, 0, 1) - clamp(v**2 * (1 - label), 0, 1), 1e-4)
        return -(label * np.log(clamp(raised / raised.sum(), 1e-4, 1))).sum()

    return loss
