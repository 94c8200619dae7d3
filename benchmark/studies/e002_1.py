"""E002-1: label-noise SGD first shrinks the weights (lazy to rich), then aligns them with the teacher."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.studies.base import FAST, FULL, Context, Criterion, Evidence, Study
from lnlbench.benchmark.studies.plots import CLEAN, EXTRA, NOISY, OTHER, TEST, finish, lines, panels
from lnlbench.benchmark.studies.registry import register
from lnlbench.benchmark.studies.simulators.array import Array
from lnlbench.benchmark.studies.simulators.two_layer_linear import Sizes, Trace, draw_runs, first, simulate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHORT = (
    "The specification has criteria at the sizes of `fast` alone; here a round number below its one calibrated run."
)
_RATE = "The rate's bounds are those of `fast`, kept although they were not calibrated for these sizes."
_LATE = "No norm may move after the start-up either: the bound of the whole run, which at full size has a catapult."


@dataclass(frozen=True)
class TwoPhases(Sizes):
    """Sizes, noise, and the test of the rate."""

    sigma: float = 2.0
    seeds: int = 5
    rate_eta: float = 2e-3  # of the runs that measure the rate of the first phase
    rate_steps: int = 10_000
    rate_sigmas: tuple[float, ...] = (1.0, 2.0, 4.0)
    calm_eta: float = 0.0  # of the same test at a start that is stable; none where 0
    calm_steps: int = 40_000

    def stiffness(self, eta: float) -> float:
        """S = eta (1 + m/d) (d + 2): at the start the mean squared error shrinks without noise only where S < 2."""
        return eta * (1 + self.m / self.d) * (self.d + 2)


@register("E002-1")
class TwoPhaseDynamics(Study[TwoPhases]):
    """Zhang et al. 2026, Fig. 2."""

    title = "Two phases of label-noise SGD"
    source = "Zhang et al. 2026 (AAAI, arXiv 2603.10397), Fig. 2"
    claim = (
        "With label noise the weights of a two-layer linear network first shrink, which takes it out of the lazy "
        "regime, and then align with the teacher. Plain SGD stays where it started. The rate of the first phase "
        "scales as eta² sigma². Phase I ends when the mean norm is half of the initial one, phase II begins when the "
        "mean cosine has risen by 0.1."
    )
    caption = (
        "Losses against clean targets (those of plain SGD fall to 1e-30 within the first entries of the log); mean "
        "norm and alignment with phase I shaded; eight neurons, darker is later; all neurons at four times. First seed."
    )
    size = (13, 3.4)
    fast = TwoPhases()
    full = TwoPhases(m=1000, d=20, sigma=4.0, eta=2e-3, target=20**0.5, steps=100_000, calm_eta=5e-4)
    criteria = (
        Criterion("phase I", "its end, steps", "phase_one", 10_000, 30_000, only=FAST),
        Criterion("phase I", "its end, steps", "phase_one", only=FULL, gates=False),
        Criterion("phase I", "change of the mean cosine in it", "early_cosine", high=0.06, only=FAST),
        Criterion("phase I", "change of the mean cosine in it", "early_cosine", only=FULL, gates=False),
        Criterion("norm", "mean norm at the end over the initial one", "norm_left", high=0.15, only=FAST),
        Criterion("norm", "mean norm at the end over the initial one", "norm_left", high=0.15, only=FULL, ours=_SHORT),
        Criterion("norm", "mean squared norm over sqrt(d) |theta*| / m", "stationary", 0.8, 1.2, only=FAST),
        Criterion("norm", "mean squared norm over sqrt(d) |theta*| / m", "stationary", only=FULL, gates=False),
        Criterion("cosine", "mean at the end", "cosine", low=0.8, only=FAST),
        Criterion("cosine", "mean at the end", "cosine", low=0.65, only=FULL, ours=_SHORT),
        Criterion("cosine", "weighted by norms, at the end", "weighted_cosine", low=0.93, only=FAST),
        Criterion("cosine", "weighted by norms, at the end", "weighted_cosine", low=0.8, only=FULL, ours=_SHORT),
        Criterion("cosine", "weighted by squared norms, at the end", "square_weighted_cosine", low=0.93, only=FAST),
        Criterion("cosine", "weighted by squared norms, at the end", "square_weighted_cosine", only=FULL, gates=False),
        Criterion("cosine", "step from which the mean exceeds 0.7", "cosine_from", gates=False),
        Criterion("order", "steps from the end of phase I to the start of phase II", "between", low=1),
        Criterion("lazy", "share of neurons beyond 1/sqrt(m) at the end", "escaped", 1, 1),
        Criterion("test", "loss at the end", "test", high=0.1, only=FAST),
        Criterion("test", "loss at the end over that after 10,000 steps", "test_ratio", high=1 / 3, only=FAST),
        Criterion("plain", "relative change of the mean norm, sigma = 0", "plain_norm", high=0.005, only=FAST),
        Criterion("plain", "the same after the first 5,000 steps", "plain_norm_late", high=0.005, ours=_LATE),
        Criterion("plain", "change of the mean cosine", "plain_cosine", high=0.01, only=FAST),
        Criterion("plain", "mean displacement", "plain_travelled", high=0.01, only=FAST),
        Criterion("plain", "mean displacement", "plain_travelled", only=FULL, gates=False),
        Criterion("plain", "training and test loss at the end", "plain_loss", high=1e-6),
        Criterion("rate", "factor for each doubling of sigma", "rate_factor", 3, 4.2, only=FAST),
        Criterion("rate", "factor for each doubling of sigma", "rate_factor", 3, 4.2, only=FULL, ours=_RATE),
        Criterion("rate", "rate over eta² sigma²", "inflation", 1, 2, gates=False),
        Criterion("rate", "S = eta (1 + m/d) (d + 2); the start is unstable from 2 on", "stiffness", gates=False),
        Criterion("rate", "factor for each doubling, eta = 5e-4", "calm_factor", 3, 4.2, only=FULL, gates=False),
        Criterion("rate", "rate over eta² sigma², eta = 5e-4", "calm_inflation", 1, 2, only=FULL, gates=False),
    )
    analysis = {  # noqa: RUF012
        "rate": (
            "The rate is proportional to eta² sigma² only where the start is stable, which it is not here. With inputs "
            "N(0, I) the effective weights follow least mean squares: E g² = sigma² (2 - 2 S/(d + 2)) / (2 - S), so "
            "that the rate over eta² sigma² is (2 - 2 S/(d + 2)) / (2 - S) and has no value from S = 2 on. `fast`, "
            "which the threshold was set for, has S = 0.50 (predicted 1.28), these sizes S = 2.24. So a catapult, "
            "which needs no noise (in seed 0 it takes 0.34 off ln(mean |w|²)), adds about the same to every sigma; "
            "after it S is still near 2 (1.6), the rate several times eta² sigma², and it falls the sooner the larger "
            "sigma is. Both pull the factor below 4. At eta = 5e-4 the same network has S = 0.56: predicted 1.35, and "
            "the factors hold (last rows)."
        ),
        "cosine": (
            "Two seeds of five miss a threshold that was chosen here. It was taken from a calibration that calls its "
            "mean norm-weighted without saying by which power: 0.86 to 0.89 here, and 0.96 to 0.98 at the sizes of "
            "`fast`. Weighted by |w_i|², both configurations give about those numbers (the row below); weighted by "
            "|w_i|, as in this row, neither does. The stricter reading stays."
        ),
    }
    discrepancies = (
        "The paper prints the identity for (a_i(t+1) - a_i(t))² without eta²; with it, it is exact (a unit test).",
        "Its T1 = 384 sqrt(log m) / (sigma² eta² sqrt(m)) is an upper bound three orders of magnitude above what is "
        "measured: neurons leave the ball of 1/sqrt(m) within a few hundred steps.",
        "Its phase II begins when all norms are below sqrt(eta), which is unreachable with |theta*| near 1: the "
        "stationary state has mean |w|² = sqrt(d) |theta*| / m. Hence the definitions above.",
        "theta* is not stated. With the half-squared loss and eta = 1e-3 only phase I fits into 100,000 steps; `full` "
        "takes eta = 2e-3 (an un-halved square) and |theta*| = sqrt(20).",
    )

    def measure(self, config: TwoPhases, context: Context) -> Evidence:
        """Noisy and plain runs of each seed; then short runs at several sigmas."""
        names = [seed("E002-1", i) for i in range(config.seeds)]
        noise = [config.sigma] * config.seeds + [0.0] * config.seeds
        runs = draw_runs(names * 2, config, noise, [0.0] * len(noise))
        trace = simulate(runs, config)
        measures = _phases(trace, slice(0, config.seeds)) | _plain(trace, slice(config.seeds, None))
        last = trace.numbers["square"][-1, : config.seeds]
        measures["stationary"] = [*(last * config.m / (config.d**0.5 * config.target))]
        factors, inflation = _rates(config)
        measures |= {"rate_factor": factors, "inflation": inflation, "stiffness": [config.stiffness(config.rate_eta)]}
        if config.calm_eta:
            calm = replace(config, rate_eta=config.calm_eta, rate_steps=config.calm_steps)
            measures["calm_factor"], measures["calm_inflation"] = _rates(calm)
        return Evidence(measures, _curves(trace, config.seeds), _arrays(trace, measures["phase_one"][0]))

    def draw(self, evidence: Evidence, figure: Figure) -> None:
        """Losses, norm and alignment, neurons."""
        axes = panels(figure, ["loss", "mean norm and alignment", "eight neurons", "all neurons"])
        colours = {"train": CLEAN, "test": NOISY, "train plain": OTHER, "test plain": EXTRA, "norm": TEST}
        colours |= {"norm plain": "#999999", "cosine": NOISY, "weighted cosine": EXTRA, "alignment": CLEAN}
        for panel, section in zip(axes, ("loss", "weights"), strict=False):
            lines(panel, {k.split("/")[1]: v for k, v in evidence.curves.items() if k.startswith(section)}, colours)
            finish(panel, "step")
        axes[0].set_yscale("log")
        axes[0].set_ylim(1e-6)
        axes[1].axvspan(0, evidence.arrays["phase_one"][0], color="grey", alpha=0.15)
        norm, cosine = evidence.arrays["norm"], evidence.arrays["cosine"]
        for i in range(8):
            axes[2].plot(norm[:, i], cosine[:, i], color="#cccccc", linewidth=0.6)
            axes[2].scatter(norm[:, i], cosine[:, i], c=np.arange(len(norm)), cmap="Blues", s=5, vmin=-len(norm) / 3)
        finish(axes[2], "|w|", "cosine with theta*", legend=False)
        for k, colour in zip(np.linspace(0, len(norm) - 1, 4).astype(int), (CLEAN, OTHER, EXTRA, NOISY), strict=True):
            label = f"{evidence.arrays['steps'][k]:,} steps"
            axes[3].scatter(norm[k], cosine[k], s=4, color=colour, label=label, alpha=0.6)
        finish(axes[3], "|w|", "cosine with theta*")


def _phases(trace: Trace, runs: slice) -> dict[str, list[float]]:
    x = {name: rows[:, runs] for name, rows in trace.numbers.items()}
    one = first(trace, x["norm"] <= 0.5 * x["norm"][0])
    two = first(trace, x["cosine"] >= x["cosine"][0] + 0.1)
    early = [_upto(trace, x["cosine"][:, r], end) for r, end in enumerate(one)]
    at = int(np.searchsorted(trace.steps, 10_000))
    return {
        "phase_one": one,
        "early_cosine": early,
        "between": [b - a for a, b in zip(one, two, strict=True)],
        "norm_left": [*(x["norm"][-1] / x["norm"][0])],
        "cosine": [*x["cosine"][-1]],
        "weighted_cosine": [*x["weighted_cosine"][-1]],
        "square_weighted_cosine": [*x["square_weighted_cosine"][-1]],
        "cosine_from": first(trace, x["cosine"] > 0.7),
        "escaped": [*x["escaped"][-1]],
        "test": [*x["test"][-1]],
        "test_ratio": [*(x["test"][-1] / x["test"][at])],
    }


def _upto(trace: Trace, values: Array, end: float) -> float:
    """Return the largest change until a step; not a number where the step is none."""
    kept = values[trace.steps <= end]
    return float(np.abs(kept - values[0]).max()) if len(kept) else float("nan")


def _plain(trace: Trace, runs: slice) -> dict[str, list[float]]:
    x = {name: rows[:, runs] for name, rows in trace.numbers.items()}
    at = int(np.searchsorted(trace.steps, 5_000))
    return {
        "plain_norm": [*np.abs(x["norm"] / x["norm"][0] - 1).max(0)],
        "plain_norm_late": [*np.abs(x["norm"][at:] / x["norm"][at] - 1).max(0)],
        "plain_cosine": [*np.abs(x["cosine"] - x["cosine"][0]).max(0)],
        "plain_travelled": [*x["travelled"].max(0)],
        "plain_loss": [*np.maximum(x["train"][-1], x["test"][-1])],
    }


def _rates(config: TwoPhases) -> tuple[list[float], list[float]]:
    """Factor of the rate of ln(mean |w|²) for each doubling of sigma, mean over seeds; and over eta² sigma²."""
    sizes = replace(config, eta=config.rate_eta, steps=config.rate_steps)
    names = [seed("E002-1", i) for i in range(config.seeds)] * len(config.rate_sigmas)
    sigmas = np.repeat(config.rate_sigmas, config.seeds)
    square = simulate(draw_runs(names, sizes, list(sigmas), [0.0] * len(names)), sizes).numbers["square"]
    rates = -np.log(square[-1] / square[0]).reshape(len(config.rate_sigmas), -1).mean(-1) / config.rate_steps
    inflation = rates / (config.rate_eta * np.array(config.rate_sigmas)) ** 2
    return [*(rates[1:] / rates[:-1])], [*inflation]


def _curves(trace: Trace, plain: int) -> dict[str, tuple[Array, Array]]:
    x, steps = trace.numbers, trace.steps
    chosen = {"loss/train": "train", "loss/test": "test", "weights/norm": "norm", "weights/cosine": "cosine"}
    chosen |= {"weights/weighted cosine": "weighted_cosine", "weights/alignment": "alignment"}
    more = {"frobenius": "frobenius", "stable rank": "stable_rank", "error": "error", "second layer": "second"}
    more |= {"increments": "increments", "travelled": "travelled", "norm std": "norm_std"}
    chosen |= {f"more/{name}": key for name, key in more.items()}
    curves = {name: (steps, x[key][:, 0]) for name, key in chosen.items()}
    pairs = {"loss/train plain": "train", "loss/test plain": "test", "weights/norm plain": "norm"}
    return curves | {name: (steps, x[key][:, plain]) for name, key in pairs.items()}


def _arrays(trace: Trace, phase_one: float) -> dict[str, Array]:
    return {"norm": trace.norm, "cosine": trace.cosine, "steps": trace.steps, "phase_one": np.array([phase_one])}
