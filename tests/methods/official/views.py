"""What official codes make of several views of a sample, or of mixtures, in NumPy as in `losses.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from losses import Loss, Vector, clamp, log_softmax, softmax
from steps import OTHER, TWO

LABELS = [0, 1, 2, 2]
Y = np.eye(4)[LABELS]
CODES = {"left out": 0, "clean": 1, "hard": 2, "purified": 3}


def rows(function: Callable[[Vector], Vector], z: Vector) -> Vector:
    return np.stack([function(row) for row in z])


def with_slopes(objective: Callable[[Vector], Any], z: Vector) -> list[float]:
    """An objective, and its gradient by logits [rows, C], by complex steps."""
    step, found = 1e-30, [float(np.real(objective(z.astype(complex))))]
    for place in np.ndindex(*z.shape):
        moved = z.astype(complex)
        moved[place] += 1j * step
        found.append(float(np.imag(objective(moved)) / step))
    return found


def divergence(log_prediction: Vector, target: Vector) -> Any:
    """`losses.py` of GJS, custom_kl_div of one sample."""
    here = target.real > 0
    return (target[here] * (np.log(clamp(target[here], 1e-7)) - log_prediction[here])).sum()


def generalised_js(pi: float, other: Vector) -> Loss:
    """`losses.py` of GJS, for the second view's logits: weights π, (1 - π)/2, (1 - π)/2."""

    def loss(z: Vector, y: int) -> Any:
        weights = [pi, (1 - pi) / 2, (1 - pi) / 2]
        every = [np.eye(len(z))[y], softmax(z), softmax(other)]
        log_mean = np.log(clamp(sum(w * d for w, d in zip(weights, every, strict=True)), 1e-7, 1))
        total = sum(w * divergence(log_mean, d) for w, d in zip(weights, every, strict=True))
        return -total / ((1 - pi) * np.log(1 - pi))

    return loss


def sop_plus(u: float, v: float, consistency: float = 0.9, balance: float = 0.1) -> list[float]:
    """`model/loss.py` of SOP, what reaches the network: the squared error is of its arg-max, a constant."""

    def objective(z: Vector) -> Any:
        output, output2 = z[:4], z[4:]
        raised = clamp(u**2 * Y, 0, 1 - 1e-4) - clamp(v**2 * (1 - Y), 0, 1 - 1e-4)
        prediction = clamp(rows(softmax, output) + raised, 1e-4)
        prediction = clamp(prediction / prediction.sum(1, keepdims=True), 1e-4, 1)
        loss = -(Y * np.log(prediction)).sum(1).mean()
        loss = loss - balance * (np.log(clamp(prediction.mean(0), 1e-4, 1)) / 4).sum()
        fixed = rows(softmax, output.real)
        return loss + consistency * (fixed * (np.log(fixed) - rows(log_softmax, output2))).sum(1).mean()

    return with_slopes(objective, np.concatenate([TWO, OTHER]))


def elr_plus(beta: float, lam: float) -> list[float]:
    """`trainer.py` and `model/loss.py` of ELR+: two networks, histories of 0.1, λ of mixup 0.5, in reversed order."""
    averages = [TWO, TWO[::-1] * 0.7 + 0.1]  # what each network's average says of the images
    logits = [TWO, 2 * TWO]  # and what each network would say of an image, were it not mixed
    values, slopes = [], []
    for network, other in ((0, averages[1]), (1, averages[0])):
        p = rows(softmax, other)
        history = beta * 0.1 + (1 - beta) * p / p.sum(1, keepdims=True)
        q, target = (0.5 * x + 0.5 * x[::-1] for x in (history, Y))

        def objective(z: Vector, q: Vector = q, target: Vector = target) -> Any:
            prediction = clamp(rows(softmax, z), 1e-4, 1 - 1e-4)
            entropy = -(target * rows(log_softmax, z)).sum(1).mean()
            return entropy + lam * np.log(1 - (q * prediction).sum(1)).mean()

        value, *slope = with_slopes(objective, 0.5 * (logits[network] + logits[network][::-1]))
        values.append(value)
        slopes += slope
    return values + slopes


def disc_sets(sigma: float = 0.5, momentum: float = 0.99) -> list[float]:
    """`algorithms/DISC.py`, the end of an epoch: sets, labels of the views, thresholds."""
    labels = [0, 1, 0, 3, 0, 0, 0, 0]
    usual = np.array([[0.3, 0.2], [0.5, 0.02], [0.05, 0.1], [0.4, 0.8], *[[0.5, 0.5]] * 4])
    w, s = rows(softmax, np.concatenate([2 * TWO, TWO])), rows(softmax, np.concatenate([TWO + OTHER, OTHER]))
    both = (w + s) / 2
    sets = []
    for i, y in enumerate(labels):
        w_mask, s_mask = w[i, y] > usual[i, 0], s[i, y] > usual[i, 1]
        corrected = both[i].max() > min(usual[i].mean() + sigma, 0.9) and not (w_mask or s_mask)
        name = "clean" if w_mask and s_mask else "hard" if w_mask or s_mask else "purified" if corrected else "left out"
        sets.append(CODES[name])
    new = momentum * usual + (1 - momentum) * np.stack([w.max(1), s.max(1)], 1)
    return [*map(float, sets), *map(float, both.argmax(1)), *map(float, new.flatten())]


def disc(lam_h: float = 1.0) -> list[float]:
    """`algorithms/DISC.py`, a step: clean 0, hard 1, purified 2 with label 3; mixed in halves, in reversed order."""
    batch, clean, hard, mixed = 4, [0], [1], [0, 1, 2]
    order, weak_labels = mixed[::-1], np.eye(4)[[0, 1, 3]]
    soft = 0.5 * weak_labels + 0.5 * weak_labels[::-1]

    def entropy(z: Vector, which: list[int]) -> Any:
        return -np.mean([log_softmax(z[i])[LABELS[i]] for i in which])

    def robust(z: Vector, which: list[int]) -> Any:
        return np.mean([(1 - clamp(softmax(z[i]), 1e-7, 1)[LABELS[i]] ** 0.7) / 0.7 for i in which])

    def objective(z: Vector) -> Any:
        w, s, mixed_w, mixed_s = z.reshape(4, 4, 4)
        loss = (entropy(w, clean) + entropy(s, clean)) * len(clean) / batch
        loss = loss + lam_h * (robust(w, hard) + robust(s, hard)) * len(hard) / batch
        for logits in (mixed_w, mixed_s):
            loss = loss - (soft * rows(log_softmax, logits[mixed])).sum(1).mean()
        return loss

    views = [TWO, OTHER]
    for view in (TWO, OTHER):
        mixtures = view.copy()
        mixtures[mixed] = 0.5 * view[mixed] + 0.5 * view[order]
        views.append(mixtures)
    return with_slopes(objective, np.concatenate(views))
