"""E000-A: signal first, then noise: the two stages of learning under label noise, with every coefficient tracked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.studies.base import Context, Criterion, Evidence, Study
from lnlbench.benchmark.studies.plots import CLEAN, EXTRA, NOISY, OTHER, TEST, finish, lines, panels
from lnlbench.benchmark.studies.registry import register
from lnlbench.benchmark.studies.simulators.array import Array
from lnlbench.benchmark.studies.simulators.signal_noise import Sizes, Trace, problem, simulate

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class TwoStages(Sizes):
    """Sizes, recipe and sweep."""

    eta: float = 0.05
    steps: int = 2000
    rate: float = 0.2
    seeds: int = 5
    grid_snr: tuple[float, ...] = ()  # of the sweep
    grid_rate: tuple[float, ...] = ()

    @property
    def turn(self) -> int:
        """T1, the end of the first stage in the theory: n m / (eta sigma^2 d)."""
        return round(self.n * self.m / (self.eta * self.d))


@register("E000-A")
class FeatureLearning(Study[TwoStages]):
    """Han et al. 2025, Fig. 1."""

    title = "Two stages of feature learning"
    source = "Han et al. 2025 (ICML, arXiv 2505.18909), Fig. 1, Theorems 4.1 to 4.4"
    claim = (
        "A two-layer ReLU CNN first learns the signal, and predicts wrongly labelled samples as their true class; "
        "then it fits their labels through their noise vectors, and test points that share those vectors suffer. "
        "Without label noise there is no second stage. Stopping early avoids it, and so does training on what has a "
        "small loss at T1."
    )
    caption = (
        "Coefficients of the signal (gamma) and of the noise vectors (rho), mean over filters; accuracies; the same "
        "without label noise. Dashed: T1. First seed. In the sweep: share of seeds with a step at which all correct "
        "labels and no wrong one are fitted."
    )
    size = (12, 3.6)
    fast = TwoStages(seeds=2)
    full = TwoStages(grid_snr=(5.0, 10.0, 20.0), grid_rate=(0.0, 0.1, 0.2, 0.3, 0.4))
    criteria = (
        Criterion("A1", "accuracy on correct labels at T1", "clean_accuracy_T1", 1, 1),
        Criterion("A1", "accuracy on wrong labels (as given) at T1", "noisy_accuracy_T1", 0, 0),
        Criterion("A1", "largest loss of a correct label at T1, in log 2", "clean_loss_T1", high=1),
        Criterion("A1", "smallest loss of a wrong label at T1, in log 2", "noisy_loss_T1", low=1),
        Criterion("A2", "accuracy on D_test at T1", "test_accuracy_T1", low=0.99),
        Criterion("A2", "mean gamma over mean rho of wrong labels at T1", "gamma_over_rho_T1", low=1),
        Criterion("A3", "accuracy on wrong labels (as given) at the end", "noisy_accuracy_end", 1, 1),
        Criterion("A3", "step from which it stays 1", "fitted_from", gates=False),
        Criterion("A3", "training loss at the end", "loss_end", high=0.05),
        Criterion("A4", "mean rho of wrong labels over mean gamma at the end", "rho_over_gamma_end", low=1),
        Criterion("A4", "share of wrong labels whose rho exceeds gamma at the end", "overfitted_end", 1, 1),
        Criterion("A4", "error on D_test at the end", "test_error_end", 0.08, 0.15),
        Criterion("A4", "error on fresh noise vectors at the end", "fresh_error_end", gates=False),
        Criterion("A5", "least ratio of mean |l'|, wrong to correct, from T1 on", "slope_ratio", low=2),
        Criterion("A6", "no label noise: least accuracy from T1 on", "control_accuracy", 1, 1),
        Criterion("A6", "no label noise: largest error on D_test from T1 on", "control_error", high=0.01),
        Criterion("A6", "no label noise: least gamma over rho, all steps", "control_gamma_over_rho", low=1),
        Criterion("A7", "stopped at T1: error on D_test", "test_error_T1", high=0.01),
        Criterion("A7", "retrained on losses ≤ log 2 at T1: error on D_test at the end", "selected_error", high=0.01),
    )
    discrepancies = (
        "n SNR² must be well above 1/(1 - 2 tau) for the first stage to be seen at all: the sweep shows where it is.",
        "The degradation is on D_test, whose points reuse the training set's noise vectors. On fresh ones the "
        "error stays near 0 in this regime, so it is measured beside it and makes nothing fail.",
        "The official repository has no code for the synthetic experiment, and the module that draws is missing.",
    )

    def measure(self, config: TwoStages, context: Context) -> Evidence:
        """Simulate noisy and clean runs of each seed, retrain on what is selected at T1, and sweep."""
        seeds, turn = config.seeds, config.turn
        both = problem(*_runs(config, [config.rate, 0.0]), config)
        near = [*range(0, 2 * turn, 4), turn, *range(2 * turn, config.steps, 40), config.steps]
        trace = simulate(both, eta=config.eta, steps=config.steps, test_at=near)
        noisy, control = slice(0, seeds), slice(seeds, 2 * seeds)
        wrong = (both.true != both.given)[noisy]
        kept = trace.loss[turn, noisy] <= np.log(2)
        chosen = problem(*_runs(config, [config.rate]), config)
        again = simulate(chosen, eta=config.eta, steps=config.steps, test_at=[config.steps], kept=kept)
        measures = _stages(trace, noisy, wrong, both.given[noisy], turn) | _control(trace, control, turn)
        measures["selected_error"] = list(1 - again.accuracy["reused"][-1])
        arrays = {"T1": np.array([turn])}
        if config.grid_snr:
            arrays |= {"windows": _sweep(config), "snr": np.array(config.grid_snr), "rate": np.array(config.grid_rate)}
        return Evidence(measures, _curves(trace, wrong[0], seeds), arrays)

    def draw(self, evidence: Evidence, figure: Figure) -> None:
        """Coefficients, accuracies, the control, and the sweep where there is one."""
        sweep = "windows" in evidence.arrays
        titles = [
            "coefficients",
            "accuracy",
            "no label noise",
            *(["share of seeds with a first stage"] if sweep else []),
        ]
        axes = panels(figure, titles)
        colours = {
            "gamma": TEST,
            "rho correct": CLEAN,
            "rho wrong": NOISY,
            "correct": CLEAN,
            "wrong as given": NOISY,
        }
        colours |= {"wrong as true": EXTRA, "D_test": "#777777", "fresh test": OTHER, "loss": EXTRA, "rho": CLEAN}
        for panel, section in zip(axes, ("coefficients", "accuracy", "control"), strict=False):
            chosen = {k.partition("/")[2]: v for k, v in evidence.curves.items() if k.startswith(f"{section}/")}
            lines(panel, chosen, colours)
            panel.axvline(evidence.arrays["T1"][0], color="grey", linestyle="--", linewidth=1)
            panel.set_xscale("symlog", linthresh=10)
            panel.set_xlim(0)
            finish(panel, "step")
        if sweep:
            _heat(axes[3], evidence)


def _runs(config: TwoStages, rates: list[float]) -> tuple[list[np.random.Generator], list[float]]:
    draws = [np.random.default_rng(seed("E000-A", i)) for _ in rates for i in range(config.seeds)]
    return draws, [rate for rate in rates for _ in range(config.seeds)]


def _stages(trace: Trace, runs: slice, wrong: Array, given: Array, turn: int) -> dict[str, list[float]]:
    """Measure T1 and the end of each noisy run."""
    loss, right, slope, rho = (x[:, runs] for x in (trace.loss, trace.right, trace.slope, trace.rho))
    gamma, count = trace.gamma[:, runs], range(len(wrong))

    def part(x: Array, mask: Array) -> Array:
        return np.stack([x[:, r][:, mask[r]].mean(-1) for r in count], 1)

    test = {name: rows[:, runs] for name, rows in trace.accuracy.items()}
    at = int(np.searchsorted(trace.tested, turn))
    fitted = part(right, wrong) == 1
    # The last step at which a wrong label is not fitted, plus one.
    since = [int(len(row) - np.argmin(row[::-1])) if not row.all() else 0 for row in fitted.T]
    other = np.take_along_axis(gamma[-1], np.where(given > 0, 1, 0), 1)  # of the filters of minus the given sign
    rho_wrong, log2 = part(rho, wrong), np.log(2)
    return {
        "clean_accuracy_T1": [*part(right, ~wrong)[turn]],
        "noisy_accuracy_T1": [*part(right, wrong)[turn]],
        "clean_loss_T1": [loss[turn, r][~wrong[r]].max() / log2 for r in count],
        "noisy_loss_T1": [loss[turn, r][wrong[r]].min() / log2 for r in count],
        "test_accuracy_T1": [*test["reused"][at]],
        "test_error_T1": [*(1 - test["reused"][at])],
        "gamma_over_rho_T1": [*(gamma[turn].mean(-1) / rho_wrong[turn])],
        "noisy_accuracy_end": [*part(right, wrong)[-1]],
        "fitted_from": [float(step) for step in since],
        "loss_end": [*loss[-1].mean(-1)],
        "rho_over_gamma_end": [*(rho_wrong[-1] / gamma[-1].mean(-1))],
        "overfitted_end": [(rho[-1] > other)[r][wrong[r]].mean() for r in count],
        "test_error_end": [*(1 - test["reused"][-1])],
        "fresh_error_end": [*(1 - test["fresh"][-1])],
        "slope_ratio": [*(part(slope, wrong) / part(slope, ~wrong))[turn:].min(0)],
    }


def _control(trace: Trace, runs: slice, turn: int) -> dict[str, list[float]]:
    late = trace.tested >= turn
    ratio = trace.gamma[1:, runs].mean(-1) / trace.rho[1:, runs].mean(-1)
    return {
        "control_accuracy": [*trace.right[turn:, runs].mean(-1).min(0)],
        "control_error": [*(1 - trace.accuracy["reused"][late][:, runs]).max(0)],
        "control_gamma_over_rho": [*ratio.min(0)],
    }


def _curves(trace: Trace, wrong: Array, control: int) -> dict[str, tuple[Array, Array]]:
    steps, gamma = np.arange(len(trace.loss)), trace.gamma.mean(-1)
    test = {name: rows.T for name, rows in trace.accuracy.items()}
    return {
        "coefficients/gamma": (steps, gamma[:, 0]),
        "coefficients/rho correct": (steps, trace.rho[:, 0][:, ~wrong].mean(-1)),
        "coefficients/rho wrong": (steps, trace.rho[:, 0][:, wrong].mean(-1)),
        "accuracy/correct": (steps, trace.right[:, 0][:, ~wrong].mean(-1)),
        "accuracy/wrong as given": (steps, trace.right[:, 0][:, wrong].mean(-1)),
        "accuracy/D_test": (trace.tested, test["reused"][0]),
        "accuracy/fresh test": (trace.tested, test["fresh"][0]),
        "accuracy/loss": (steps, trace.loss[:, 0].mean(-1)),
        "control/gamma": (steps, gamma[:, control]),
        "control/rho": (steps, trace.rho[:, control].mean(-1)),
        "control/D_test": (trace.tested, test["reused"][control]),
        "slope/correct": (steps, trace.slope[:, 0][:, ~wrong].mean(-1)),
        "slope/wrong": (steps, trace.slope[:, 0][:, wrong].mean(-1)),
        "gradient/signal": (steps, trace.gradient[:, 0, 0]),
        "gradient/noise": (steps, trace.gradient[:, 0, 1]),
    }


def _sweep(config: TwoStages) -> Array:
    """Share of seeds with a step at which all correct labels and no wrong one are fitted: [snr, rate]."""
    shares = []
    for snr in config.grid_snr:
        given = problem(*_runs(config, list(config.grid_rate)), replace(config, snr=snr, points=1))
        right = simulate(given, eta=config.eta, steps=10 * config.turn).right
        wrong = given.true != given.given
        window = (right.astype(bool) == ~wrong).all(-1).any(0)
        shares.append(window.reshape(len(config.grid_rate), config.seeds).mean(-1))
    return np.array(shares)


def _heat(axes: object, evidence: Evidence) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    shares, snr, rate = (evidence.arrays[name] for name in ("windows", "snr", "rate"))
    axes.grid(visible=False)
    axes.imshow(shares, cmap="viridis", vmin=0, vmax=1, aspect="auto", origin="lower")
    axes.set_xticks(range(len(rate)), [f"{x:g}" for x in rate])
    axes.set_yticks(range(len(snr)), [f"{x:g}" for x in snr])
    for (i, j), share in np.ndenumerate(shares):
        axes.text(j, i, f"{share:.1f}", ha="center", va="center", color="white" if share < 0.6 else "black", fontsize=9)
    finish(axes, "share of flipped labels", "n SNR²", legend=False)
