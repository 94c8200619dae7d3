"""Instance-dependent noise: the pixels decide which wrong class, and a drawn rate how often."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

from lnlbench.datasets.loading.images import Images
from lnlbench.datasets.noise.base import Noise, register

SPREAD = 0.1


def flip_rates(rate: float, count: int, generator: np.random.Generator) -> np.ndarray:
    """Return q ``[count]`` from a normal distribution around ``rate``, sd 0.1, truncated to [0, 1].

    By inversion with the standard library's distribution, so that no library version changes the labels.
    """
    normal = NormalDist(rate, SPREAD)
    low, high = normal.cdf(0.0), normal.cdf(1.0)
    uniform = low + generator.random(count) * (high - low)
    return np.clip([normal.inv_cdf(min(max(u, 1e-300), 1 - 1e-16)) for u in uniform.tolist()], 0.0, 1.0)


@register("instance")
class Instance(Noise):
    """Part-dependent noise (Xia et al., NeurIPS 2020): wrong classes by a random projection of the image.

    q_i ~ TruncNormal(ε, 0.1, [0, 1]); W_k ~ N(0, 1) of shape ``[S, K]`` for each true class k; the scores x_i · W of
    the wrong classes go through a softmax that shares out q_i. x are raw values 0 to 255, flattened as C, H, W, in
    float64; all numbers come from one PCG64 in the order q, W_0 … W_{K−1}, one uniform number per image.
    Raw values make the softmax nearly one-hot, as in the published label files. Truncation makes ε = 0.2 realise about
    0.2055. The option ``centred`` subtracts the mean image of the training set from x, so that the projection no longer
    prefers the same classes for all images. Of a class's wrong labels the most frequent wrong class has, as the
    manifest says in ``top_wrong_share`` (mean over classes; CIFAR-10, ε = 0.4, mean of the seeds 0 and 1), 0.72,
    centred 0.25; in the label file of DAL's code (2023) 0.48.
    """

    family = "instance"
    options = ("", "centred")
    retired = ("scaled",)  # x in [0, 1], which changes two labels in a hundred
    guaranteed = False

    def draw(self, images: Images, generator: np.random.Generator) -> tuple[np.ndarray, dict[str, Any]]:
        """Return given labels, the share of images for which a wrong class dominates (q > 0.5), and `top_share`."""
        true, classes = images.train_labels, images.card.classes
        q = flip_rates(float(self.rate or 0), len(true), generator)
        pixels = images.train_images.reshape(len(true), -1)  # [N, S]
        scale = 255.0 if self.option == "scaled" else 1.0
        middle = pixels.mean(0) if self.option == "centred" else 0.0
        cumulative = np.empty((len(true), classes))
        for k in range(classes):  # one W at a time: all of CIFAR-100's would take 245 MB
            weights = generator.standard_normal((pixels.shape[1], classes))  # [S, K]
            members = np.flatnonzero(true == k)
            scores = ((pixels[members].astype(np.float64) - middle) / scale) @ weights
            scores[:, k] = -np.inf
            scores -= scores.max(axis=1, keepdims=True, initial=-np.inf)
            share = np.exp(scores)
            flips = q[members, None] * share / share.sum(axis=1, keepdims=True)
            flips[:, k] = 1 - q[members]
            cumulative[members] = flips.cumsum(axis=1)
        uniform = generator.random(len(true)) * cumulative[:, -1]
        given = (cumulative <= uniform[:, None]).sum(axis=1).astype(np.int64)
        shares = {"share_above_half": float((q > 0.5).mean()), "top_wrong_share": top_share(true, given, classes)}
        return given, shares


def top_share(true: np.ndarray, given: np.ndarray, classes: int) -> float | None:
    """Return the share of its most frequent wrong class in the wrong labels of a class, mean over the classes."""
    counts = np.zeros((classes, classes))
    np.add.at(counts, (true, given), 1)
    np.fill_diagonal(counts, 0)
    wrong = counts.sum(axis=1)
    return float((counts.max(axis=1)[wrong > 0] / wrong[wrong > 0]).mean()) if wrong.any() else None
