"""E001-1: the angle between gradients against the angle between inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.studies.base import Context, Criterion, Evidence, Study
from lnlbench.benchmark.studies.plots import CLEAN, EXTRA, NOISY, OTHER, TEST, finish, lines, panels
from lnlbench.benchmark.studies.registry import register
from lnlbench.benchmark.studies.simulators.array import Array
from lnlbench.benchmark.studies.simulators.kernel_network import closed_form, drawn, paired

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Angles:
    """Network and pairs."""

    width: int = 4096
    inputs: int = 50
    pairs: int = 50  # at each angle
    step: int = 5  # degrees between angles
    deep: tuple[int, ...] = (2, 3)  # hidden layers of further networks
    deep_width: int = 512
    seeds: int = 3


@register("E001-1")
class GradientAngles(Study[Angles]):
    """Liu et al. 2023, Fig. 2."""

    title = "Similar inputs have similar gradients"
    source = "Liu et al. 2023 (arXiv 2306.02533), Fig. 2"
    claim = (
        "At the start of training the angle between the gradients of two inputs grows with the angle between the "
        "inputs: samples that are near each other pull the weights in the same direction."
    )
    caption = (
        "Angle between gradients of pairs of inputs, every pair a dot, and the limit of infinite width (one hidden "
        "layer); mean over the pairs for deeper networks. First seed."
    )
    size = (9, 3.6)
    fast = Angles()
    full = Angles(width=16384, pairs=200, step=1, deep_width=2048)
    criteria = (
        Criterion("limit", "largest |mean - closed form| from 5 to 90 degrees, degrees", "gap", high=1.5),
        Criterion("monotone", "least growth of the mean from one angle to the next, 0 to 90", "growth", low=0),
        Criterion("right angle", "mean angle between gradients of orthogonal inputs", "right", high=90),
        Criterion("deep", "two and three hidden layers: least growth, 0 to 90", "deep_growth", low=0),
        Criterion("deep", "the same: angle between gradients of equal inputs, degrees", "deep_zero", high=0.1),
        Criterion("deep", "the same: of inputs one step apart, in steps", "deep_near", gates=False),
    )
    discrepancies = (
        "The closed form of one hidden layer, cos = (k1 + cos θ k0)/2, is derived here; the paper shows the curve.",
    )

    def measure(self, config: Angles, context: Context) -> Evidence:
        """Draw networks and pairs."""
        angles = np.arange(0, 181, config.step).astype(float)
        below = angles <= 90
        gap, growth, right, deep_growth, zero, near = ([] for _ in range(6))
        for i in range(config.seeds):
            draw = np.random.default_rng(seed("E001-1", i))
            found = _angles(config, config.width, 1, angles, draw)
            mean = found.mean(1)
            tested = (angles >= 5) & below
            gap.append(np.abs(mean - closed_form(angles))[tested].max())
            growth.append(np.diff(mean[below]).min())
            right.append(mean[angles == 90][0])
            deep = {hidden: _angles(config, config.deep_width, hidden, angles, draw).mean(1) for hidden in config.deep}
            deep_growth.append(min(np.diff(row[below]).min() for row in deep.values()))
            zero.append(max(row[0] for row in deep.values()))
            near.append(max(row[1] for row in deep.values()) / config.step)
            if i == 0:
                curves = {"mean/1 hidden layer": (angles, mean), "mean/infinite width": (angles, closed_form(angles))}
                curves |= {f"mean/{hidden} hidden layers": (angles, row) for hidden, row in deep.items()}
                pairs = found
        measures = {"gap": gap, "growth": growth, "right": right}
        measures |= {"deep_growth": deep_growth, "deep_zero": zero, "deep_near": near}
        return Evidence(measures, curves, {"angles": angles, "pairs": pairs})

    def draw(self, evidence: Evidence, figure: Figure) -> None:
        """Pairs with the limit, and means of all depths."""
        axes = panels(figure, ["pairs of inputs, one hidden layer", "mean over pairs"])
        angles, pairs = evidence.arrays["angles"], evidence.arrays["pairs"]
        axes[0].scatter(np.repeat(angles, pairs.shape[1]), pairs.ravel(), s=3, alpha=0.3, color=CLEAN, linewidth=0)
        curves = {name.partition("/")[2]: curve for name, curve in evidence.curves.items()}
        lines(axes[0], {"infinite width": curves["infinite width"]}, {"infinite width": TEST})
        networks = {name: curve for name, curve in curves.items() if name != "infinite width"}
        lines(axes[1], networks, dict(zip(networks, (CLEAN, OTHER, NOISY, EXTRA), strict=False)))
        for panel in axes:
            panel.set_xticks(range(0, 181, 30))
            finish(panel, "angle between inputs, degrees", "angle between gradients, degrees")


def _angles(config: Angles, width: int, hidden: int, angles: Array, draw: np.random.Generator) -> Array:
    """Return the angles between gradients [A, P] of random pairs of unit inputs at each angle [A]."""
    weights = drawn(draw, config.inputs, width, hidden)
    x = _unit(draw.standard_normal((config.pairs, config.inputs)))
    other = draw.standard_normal(x.shape)
    other = _unit(other - (other * x).sum(1, keepdims=True) * x)  # orthogonal to x
    t = np.deg2rad(angles)[:, None, None]
    y = np.cos(t) * x + np.sin(t) * other
    return np.stack([paired(weights, x, row) for row in y])


def _unit(x: Array) -> Array:
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))
