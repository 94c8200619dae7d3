"""Which labels look clean: a mixture of two normal distributions, fitted to the losses of all samples."""

import math

import torch
from torch import Tensor

ROUNDS, TOLERANCE, FLOOR = 10, 1e-2, 5e-4


def clean_probability(losses: Tensor) -> Tensor:
    """Return the posterior probability of the component of lower mean, for each sample of each network.

    Losses are scaled to [0, 1]; two-means clustering from the two ends starts expectation-maximisation, which ends
    after 10 rounds or once the mean log-likelihood moves by less than 0.01. If losses are all equal, or not finite,
    every sample counts as clean.

    Args:
        losses: [K, N].

    Returns:
        [K, N] in [0, 1], of the losses' type.

    Source: Arazo et al., "Unsupervised Label Noise Modeling and Loss Correction", ICML 2019; with a normal mixture and
        these constants Li, Socher and Hoi, "DivideMix", ICLR 2020, section 3.1 and its code.
    """
    x = losses.double()
    low, high = x.amin(-1, keepdim=True), x.amax(-1, keepdim=True)
    usable = (high > low) & high.isfinite() & low.isfinite()
    x = torch.where(usable, (x - low) / (high - low), 0.0)
    parameters = _fitted(x)
    _, shares = _expected(x, parameters)
    lower = parameters[1].argmin(0, keepdim=True)  # [1, K, 1]
    clean = shares.gather(0, lower.expand(1, *x.shape)).squeeze(0)
    return torch.where(usable, clean, 1.0).to(losses.dtype)


def two_normals(losses: Tensor) -> tuple[Tensor, Tensor]:
    """Return means and standard deviations, each [2, K, 1], the component of lower mean first, fitted as above.

    Args:
        losses: [K, N], finite.
    """
    low, high = losses.amin(-1, keepdim=True), losses.amax(-1, keepdim=True)
    width = (high - low).clamp(min=1e-12)
    _, means, variances = _fitted((losses - low) / width)
    order = means.argsort(0)
    return low + width * means.gather(0, order), width * variances.gather(0, order).sqrt()


def _fitted(x: Tensor) -> tuple[Tensor, ...]:
    """Weights, means and variances, each [2, K, 1], of losses [K, N] that are scaled to [0, 1]."""
    near = (x > 0.5).to(x.dtype)
    for _ in range(20):  # two-means: the upper cluster takes what lies above the midpoint of the means
        means = _means(x, torch.stack([1 - near, near]))
        near = (x > means.mean(0)).to(x.dtype)
    parameters = _maximised(x, torch.stack([1 - near, near]))
    likelihood, done = torch.full_like(x[..., :1], -math.inf), torch.zeros_like(x[..., :1], dtype=torch.bool)
    for _ in range(ROUNDS):
        found, shares = _expected(x, parameters)
        step = _maximised(x, shares)
        parameters = tuple(torch.where(done, old, new) for old, new in zip(parameters, step, strict=True))
        done = done | ((found - likelihood).abs() < TOLERANCE)
        likelihood = found
    return parameters


def _means(x: Tensor, shares: Tensor) -> Tensor:
    """Means [2, K, 1] of two groups [2, K, N]."""
    return (shares * x).sum(-1, keepdim=True) / shares.sum(-1, keepdim=True).clamp(min=1e-12)


def _maximised(x: Tensor, shares: Tensor) -> tuple[Tensor, ...]:
    """Weights, means and variances, each [2, K, 1], that fit memberships [2, K, N] best."""
    mean = _means(x, shares)
    total = shares.sum(-1, keepdim=True).clamp(min=1e-12)
    variance = (shares * (x - mean).square()).sum(-1, keepdim=True) / total + FLOOR
    return total / x.shape[-1], mean, variance


def _expected(x: Tensor, parameters: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Mean log-likelihood [K, 1], and memberships [2, K, N]."""
    weight, mean, variance = parameters
    logs = weight.log() - 0.5 * ((x - mean).square() / variance + (2 * math.pi * variance).log())
    whole = logs.logsumexp(0)
    return whole.mean(-1, keepdim=True), (logs - whole).exp()
