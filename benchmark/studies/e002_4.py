"""E002-4: SAM leaves the lazy regime too, by label noise of its own making."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.studies.base import FAST, FULL, Context, Criterion, Evidence, Study
from lnlbench.benchmark.studies.plots import CLEAN, NOISY, OTHER, finish, lines, panels
from lnlbench.benchmark.studies.registry import register
from lnlbench.benchmark.studies.simulators.two_layer_linear import Sizes, draw_runs, first, simulate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FULL = "At full size the specification has one run without bounds (norm 0.99 to 0.12, cosine 0.81 to 0.85)."
_LARGE = "For rho = 0.3 it has one run at the sizes of `fast` without bounds: phase I in 2,000 steps, 0.7 in 9,000."
_PLAIN = "`Unchanged` was given the bound of plain SGD in E002-1."


@dataclass(frozen=True)
class Sharpness(Sizes):
    """Sizes and radii."""

    rho: float = 0.1
    large: float = 0.3  # a second radius, for comparison
    sigma: float = 0.0  # label noise beside SAM, as the README of the code has it
    seeds: int = 5


@register("E002-4")
class SharpnessAware(Study[Sharpness]):
    """Zhang et al. 2026, Fig. 4."""

    title = "SAM instead of label noise"
    source = "Zhang et al. 2026 (AAAI, arXiv 2603.10397), Fig. 4"
    claim = (
        "SAM on clean labels goes through the same two phases. Near interpolation its perturbed residual is about "
        "rho sqrt(|a|²|x|² + |Wx|²): label noise that it makes itself. Unlike label noise it fades as the loss does."
    )
    caption = "Mean norm, mean cosine with theta*, and test loss for three radii (0 is SGD). First seed."
    size = (11, 3.2)
    fast = Sharpness()
    full = Sharpness(m=1000, d=20, eta=1e-3, target=20**0.5, steps=100_000, rho=0.2)
    criteria = (
        Criterion("phase I", "its end, steps", "phase_one", 8_000, 18_000, only=FAST),
        Criterion("phase I", "its end, steps", "phase_one", only=FULL, gates=False),
        Criterion("norm", "mean at the end over the initial one", "norm_left", high=0.15, only=FULL, ours=_FULL),
        Criterion("cosine", "mean at the end", "cosine", low=0.9, only=FAST),
        Criterion("cosine", "mean at the end", "cosine", low=0.75, only=FULL, ours=_FULL),
        Criterion("cosine", "weighted by norms, at the end", "weighted_cosine", low=0.99, only=FAST),
        Criterion("theta", "relative error at the end", "error", high=0.02, only=FAST),
        Criterion("test", "loss at the end", "test", high=1e-3, only=FAST),
        Criterion("larger rho", "end of phase I over that of rho", "faster", high=0.5, ours=_LARGE),
        Criterion(
            "larger rho",
            "step from which the mean cosine exceeds 0.7",
            "large_from",
            high=20_000,
            only=FAST,
            ours=_LARGE,
        ),
        Criterion("rho = 0", "relative change of the mean norm after 5,000 steps", "plain", high=0.005, ours=_PLAIN),
    )
    discrepancies = (
        "The paper replaces label noise by SAM; the README of its code says SAM with label noise. `sigma` is an option "
        "of the configuration, and the criteria are for sigma = 0.",
        "rho is not stated; 0.1 and 0.2 are choices made here.",
    )

    def measure(self, config: Sharpness, context: Context) -> Evidence:
        """Train each seed at two radii and at none."""
        names, count = [seed("E002-4", i) for i in range(config.seeds)], config.seeds
        radii = np.repeat([config.rho, config.large, 0.0], count)
        noise = np.where(radii > 0, config.sigma, 0.0)
        trace = simulate(draw_runs(names * 3, config, list(noise), list(radii)), config)
        own, large, none = (slice(i * count, (i + 1) * count) for i in range(3))
        x, at = trace.numbers, int(np.searchsorted(trace.steps, 5_000))
        ends = np.array(first(trace, x["norm"] <= 0.5 * x["norm"][0]))
        measures = {
            "phase_one": [*ends[own]],
            "norm_left": [*(x["norm"][-1] / x["norm"][0])[own]],
            "cosine": [*x["cosine"][-1, own]],
            "weighted_cosine": [*x["weighted_cosine"][-1, own]],
            "error": [*x["error"][-1, own]],
            "test": [*x["test"][-1, own]],
            "faster": [*(ends[large] / ends[own])],
            "large_from": first(trace, x["cosine"] > 0.7)[large],
            "plain": [*np.abs(x["norm"][at:, none] / x["norm"][at, none] - 1).max(0)],
        }
        labels = [f"rho {radius:g}" for radius in (config.rho, config.large, 0.0)]
        curves = {
            f"{name}/{label}": (trace.steps, x[name][:, i * count])
            for name in ("norm", "cosine", "test")
            for i, label in enumerate(labels)
        }
        return Evidence(measures, curves)

    def draw(self, evidence: Evidence, figure: Figure) -> None:
        """Norm, cosine and test loss."""
        axes = panels(figure, ["mean norm", "mean cosine", "test loss"])
        for panel, name in zip(axes, ("norm", "cosine", "test"), strict=True):
            chosen = {k.partition("/")[2]: v for k, v in evidence.curves.items() if k.startswith(name)}
            lines(panel, chosen, dict(zip(chosen, (CLEAN, NOISY, OTHER), strict=True)))
            finish(panel, "step")
        axes[2].set_yscale("log")
        axes[2].set_ylim(1e-12)
