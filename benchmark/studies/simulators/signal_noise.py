"""Gradient descent of a two-layer ReLU CNN on signal and noise patches, in the span of mu and the noise vectors.

Han et al., "On the Role of Label Noise in the Feature Learning Process", ICML 2025. A sample is two patches, y mu and
xi_i; F_j(x) is the mean of relu(<w_jr, patch>) over m filters, summed over the patches, and f = F_{+1} - F_{-1}. All
updates lie in the span of b_0 = mu, b_i = xi_i, so coefficients C of W = W(0) + C B and the Gram matrix K = B B^T are
enough, exactly: the pre-activations on B are W(0) B^T + C K. R runs are computed at once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from lnlbench.benchmark.studies.simulators.array import Array


@dataclass(frozen=True)
class TestSet:
    """Test points whose signal patch is y mu: what is needed to predict them from the coefficients."""

    labels: Array  # ±1 [R, T]
    start: Array  # [R, 2m, T] pre-activations of the noise patches at W(0)
    gram: Array  # [R, n+1, T] inner products of the noise patches with mu and xi_i


@dataclass(frozen=True)
class Problem:
    """Training samples and initial weights of R runs."""

    true: Array  # ±1 [R, n]
    given: Array  # ±1 [R, n]
    gram: Array  # [R, n+1, n+1], mu first
    start: Array  # [R, 2m, n+1] pre-activations at W(0) on mu and xi_i; the filters of j = +1 first
    tests: dict[str, TestSet]


@dataclass(frozen=True)
class Trace:
    """What happened: S = steps + 1, from before the first step; tests at some steps only."""

    loss: Array  # [S, R, n] logistic loss against the given label
    right: Array  # [S, R, n] whether the given label is predicted
    slope: Array  # [S, R, n] |l'|
    gamma: Array  # [S, R, 2]: mean over the filters of j = +1 and -1
    rho: Array  # [S, R, n]: mean over the filters of j = given label
    gradient: Array  # [S, R, 2]: norm along mu, and within the span of the noise vectors
    tested: Array  # [E] steps
    accuracy: dict[str, Array]  # test set -> [E, R]
    coefficients: Array  # [R, 2m, n+1] at the end


@dataclass(frozen=True)
class Sizes:
    """Sizes of a problem; the noise vectors have unit variance."""

    n: int = 100  # samples
    d: int = 2000  # dimension of a patch
    m: int = 20  # filters of each sign
    snr: float = 20.0  # n SNR^2 = n |mu|^2 / d
    sigma0: float = 0.01  # of the initial weights
    spread: float = 0.3  # of what is added to a noise vector that a test point reuses
    points: int = 2000  # of each test set: "reused" noise vectors, and "fresh" ones


def problem(draws: list[np.random.Generator], rates: list[float], sizes: Sizes) -> Problem:
    """Draw R problems.

    Args:
        draws: a generator for each run.
        rates: exact share of flipped labels of each run.
        sizes: of all of them.
    """
    made = [_one(draw, rate, sizes) for draw, rate in zip(draws, rates, strict=True)]
    names = made[0].tests
    tests = {
        name: TestSet(*(np.stack([getattr(p.tests[name], part) for p in made]) for part in ("labels", "start", "gram")))
        for name in names
    }
    true, given, gram, start = (np.stack([getattr(p, x) for p in made]) for x in ("true", "given", "gram", "start"))
    return Problem(true, given, gram, start, tests)


def simulate(
    given: Problem, *, eta: float, steps: int, test_at: Collection[int] = (), kept: Array | None = None
) -> Trace:
    """Full-batch gradient descent on the logistic loss.

    Args:
        given: the problems.
        eta: learning rate.
        steps: how many.
        test_at: the steps before which test sets are predicted; `steps` is after the last.
        kept: [R, n] which samples are trained on; all by default.
    """
    runs, filters, size = given.start.shape
    n, m = size - 1, filters // 2
    kept = np.ones((runs, n)) if kept is None else kept.astype(float)
    signs = np.repeat([1.0, -1.0], m)[:, None]  # j [2m, 1]
    rate = eta / (kept.sum(-1)[:, None, None] * m)
    squares = np.einsum("rkk->rk", given.gram)  # |mu|^2, |xi_i|^2
    own = signs[None] == given.given[:, None]  # filters of a sample's given sign [R, 2m, n]
    C, P = np.zeros_like(given.start), given.start.copy()
    widths = {"loss": n, "right": n, "slope": n, "gamma": 2, "rho": n, "gradient": 2}
    logged = {name: np.empty((steps + 1, runs, width)) for name, width in widths.items()}
    accuracy: dict[str, list[Array]] = {name: [] for name in given.tests}
    tested = sorted(set(test_at))
    for step in range(steps + 1):
        f = _output(P[..., :1], P[..., 1:], given.true, signs)
        margin = given.given * f
        slope = 0.5 * (1 - np.tanh(margin / 2))  # |l'| = 1 / (1 + exp(y f)), without overflow
        pull = (slope * given.given * kept)[:, None] * rate * signs  # [R, 2m, n]
        D = np.empty_like(C)
        D[..., 0] = (pull * given.true[:, None] * (given.true[:, None] * P[..., :1] > 0)).sum(-1)
        D[..., 1:] = pull * (P[..., 1:] > 0)
        DK = D @ given.gram
        noise = DK[..., 1:] - D[..., :1] * given.gram[:, :1, 1:]
        logged["loss"][step], logged["right"][step] = np.logaddexp(0, -margin), margin > 0
        logged["slope"][step] = slope
        logged["gamma"][step] = (C[..., 0] * signs[:, 0] * squares[:, :1]).reshape(runs, 2, m).mean(-1)
        logged["rho"][step] = (C[..., 1:] * own).sum(1) * squares[:, 1:] / m
        logged["gradient"][step, :, 0] = np.sqrt((DK[..., 0] ** 2).sum(-1) / squares[:, 0]) / eta
        logged["gradient"][step, :, 1] = np.sqrt(np.maximum((D[..., 1:] * noise).sum((1, 2)), 0)) / eta
        if step in tested:
            for name, test in given.tests.items():
                f = _output(P[..., :1], test.start + C @ test.gram, test.labels, signs)
                accuracy[name].append((f * test.labels > 0).mean(-1))
        if step < steps:
            C += D
            P += DK
    return Trace(
        **logged,
        tested=np.array(tested),
        accuracy={name: np.array(rows) for name, rows in accuracy.items()},
        coefficients=C,
    )


def _output(signal: Array, noise: Array, labels: Array, signs: Array) -> Array:
    """F [R, T] from the pre-activations on mu [R, 2m, 1] and on the noise patches [R, 2m, T]."""
    positive, negative = np.maximum(signal, 0) * signs, np.maximum(-signal, 0) * signs
    signal_part = np.where(labels > 0, positive.sum(1), negative.sum(1))
    found: Array = (signal_part + (np.maximum(noise, 0) * signs).sum(1)) * (2 / signal.shape[1])
    return found


def _one(draw: np.random.Generator, rate: float, sizes: Sizes) -> Problem:
    n, d, points = sizes.n, sizes.d, sizes.points
    basis = np.concatenate([np.zeros((1, d)), draw.standard_normal((n, d))])
    basis[0, 0] = np.sqrt(sizes.snr * d / n)
    weights = sizes.sigma0 * draw.standard_normal((2 * sizes.m, d))
    true = draw.choice([-1.0, 1.0], n)
    test_labels = draw.choice([-1.0, 1.0], points)
    picked = 1 + draw.integers(n, size=points)
    fresh = draw.standard_normal((points, d))
    flipped = draw.permutation(n)[: round(rate * n)]  # last, so that runs of other rates share all else
    given = true.copy()
    given[flipped] *= -1
    patches = {"reused": basis[picked] + sizes.spread * fresh, "fresh": fresh}
    tests = {name: TestSet(test_labels, weights @ x.T, basis @ x.T) for name, x in patches.items()}
    return Problem(true, given, basis @ basis.T, weights @ basis.T, tests)
