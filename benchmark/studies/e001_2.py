"""E001-2: gradients keep the clusters of the inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.studies.base import Context, Criterion, Evidence, Study
from lnlbench.benchmark.studies.plots import CLEAN, NOISY, finish, panels
from lnlbench.benchmark.studies.registry import register
from lnlbench.benchmark.studies.simulators.array import Array
from lnlbench.benchmark.studies.simulators.kernel_network import degrees, drawn, gram

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEANS = ((1.5, 0.5), (0.5, 1.5))
SPREAD = 0.3


@dataclass(frozen=True)
class Clusters:
    """Data and network."""

    samples: int = 300
    width: int = 1024
    seeds: int = 5


@register("E001-2")
class ClusterPreservation(Study[Clusters]):
    """Liu et al. 2023, Fig. 3."""

    title = "Gradients keep the clusters of the inputs"
    source = "Liu et al. 2023 (arXiv 2306.02533), Fig. 3"
    claim = "Inputs in two clusters have gradients in two clusters: angles within one are small, between two large."
    caption = "Inputs; angles between the gradients of pairs, within and between the clusters. First seed."
    size = (8, 3.4)
    fast = Clusters()
    full = Clusters(samples=1000, width=4096)
    criteria = (
        Criterion("clusters", "mean angle between minus mean angle within, degrees", "separation", low=20),
        Criterion("clusters", "mean angle within", "within", gates=False),
        Criterion("clusters", "mean angle between", "between", gates=False),
    )
    discrepancies = ("The paper does not state the clusters; means (1.5, 0.5), (0.5, 1.5), std 0.3 are chosen here.",)

    def measure(self, config: Clusters, context: Context) -> Evidence:
        """All pairs of gradients, from the kernel of a random network."""
        within, between = [], []
        for i in range(config.seeds):
            draw = np.random.default_rng(seed("E001-2", i))
            x, label = clusters(config.samples, draw)
            K = gram(drawn(draw, 2, config.width, 1), x)
            size = np.sqrt(np.diag(K))
            angle, same = degrees(K / np.outer(size, size)), label[:, None] == label
            upper = np.triu(np.ones_like(same), 1)
            within.append(angle[same & upper].mean())
            between.append(angle[~same & upper].mean())
            if i == 0:
                bins = np.arange(0, 121, 2.5)
                parts = {"within": same & upper, "between": ~same & upper}
                counts = {name: np.histogram(angle[mask], bins, density=True)[0] for name, mask in parts.items()}
                arrays = {"x": x, "label": label, "bins": bins}
        centres = (bins[1:] + bins[:-1]) / 2
        measures = {"within": within, "between": between, "separation": np.subtract(between, within).tolist()}
        return Evidence(measures, {f"angles/{name}": (centres, row) for name, row in counts.items()}, arrays)

    def draw(self, evidence: Evidence, figure: Figure) -> None:
        """Draw inputs and histograms."""
        axes = panels(figure, ["inputs", "angles between gradients of pairs"])
        x, label = evidence.arrays["x"], evidence.arrays["label"]
        for value, colour in enumerate((CLEAN, NOISY)):
            axes[0].scatter(*x[label == value].T, s=6, color=colour, label=f"cluster {value + 1}")
        axes[0].set_aspect("equal", adjustable="datalim")
        finish(axes[0], "first input", "second input")
        for name, colour in (("within", CLEAN), ("between", NOISY)):
            centres, row = evidence.curves[f"angles/{name}"]
            axes[1].bar(centres, row, width=2.5, alpha=0.6, color=colour, label=name)
        finish(axes[1], "degrees", "density")


def clusters(samples: int, draw: np.random.Generator) -> tuple[Array, Array]:
    """Points [N, 2] around two means, and which one [N]."""
    label = np.arange(samples) % 2
    return np.array(MEANS)[label] + SPREAD * draw.standard_normal((samples, 2)), label
