"""E001-4: two classes with flipped labels: clean labels are learnt first because their gradient dominates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from lnlbench.benchmark.engine.device import choose_compute
from lnlbench.benchmark.protocol.seeds import generator, seed
from lnlbench.benchmark.studies.base import FULL, Context, Criterion, Evidence, Study
from lnlbench.benchmark.studies.plots import CLEAN, EXTRA, NOISY, TEST, finish, lines, panels
from lnlbench.benchmark.studies.registry import register
from lnlbench.benchmark.studies.simulators.array import Array
from lnlbench.benchmark.studies.simulators.kernel_network import KernelNetwork
from lnlbench.benchmark.studies.simulators.segment_training import Data, Descent, Trace, descend, flipped

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Binary:
    """Data, network and recipe."""

    dataset: str = ""  # a mixture of two Gaussians where empty, else two of its classes
    classes: tuple[int, int] = (7, 9)
    rate: float = 0.4
    width: int = 256
    hidden: int = 2
    epochs: int = 150
    batch_size: int = 64
    lr: float = 1.0
    steps: int = 300  # of gradient descent on all samples at once; 0 leaves it out
    gd_lr: float = 4.0
    until: float = 0.0
    seeds: int = 1


@register("E001-4")
class BinaryDynamics(Study[Binary]):
    """Liu et al. 2023, Figs. 5 and 6."""

    title = "Clean-priority learning of two classes"
    source = "Liu et al. 2023 (arXiv 2306.02533), Figs. 5 and 6"
    claim = (
        "The gradient of the correct labels dominates at first, by the ratio of the counts: they are learnt, and wrong "
        "labels are unlearnt. As their residuals shrink the ratio falls to 1; there the test error is least, and from "
        "there on wrong labels are fitted and the test error grows towards their rate."
    )
    caption = (
        "Errors against the given labels; residuals; test and training error; ratio of the segments' gradients of each "
        "class. Dashed: t*, the epoch of the least test error. First seed, SGD."
    )
    size = (14, 3.4)
    fast = Binary()
    full = Binary(
        dataset="mnist", width=1024, hidden=3, epochs=300, batch_size=256, until=0.01, seeds=3, steps=1000, gd_lr=4.0
    )
    criteria = (
        Criterion("B1", "start: ratio of each class over that of the counts", "start_ratio", 0.9, 1.1),
        Criterion("B1", "start: cosine of the segments' gradients, mean of the classes", "start_cosine", high=-0.95),
        Criterion("B1", "start: largest |mean residual - 1/2| of a segment", "start_residual", high=0.01),
        Criterion("B1", "start: error of each segment", "start_error", 0.45, 0.55),
        Criterion("B2", "error of correct labels at t* over that at the start", "clean_error", high=0.4),
        Criterion("B2", "loss of correct labels at t* minus that at the start", "clean_loss", high=0),
        Criterion("B2", "residual of correct labels at t* minus that at the start", "clean_residual", high=0),
        Criterion("B2", "largest error of wrong labels until t*", "noisy_error", low=0.8),
        Criterion("B2", "loss of wrong labels at t* minus that at the start", "noisy_loss", low=0),
        Criterion("B2", "residual of wrong labels at t* minus that at the start", "noisy_residual", low=0),
        Criterion("B3", "ratio at t*", "best_ratio", high=1.35),
        Criterion("B3", "ratio at t* minus that at the start", "ratio_fall", high=-0.1),
        Criterion("B3", "share of measured epochs after t* with the ratio in 0.8 to 1.35", "ratio_late", low=0.5),
        Criterion("B4", "test error at t*", "best_test", high=0.2),
        Criterion("B4", "test error at the end minus that at t*", "test_rise", low=0.15),
        Criterion("B5", "error of wrong labels at the end", "noisy_end", high=0.02),
        Criterion("B5", "error of correct labels at the end", "clean_end", high=0.02),
        Criterion("t*", "epoch of the least test error", "best_epoch", gates=False),
        Criterion("eq. 7", "cosine of the gradients with given and with true labels, start", "true_start", gates=False),
        Criterion("eq. 7", "the same, mean after t*", "true_late", gates=False),
        Criterion("collinear", "largest cosine of the segments' gradients, all epochs", "worst_cosine", gates=False),
        Criterion("GD", "gradient descent: ratio at t*", "gd_ratio", high=1.35),
        Criterion("GD", "test error at t*", "gd_best_test", high=0.2),
        Criterion("GD", "test error at the end minus that at t*", "gd_rise", low=0.15, only="fast"),
        Criterion("GD", "test error at the end minus that at t*", "gd_rise", gates=False, only=FULL),
    )
    analysis = {  # noqa: RUF012
        "B5": (
            "300 epochs at a learning rate of 1 do not end the training of this network: its training error falls from "
            "0.40 at t* to 0.31 after 100 epochs, 0.23 after 200 and 0.14 after 300, about 0.1 less for wrong labels "
            "every 50 epochs, and has not levelled off. The criterion is about a network that has fitted everything. "
            "Towards the end single epochs jump (the ratio of one class to 2), so that a larger step is no remedy."
        ),
    }
    discrepancies = (
        "The network as printed has outputs of the size of its inputs at the start, but the claims need f = 1/2. "
        "Inputs are scaled to length 1 and the output at the start is subtracted (which changes no gradient).",
        "Eq. 7, that gradient descent on noisy labels is the one on clean labels with a smaller step, is exact at f = "
        "1/2 only. The cosine of the two gradients is shown, and makes nothing fail.",
    )

    def measure(self, config: Binary, context: Context) -> Evidence:
        """Train with SGD and with gradient descent."""
        device = choose_compute(context.device, "fp32").device
        measures, first = dict[str, list[float]](), None
        for i in range(config.seeds):
            data = _data(config, i, context).to(device)
            inputs, source = data.x[0].numel(), generator("E001-4", "init", i)

            def fresh(inputs: int = inputs, source: torch.Generator = source) -> KernelNetwork:
                return KernelNetwork(inputs, config.width, config.hidden, 1, source).to(device)

            how = Descent(config.epochs, config.batch_size, config.lr, until=config.until)
            trace = descend(fresh(), data, how, "E001-4", i)
            found = stages(trace)
            if config.steps:
                gd = descend(fresh(), data, Descent(config.steps, len(data.x), config.gd_lr, every=20), "E001-4", i)
                test = gd.values["test_error"]
                found |= {"gd_ratio": [gd.ratio[gd.near(gd.best)]], "gd_best_test": [test[gd.best]]}
                found["gd_rise"] = [test[-1] - test[gd.best]]
            for name, values in found.items():
                measures.setdefault(name, []).extend(float(value) for value in values)
            first = first or trace
        assert first is not None
        return Evidence(measures, curves_of(first), {"best": np.array([first.best])})

    def draw(self, evidence: Evidence, figure: Figure) -> None:
        """Errors, residuals, test error and ratios."""
        axes = panels(
            figure, ["error on given labels", "residual", "test and training error", "|g correct| / |g wrong|"]
        )
        colours = {
            "correct": CLEAN,
            "wrong": NOISY,
            "test": TEST,
            "training": EXTRA,
            "class 0": CLEAN,
            "class 1": NOISY,
        }
        for panel, section in zip(axes, ("error", "residual", "total", "ratio"), strict=True):
            lines(panel, {k.partition("/")[2]: v for k, v in evidence.curves.items() if k.startswith(section)}, colours)
            panel.axvline(evidence.arrays["best"][0], color="grey", linestyle="--", linewidth=1)
            panel.set_xscale("symlog", linthresh=10)
            panel.set_xlim(0)
            finish(panel, "epoch")


def stages(trace: Trace) -> dict[str, list[float]]:
    """Measure the quantities that the criteria of two classes bound."""
    values, best, ratio = trace.values, trace.best, trace.ratio
    at = trace.near(best)
    late = ratio[trace.at > best]
    change = {name: values[name][best] - values[name][0] for name in values}
    return {
        "start_ratio": list(trace.clean[0] / trace.noisy[0] / trace.expected),
        "start_cosine": [np.nanmean(trace.cosine[0])],
        "start_residual": [max(abs(values[f"{name}_residual"][0] - 0.5) for name in ("clean", "noisy"))],
        "start_error": [values[f"{name}_error"][0] for name in ("clean", "noisy")],
        "clean_error": [values["clean_error"][best] / max(values["clean_error"][0], 1e-9)],
        "clean_loss": [change["clean_loss"]],
        "clean_residual": [change["clean_residual"]],
        "noisy_error": [values["noisy_error"][: best + 1].max()],
        "noisy_loss": [change["noisy_loss"]],
        "noisy_residual": [change["noisy_residual"]],
        "best_ratio": [ratio[at]],
        "ratio_fall": [ratio[at] - ratio[0]],
        "ratio_late": [((late >= 0.8) & (late <= 1.35)).mean() if len(late) else 0.0],
        "best_test": [values["test_error"][best]],
        "test_rise": [values["test_error"][-1] - values["test_error"][best]],
        "noisy_end": [values["noisy_error"][-1]],
        "clean_end": [values["clean_error"][-1]],
        "best_epoch": [best],
        "true_start": [trace.true_cosine[0]],
        "true_late": [trace.true_cosine[trace.at > best].mean() if len(late) else np.nan],
        "worst_cosine": [np.nanmax(trace.cosine)],
    }


def curves_of(trace: Trace) -> dict[str, tuple[Array, Array]]:
    """Return the curves of the figures; the ratio by class where there are two."""
    values, steps = trace.values, np.arange(len(trace.values["test_error"]))
    found = {
        "error/correct": values["clean_error"],
        "error/wrong": values["noisy_error"],
        "residual/correct": values["clean_residual"],
        "residual/wrong": values["noisy_residual"],
        "total/test": values["test_error"],
        "total/training": values["train_error"],
        "loss/correct": values["clean_loss"],
        "loss/wrong": values["noisy_loss"],
        "corrected/wrong": values["corrected"],
    }
    curves = {name: (steps, row) for name, row in found.items()}
    if len(trace.expected) == 2:
        curves |= {f"ratio/class {c}": (trace.at, trace.clean[:, c] / trace.noisy[:, c]) for c in (0, 1)}
    else:
        curves["ratio/all classes"] = (trace.at, trace.ratio)
    curves["cosine/segments"] = (trace.at, np.nanmean(trace.cosine, 1))
    return curves | {"cosine/given and true": (trace.at, trace.true_cosine)}


def _data(config: Binary, replicate: int, context: Context) -> Data:
    """Draw inputs of length 1 with labels 0 and 1, exactly rate × N of the training labels flipped."""
    if config.dataset:
        x, true, test_x, test = _images(config, context)
    else:
        x, true, test_x, test = _mixture(np.random.default_rng(seed("E001-4", replicate)))
    given = flipped(true, config.rate, 2, "E001-4", replicate)
    return Data(x / x.norm(dim=1, keepdim=True), given, true, test_x / test_x.norm(dim=1, keepdim=True), test)


def _mixture(draw: np.random.Generator, train: int = 1125, test: int = 375, size: int = 50) -> tuple[torch.Tensor, ...]:
    """Two Gaussians with unit variance, their means ±2.2 from the origin."""
    label = np.arange(train + test) % 2
    x = np.where(label, 1, -1)[:, None] * 2.2 / np.sqrt(size) + draw.standard_normal((train + test, size))
    inputs, labels = torch.tensor(x, dtype=torch.float32), torch.tensor(label)
    return inputs[:train], labels[:train], inputs[train:], labels[train:]


def _images(config: Binary, context: Context) -> tuple[torch.Tensor, ...]:
    """Two classes of a data set."""
    images, found = context.images(config.dataset), list[torch.Tensor]()
    for pixels, labels in ((images.train_images, images.train_labels), (images.test_images, images.test_labels)):
        kept = np.flatnonzero(np.isin(labels, config.classes))
        x = torch.tensor(pixels[kept].reshape(len(kept), -1), dtype=torch.float32) / 255
        found += [x, torch.tensor(labels[kept] == config.classes[1], dtype=torch.int64)]
    return tuple(found)
