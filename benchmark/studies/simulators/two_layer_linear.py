"""Single-sample SGD of a two-layer linear network with label noise or SAM, at a cost that does not grow with its width.

Zhang et al., "On the Learning Dynamics of Two-layer Linear Networks with Label Noise SGD", AAAI 2026: f = a^T W x, loss
(f - y - eps)^2 / 2. A step multiplies every neuron z_i = (a_i, w_i) by one and the same matrix, which depends on the
neurons through sum_i z_i z_i^T alone. So a network of d + 1 neurons with that second moment takes exactly the same
steps; what became of the m neurons is read off the product of the matrices. R runs are computed at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from lnlbench.benchmark.studies.simulators.array import Array

State = tuple[Array, Array]
"""a [R, k] and W [R, k, d] of the effective neurons."""


@dataclass(frozen=True)
class Sizes:
    """Sizes and recipe."""

    m: int = 200  # neurons
    d: int = 10  # inputs
    n: int = 200  # training samples
    target: float = 1.0  # |theta*|
    eta: float = 4e-3
    steps: int = 150_000
    every: int = 1000  # steps between two entries of the log


@dataclass(frozen=True)
class Runs:
    """Start, data and noise of R runs."""

    a: Array  # [R, m]
    W: Array  # [R, m, d]
    theta: Array  # theta* [R, d]
    x: Array  # [R, n, d]
    test: Array  # [R, T, d]
    draws: Sequence[np.random.Generator]  # of the steps, one per run
    sigma: Array  # of the label noise [R]
    rho: Array  # of SAM [R]


@dataclass
class Trace:
    """The log: E entries, the first before the first step."""

    steps: Array  # [E]
    numbers: dict[str, Array] = field(default_factory=dict)  # name -> [E, R]
    norm: Array = field(default_factory=lambda: np.empty(0))  # |w_i| of the first run [E, m]
    cosine: Array = field(default_factory=lambda: np.empty(0))  # |<w_i, theta*>| / (|w_i| |theta*|), likewise


def draw_runs(seeds: Sequence[int], sizes: Sizes, sigma: Sequence[float], rho: Sequence[float]) -> Runs:
    """Draw runs; those of one seed share start, data and the order of the samples.

    Args:
        seeds: one per run.
        sizes: of all of them.
        sigma: of the label noise, one per run.
        rho: of SAM, one per run.
    """
    sources = [np.random.default_rng(seed) for seed in seeds]
    made = [_start(source, sizes) for source in sources]
    a, W, theta, x, test = (np.stack(part) for part in zip(*made, strict=True))
    return Runs(a, W, theta, x, test, sources, np.array(sigma, float), np.array(rho, float))


def step(a: Array, W: Array, x: Array, target: Array, eta: float, rho: Array | None = None) -> tuple[Array, Array]:
    """One step on one sample: of SGD, or of SAM where rho is given.

    Args:
        a: [R, k].
        W: [R, k, d].
        x: [R, d].
        target: label with its noise [R].
        eta: learning rate.
        rho: radius of SAM [R]; at a gradient of 0 there is no perturbation.

    Returns:
        the new a and W.
    """
    h = (W @ x[:, :, None])[:, :, 0]
    slope = (a * h).sum(-1) - target
    at = a
    if rho is not None:
        square = (x * x).sum(-1)
        norm = np.sqrt((a * a).sum(-1) * square + (h * h).sum(-1))
        scale = (rho * np.sign(slope) / np.maximum(norm, 1e-300))[:, None]
        at, h = a + scale * h, h + scale * square[:, None] * a
        slope = (at * h).sum(-1) - target
    pull = (eta * slope)[:, None]
    return a - pull * h, W - (pull * at)[:, :, None] * x[:, None, :]


def effective(a: Array, W: Array) -> tuple[Array, Array]:
    """Return the d + 1 neurons that take the same steps as m >= d + 1 neurons: a [R, d + 1] and W [R, d + 1, d]."""
    z = np.concatenate([a[:, :, None], W], -1)
    factor = np.linalg.cholesky(z.transpose(0, 2, 1) @ z)  # its columns are neurons
    return factor[:, 0].copy(), factor[:, 1:].transpose(0, 2, 1).copy()


def neurons(start: State, now: State, a: Array, W: Array) -> tuple[Array, Array]:
    """Return neurons a [R, m] and W [R, m, d] from the effective ones at the start and now."""
    before, after = (np.concatenate([b[:, :, None], V], -1) for b, V in (start, now))  # rows are neurons
    product = np.linalg.solve(before, after)  # z_i(t)^T = z_i(0)^T P^T
    z = np.concatenate([a[:, :, None], W], -1) @ product
    return z[:, :, 0], z[:, :, 1:]


def simulate(runs: Runs, sizes: Sizes, noisy: Callable[[Array], Array] | None = None) -> Trace:
    """Train R runs.

    Args:
        runs: what to train.
        sizes: of all of them.
        noisy: steps [S] -> bool [S]: in which steps there is label noise; always by default.
    """
    count, start = len(runs.a), effective(runs.a, runs.W)
    a, V = start
    rho = runs.rho[:] if runs.rho.any() else None
    rows, all_rows = np.arange(count), list[dict[str, Array]]()
    norms, cosines = list[Array](), list[Array]()
    moved = (a, V, runs.x[:, 0], np.zeros(count))  # before the last step: what it did to the second layer
    for begin in range(0, sizes.steps + 1, sizes.every):
        numbers, norm, cosine = _measure(runs, start, (a, V), sizes.eta, moved)
        all_rows.append(numbers)
        norms.append(norm)
        cosines.append(cosine)
        length = min(sizes.every, sizes.steps - begin)
        if length <= 0:
            break
        index = np.stack([draw.integers(sizes.n, size=length) for draw in runs.draws], 1)  # [S, R]
        coin = np.stack([draw.integers(2, size=length) for draw in runs.draws], 1) * 2.0 - 1
        if noisy is not None:
            coin *= noisy(begin + np.arange(length))[:, None]
        x = runs.x[rows, index]  # [S, R, d]
        target = (x * runs.theta).sum(-1) + coin * runs.sigma
        for sample, label in zip(x, target, strict=True):
            moved = (a, V, sample, label)
            a, V = step(a, V, sample, label, sizes.eta, rho)
    trace = Trace(np.arange(len(all_rows)) * sizes.every)
    trace.numbers = {name: np.stack([row[name] for row in all_rows]) for name in all_rows[0]}
    trace.norm, trace.cosine = np.stack(norms), np.stack(cosines)
    return trace


def first(trace: Trace, condition: Array) -> list[float]:
    """Return the first logged step at which a condition [E, R] holds, for each run; NaN where it never does."""
    place = condition.argmax(0)
    return [float(trace.steps[i]) if condition[i, r] else float("nan") for r, i in enumerate(place)]


def _measure(
    runs: Runs, start: State, now: State, eta: float, moved: tuple[Array, Array, Array, Array]
) -> tuple[dict[str, Array], Array, Array]:
    """Return the numbers of a log entry, each [R]; norm and cosine of the neurons of the first run."""
    a, W = neurons(start, now, runs.a, runs.W)
    theta, wanted = (now[0][:, :, None] * now[1]).sum(1), runs.theta
    length = np.linalg.norm(wanted, axis=-1)
    norm = np.linalg.norm(W, axis=-1)
    aligned = np.abs(W @ wanted[:, :, None])[:, :, 0]
    cosine = aligned / (norm * length[:, None])
    travelled = np.linalg.norm(W - runs.W, axis=-1)
    singular = np.linalg.svd(now[1], compute_uv=False)
    before_a, before_V, x, label = moved
    _, before = neurons(start, (before_a, before_V), runs.a, runs.W)
    slope = (before_a * (before_V @ x[:, :, None])[:, :, 0]).sum(-1) - label
    increments = -eta * slope[:, None] * (before @ x[:, :, None])[:, :, 0]
    gap = (theta - wanted)[:, :, None]
    numbers = {
        "train": ((runs.x @ gap)[..., 0] ** 2).mean(-1) / 2,  # against the clean targets
        "test": ((runs.test @ gap)[..., 0] ** 2).mean(-1) / 2,
        "norm": norm.mean(-1),
        "norm_std": norm.std(-1),
        "square": (norm**2).mean(-1),
        "alignment": aligned.mean(-1),
        "cosine": cosine.mean(-1),
        "weighted_cosine": (cosine * norm).sum(-1) / norm.sum(-1),
        "square_weighted_cosine": (cosine * norm**2).sum(-1) / (norm**2).sum(-1),
        "error": np.linalg.norm(theta - wanted, axis=-1) / length,
        "second": np.abs(a).mean(-1),
        "increments": increments.std(-1),
        "travelled": travelled.mean(-1),
        "escaped": (travelled > a.shape[1] ** -0.5).mean(-1),
        "frobenius": np.sqrt((singular**2).sum(-1)),
        "stable_rank": (singular**2).sum(-1) / singular[:, 0] ** 2,
    }
    return numbers, norm[0], cosine[0]


def _start(draw: np.random.Generator, sizes: Sizes) -> tuple[Array, ...]:
    """Weights N(0, 1/m) and N(0, 1/d), a direction of length |theta*|, and standard normal inputs."""
    m, d = sizes.m, sizes.d
    a, W = draw.standard_normal(m) / np.sqrt(m), draw.standard_normal((m, d)) / np.sqrt(d)
    direction = draw.standard_normal(d)
    theta = sizes.target * direction / np.linalg.norm(direction)
    return a, W, theta, draw.standard_normal((sizes.n, d)), draw.standard_normal((1000, d))
