"""E001-3: gradients of wrongly labelled samples oppose those of correctly labelled ones of their true class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.studies.base import FULL, Context, Criterion, Evidence, Study
from lnlbench.benchmark.studies.e001_2 import clusters
from lnlbench.benchmark.studies.plots import CLEAN, NOISY, OTHER, finish, panels
from lnlbench.benchmark.studies.registry import register
from lnlbench.benchmark.studies.simulators.array import Array
from lnlbench.benchmark.studies.simulators.kernel_network import degrees, drawn, gram
from lnlbench.benchmark.studies.simulators.segment_training import flipped

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Directions:
    """Data and network."""

    rate: float = 0.3
    samples: int = 300
    width: int = 1024
    seeds: int = 5
    hard: tuple[float, ...] = (50, 4.4)  # a mixture in so many dimensions, its means so many deviations apart
    images: str = ""  # a data set of which the classes 0 and 1 are shown, too
    pictures: int = 2000


@register("E001-3")
class GradientDirections(Study[Directions]):
    """Liu et al. 2023, Fig. 4."""

    title = "Wrong labels pull the other way"
    source = "Liu et al. 2023 (arXiv 2306.02533), Fig. 4"
    claim = (
        "At the start gradients of correctly labelled samples of a class point along their sum, those of wrongly "
        "labelled ones of that class point against it, as mirror images; the ratio of the two sums is that of the "
        "counts, so that the correct labels win."
    )
    caption = (
        "Angles of the samples' gradients with the sum over the correctly labelled ones of class 1; dashed: angle "
        "between the sums over correct and over wrong labels of that class. First seed."
    )
    size = (12, 3.4)
    fast = Directions()
    full = Directions(images="mnist", seeds=5)
    criteria = (
        Criterion("clusters", "largest angle of a correctly labelled sample, degrees", "clusters_clean", high=90),
        Criterion("clusters", "smallest angle of a wrongly labelled sample", "clusters_noisy", low=90),
        Criterion("clusters", "mean angle correct + mean angle wrong - 180", "clusters_mirror", -3, 3),
        Criterion("clusters", "angle between the segments' gradients", "clusters_segments", low=170),
        Criterion("clusters", "ratio of their norms over that of the counts", "clusters_ratio", 0.9, 1.1),
        Criterion("mixture", "largest angle of a correctly labelled sample, degrees", "mixture_clean", high=90),
        Criterion("mixture", "smallest angle of a wrongly labelled sample", "mixture_noisy", low=90),
        Criterion("mixture", "mean angle correct + mean angle wrong - 180", "mixture_mirror", -3, 3),
        Criterion("mixture", "angle between the segments' gradients", "mixture_segments", gates=False),
        Criterion("mixture", "ratio of their norms over that of the counts", "mixture_ratio", 0.9, 1.1),
        Criterion("MNIST", "largest angle of a correctly labelled sample, degrees", "images_clean", high=90, only=FULL),
        Criterion("MNIST", "smallest angle of a wrongly labelled sample", "images_noisy", low=90, only=FULL),
        Criterion("MNIST", "mean angle correct + mean angle wrong - 180", "images_mirror", -3, 3, FULL),
        Criterion("MNIST", "angle between the segments' gradients", "images_segments", low=165, only=FULL),
        Criterion("MNIST", "ratio of their norms over that of the counts", "images_ratio", 0.9, 1.1, FULL),
    )
    discrepancies = (
        "The paper's formula of the ratio prints the norm of the correct labels in both places; the denominator is "
        "that of the wrong ones.",
        "The claims at the start need f = 1/2: the network's output at the start is subtracted, which changes no "
        "gradient.",
    )

    def measure(self, config: Directions, context: Context) -> Evidence:
        """Angles at the start, from the kernel of a random network."""
        measures, curves, arrays = dict[str, list[float]](), {}, {}
        kinds = ["clusters", "mixture", *(["images"] if config.images else [])]
        for kind in kinds:
            for i in range(config.seeds):
                draw = np.random.default_rng(seed("E001-3", kind, i))
                x, true = _inputs(kind, config, draw, context)
                given = flipped(torch.tensor(true), config.rate, 2, "E001-3", kind, i).numpy()
                found, angles, segment = directions(gram(drawn(draw, x.shape[1], config.width, 1), x), given, true)
                for name, value in found.items():
                    measures.setdefault(f"{kind}_{name}", []).append(value)
                if i == 0:
                    bins = np.arange(0, 181, 4.0)
                    for name, values in angles.items():
                        curves[f"{kind}/{name}"] = (bins[:-1] + 2, np.histogram(values, bins, density=True)[0])
                    arrays[kind] = np.array([segment])
        return Evidence(measures, curves, arrays)

    def draw(self, evidence: Evidence, figure: Figure) -> None:
        """Histograms of angles."""
        titles = {
            "clusters": "two clusters in the plane",
            "mixture": "mixture in 50 dimensions",
            "images": "digits 0 and 1 of MNIST",
        }
        kinds = [kind for kind in titles if kind in evidence.arrays]
        for panel, kind in zip(panels(figure, [titles[kind] for kind in kinds]), kinds, strict=True):
            for name, colour in (("correct", CLEAN), ("wrong", NOISY), ("other class", OTHER)):
                centres, row = evidence.curves[f"{kind}/{name}"]
                panel.bar(centres, row, width=4, alpha=0.6, color=colour, label=name)
            panel.axvline(evidence.arrays[kind][0], color="grey", linestyle="--", linewidth=1)
            panel.set_xticks(range(0, 181, 30))
            finish(panel, "angle with the correct labels' gradient, degrees", "density")


def directions(K: Array, given: Array, true: Array) -> tuple[dict[str, float], dict[str, Array], float]:
    """Angles with the gradient of the correctly labelled samples of class 1, where every output is 1/2.

    Args:
        K: tangent kernel [N, N].
        given: [N] labels, 0 or 1.
        true: [N].

    Returns:
        what criteria are about, the angles of the samples of each kind, and that between the two segments.
    """
    r, wrong = 0.5 - given, given != true
    mine = true == 1
    clean, noisy = mine & ~wrong, mine & wrong
    along = K[:, clean] @ r[clean]
    size = np.sqrt(r[clean] @ along[clean])
    cosine = np.sign(r) * along / np.sqrt(np.diag(K)) / size
    angles = {"correct": degrees(cosine[clean]), "wrong": degrees(cosine[noisy]), "other class": degrees(cosine[~mine])}
    other = np.sqrt(r[noisy] @ K[np.ix_(noisy, noisy)] @ r[noisy])
    segment = float(degrees(r[noisy] @ along[noisy] / size / other))
    found = {
        "clean": angles["correct"].max(),
        "noisy": angles["wrong"].min(),
        "mirror": angles["correct"].mean() + angles["wrong"].mean() - 180,
        "segments": segment,
        "ratio": size / other / (clean.sum() / noisy.sum()),
    }
    return {name: float(value) for name, value in found.items()}, angles, segment


def _inputs(kind: str, config: Directions, draw: np.random.Generator, context: Context) -> tuple[Array, Array]:
    """Return inputs [N, D] and true labels [N]."""
    if kind == "clusters":
        return clusters(config.samples, draw)
    if kind == "mixture":
        size, apart = int(config.hard[0]), config.hard[1]
        label = np.arange(config.samples) % 2
        mean = apart / 2 / np.sqrt(size) * np.ones(size)
        return np.where(label, 1, -1)[:, None] * mean + draw.standard_normal((config.samples, size)), label
    images = context.images(config.images)
    kept = draw.permutation(np.flatnonzero(images.train_labels < 2))[: config.pictures]
    x = images.train_images[kept].reshape(len(kept), -1).astype(float)
    return x / np.linalg.norm(x, axis=1, keepdims=True), images.train_labels[kept].astype(np.int64)
