"""Full-batch gradient descent of a linear first layer while every second-layer weight jumps in a three-state chain.

The model of label noise of Zhang et al. 2026 (eqs. 6 and 7, Lemma 4, `oscillation.ipynb`): from +A or -A to 0, from 0
to +A or -A with probability 1/2 each, A = eta^(1/4). So E a² = sqrt(eta) / 2, and W moves by
-eta a (S theta - X^T y / n)^T.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lnlbench.benchmark.studies.simulators.array import Array
from lnlbench.benchmark.studies.simulators.two_layer_linear import Sizes, Trace


def jump(a: Array, amplitude: float, coin: Array) -> Array:
    """Return the next state of the chain: a [...] in {-A, 0, A}, coin [...] in {-1, 1}."""
    return np.where(a == 0, amplitude * coin, 0.0)


def simulate(seeds: Sequence[int], sizes: Sizes, noisy: Callable[[int], bool] | None = None) -> Trace:
    """Train one run for each seed.

    Args:
        seeds: of the runs.
        sizes: as of label-noise SGD; `target` is |theta*|.
        noisy: step -> whether the chain moves in it; always by default. Where it does not, a follows the gradient.

    Returns:
        norm and cosine, means over neurons, and the standard deviation over neurons of the last change of a.
    """
    sources = [np.random.default_rng(seed) for seed in seeds]
    W, theta, S = (np.stack(part) for part in zip(*(_start(source, sizes) for source in sources), strict=True))
    pull = (S @ theta[:, :, None])[:, :, 0]
    runs, m, amplitude = len(seeds), sizes.m, sizes.eta**0.25
    state = np.stack([draw.choice([amplitude, -amplitude, 0.0, 0.0], m) for draw in sources])
    rows, norms, cosines, change = list[dict[str, Array]](), list[Array](), list[Array](), np.zeros((runs, m))
    for begin in range(0, sizes.steps + 1, sizes.every):
        norm = np.linalg.norm(W, axis=-1)
        cosine = np.abs(W @ theta[:, :, None])[:, :, 0] / (norm * np.linalg.norm(theta, axis=-1)[:, None])
        rows.append({"norm": norm.mean(-1), "cosine": cosine.mean(-1), "increments": change.std(-1)})
        norms.append(norm[0])
        cosines.append(cosine[0])
        length = min(sizes.every, sizes.steps - begin)
        if length <= 0:
            break
        coins = np.stack([draw.integers(2, size=(length, m), dtype=np.int8) for draw in sources], 1) * 2.0 - 1
        for here, coin in enumerate(coins):
            residual = (S @ (state[:, None] @ W)[:, 0, :, None])[:, :, 0] - pull  # gradient for theta [R, d]
            if noisy is None or noisy(begin + here):
                after = jump(_to_chain(state, amplitude), amplitude, coin)
            else:
                after = state - sizes.eta * (W @ residual[:, :, None])[:, :, 0]
            W = W - sizes.eta * state[:, :, None] * residual[:, None, :]
            state, change = after, after - state
    trace = Trace(np.arange(len(rows)) * sizes.every)
    trace.numbers = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    trace.norm, trace.cosine = np.stack(norms), np.stack(cosines)
    return trace


def _to_chain(state: Array, amplitude: float) -> Array:
    """Return the nearest state of the chain, for weights that have followed the gradient; its own states stay."""
    return amplitude * np.sign(state) * (np.abs(state) > amplitude / 2)


def _start(draw: np.random.Generator, sizes: Sizes) -> tuple[Array, Array, Array]:
    """W ~ N(0, 1/d), theta* of its length, and the second moment of n standard normal inputs."""
    W = draw.standard_normal((sizes.m, sizes.d)) / np.sqrt(sizes.d)
    direction = draw.standard_normal(sizes.d)
    x = draw.standard_normal((sizes.n, sizes.d))
    return W, sizes.target * direction / np.linalg.norm(direction), x.T @ x / sizes.n
