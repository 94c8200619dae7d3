"""E002-2: oscillating second-layer weights alone make the first layer shrink, at a rate that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.studies.base import Context, Criterion, Evidence, Study
from lnlbench.benchmark.studies.plots import CLEAN, NOISY, TEST, finish, panels
from lnlbench.benchmark.studies.registry import register
from lnlbench.benchmark.studies.simulators.oscillation import simulate
from lnlbench.benchmark.studies.simulators.two_layer_linear import Sizes, first

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Oscillation(Sizes):
    """Sizes, and over how many steps the rate is measured."""

    seeds: int = 3
    rate_steps: int = 10_000


@register("E002-2")
class OscillationStudy(Study[Oscillation]):
    """Zhang et al. 2026, eqs. 6 and 7."""

    title = "Oscillation of the second layer"
    source = "Zhang et al. 2026 (AAAI, arXiv 2603.10397), eqs. 6 and 7, Lemma 4"
    claim = (
        "Label noise makes the second layer oscillate. A three-state chain with amplitude eta^(1/4) in its place is "
        "enough for the first layer to shrink: E a² = sqrt(eta)/2 gives d ln(mean |w|)/dt = -eta^1.5/2 until the norms "
        "are below sqrt(eta), before t = 1/eta²; then the neurons align."
    )
    caption = "Mean norm of the neurons, with the predicted decay (dashed) and sqrt(eta); mean cosine. First seed."
    size = (8, 3.2)
    fast = Oscillation(steps=40_000)
    full = Oscillation(m=1000, d=20, eta=1e-3, steps=320_000, every=4000, rate_steps=60_000, seeds=1)
    criteria = (
        Criterion("rate", "decay of ln(mean |w|) over eta^1.5/2", "rate", 0.85, 1.15),
        Criterion("norm", "first step with mean |w| ≤ sqrt(eta), times eta²", "small_from", high=1),
        Criterion("cosine", "mean at the end", "cosine", low=0.5),
    )
    discrepancies = (
        "Lemma 4's identity lacks eta²; the chain's amplitude eta^(1/4) is the paper's, the rate is derived here.",
    )

    def measure(self, config: Oscillation, context: Context) -> Evidence:
        """Run the chain."""
        trace = simulate([seed("E002-2", i) for i in range(config.seeds)], config)
        norm, cosine, steps = trace.numbers["norm"], trace.numbers["cosine"], trace.steps
        at = int(np.searchsorted(steps, config.rate_steps))
        rate = -np.log(norm[at] / norm[0]) / steps[at]
        measures = {
            "rate": [*(rate / (config.eta**1.5 / 2))],
            "small_from": [step * config.eta**2 for step in first(trace, norm <= config.eta**0.5)],
            "cosine": [*cosine[-1]],
        }
        decay = norm[0, 0] * np.exp(-(config.eta**1.5) / 2 * steps)
        curves = {"mean norm": (steps, norm[:, 0]), "predicted": (steps, decay), "cosine": (steps, cosine[:, 0])}
        return Evidence(measures, curves, {"sqrt": np.array([config.eta**0.5])})

    def draw(self, evidence: Evidence, figure: Figure) -> None:
        """Norm and cosine."""
        left, right = panels(figure, ["mean norm", "mean cosine with theta*"])
        left.plot(*evidence.curves["mean norm"], color=CLEAN, label="measured")
        left.plot(*evidence.curves["predicted"], color=TEST, linestyle="--", label="eta^1.5/2")
        left.axhline(evidence.arrays["sqrt"][0], color="grey", linestyle=":", label="sqrt(eta)")
        left.set_yscale("log")
        finish(left, "step")
        right.plot(*evidence.curves["cosine"], color=NOISY)
        finish(right, "step", legend=False)
