"""E002-3: switch the label noise on and off: the weights shrink only while it is on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.studies.base import FAST, FULL, Context, Criterion, Evidence, Study
from lnlbench.benchmark.studies.plots import CLEAN, NOISY, finish, panels
from lnlbench.benchmark.studies.registry import register
from lnlbench.benchmark.studies.simulators import oscillation
from lnlbench.benchmark.studies.simulators.array import Array
from lnlbench.benchmark.studies.simulators.two_layer_linear import Sizes, draw_runs, simulate

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Periodic(Sizes):
    """Sizes and periods."""

    sigma: float = 2.0
    window: int = 5000  # steps of noise, then as many without
    chain_window: int = 1000  # the same for the chain
    cycles: int = 3
    seeds: int = 5


@register("E002-3")
class PeriodicNoise(Study[Periodic]):
    """The periodic experiments of the official code."""

    title = "Periodic label noise"
    source = "Zhang et al. 2026, official code: `sgd_label_noise_periodic`, `oscillation_periodic`"
    claim = "The weights shrink while labels are noisy and stand still while they are not: the noise does it."
    caption = "Mean norm with SGD and with the chain of E002-2; noise is on where the ground is grey. First seed."
    size = (8, 3.2)
    fast = Periodic(every=250)
    full = Periodic(m=1000, d=20, sigma=4.0, eta=1e-3, target=20**0.5, every=250)
    criteria = (
        Criterion("on", "relative decrease of mean |w| in each window with noise", "on", low=0.05, only=FAST),
        Criterion("on", "relative decrease of mean |w| in each window with noise", "on", low=0.03, only=FULL),
        Criterion("off", "relative change in each window without", "off", high=0.005, only=FAST),
        Criterion("off", "relative change in each window without", "off", high=0.002, only=FULL),
        Criterion("steps of a", "their standard deviation, on over off (second halves)", "increments", low=100),
        Criterion("loss", "training loss at the end of each window without noise", "loss", high=1e-6),
        Criterion("chain", "relative decrease in each window of the chain", "chain_on", low=0.05, only=FAST),
        Criterion("chain", "relative decrease in each window of the chain", "chain_on", only=FULL, gates=False),
        Criterion("chain", "relative change in each window without", "chain_off", high=0.004),
    )

    def measure(self, config: Periodic, context: Context) -> Evidence:
        """SGD with periodic noise, and the chain switched on and off."""
        names = [seed("E002-3", i) for i in range(config.seeds)]
        sizes = replace(config, steps=2 * config.window * config.cycles)
        runs = draw_runs(names, sizes, [config.sigma] * config.seeds, [0.0] * config.seeds)
        trace = simulate(runs, sizes, noisy=lambda steps: steps % (2 * config.window) < config.window)
        per, norm = config.window // config.every, trace.numbers["norm"]
        on, off = _windows(norm, per)
        late = trace.numbers["increments"][1:].reshape(config.cycles, 2, per, -1)[:, :, per // 2 :].mean((0, 2))
        small = replace(config, every=config.chain_window // 4, steps=2 * config.chain_window * config.cycles)

        def moves(step: int) -> bool:
            return step % (2 * config.chain_window) < config.chain_window

        chain = oscillation.simulate(names, small, noisy=moves)
        chain_on, chain_off = _windows(chain.numbers["norm"], 4)
        measures = {
            "on": [*on.ravel()],
            "off": [*np.abs(off).ravel()],
            "increments": [*(late[0] / late[1])],
            "loss": [*trace.numbers["train"][2 * per :: 2 * per].ravel()],
            "chain_on": [*chain_on.ravel()],
            "chain_off": [*np.abs(chain_off).ravel()],
        }
        curves = {"SGD": (trace.steps, norm[:, 0]), "chain": (chain.steps, chain.numbers["norm"][:, 0])}
        curves |= {"training loss": (trace.steps, trace.numbers["train"][:, 0])}
        return Evidence(measures, curves, {"window": np.array([config.window, config.chain_window])})

    def draw(self, evidence: Evidence, figure: Figure) -> None:
        """Norms of SGD and of the chain."""
        axes = panels(figure, ["mean norm, label-noise SGD", "mean norm, chain"])
        for panel, name, colour, window in zip(
            axes, ("SGD", "chain"), (CLEAN, NOISY), evidence.arrays["window"], strict=True
        ):
            steps, norm = evidence.curves[name]
            panel.plot(steps, norm, color=colour)
            for begin in range(0, int(steps[-1]), 2 * window):
                panel.axvspan(begin, begin + window, color="grey", alpha=0.15)
            finish(panel, "step", legend=False)


def _windows(norm: Array, per: int) -> tuple[Array, Array]:
    """Relative decrease of the norm [E, R] in the windows with noise and in those without: each [cycles, R]."""
    ends = norm[::per]
    drop = 1 - ends[1:] / ends[:-1]
    return drop[::2], drop[1::2]
