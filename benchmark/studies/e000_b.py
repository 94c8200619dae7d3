"""E000-B: two classes of CIFAR-10 with flipped labels: the two stages of learning in a real network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from lnlbench.benchmark.engine.job import Job, Samples
from lnlbench.benchmark.engine.trainer import fit
from lnlbench.benchmark.protocol.seeds import generator
from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.splits import Split
from lnlbench.benchmark.runs.metrics import accuracy, auroc
from lnlbench.benchmark.studies.base import FULL, Context, Criterion, Evidence, Study
from lnlbench.benchmark.studies.plots import CLEAN, EXTRA, NOISY, TEST, finish, lines, panels
from lnlbench.benchmark.studies.registry import register
from lnlbench.benchmark.studies.side_by_side import side_by_side
from lnlbench.benchmark.studies.simulators.array import Array
from lnlbench.methods._parse import parse

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class TwoClasses:
    """Data, network and recipe."""

    dataset: str = "cifar10"
    model: str = "vgg11_plain"
    rate: float = 0.2
    epochs: int = 60
    batch_size: int = 60
    optimizer: str = "adam"
    lr: float = 1.2e-3
    mean: tuple[float, ...] = (0.4914, 0.4822, 0.4465)
    std: tuple[float, ...] = (0.2023, 0.1994, 0.2010)
    precision: str = "fp32"
    processes: int = 1  # in which the runs with and without noise are made


@register("E000-B")
class BinaryVGG(Study[TwoClasses]):
    """Han et al. 2025, Fig. 2."""

    title = "Two stages on airplanes and automobiles"
    source = "Han et al. 2025 (ICML, arXiv 2505.18909), Fig. 2"
    claim = (
        "A VGG-11 on two classes of CIFAR-10 with 20 % flipped labels first predicts wrongly labelled samples as their "
        "true class; then it fits their labels, and test accuracy falls. Without label noise it does not."
    )
    caption = "Accuracy after each epoch in evaluation mode: with label noise, and without."
    size = (9, 3.4)
    fast = TwoClasses("digits", "cnn4", epochs=2, lr=1e-3, mean=(0.3,), std=(0.35,))
    full = TwoClasses()
    laptop = TwoClasses(model="vgg11_plain_small", precision="bf16", processes=2)
    heavy = True
    criteria = (
        Criterion("runs", "test accuracy at its best", "best", low=0.6, ours="That the program runs: chance is 0.5."),
        Criterion("stage I", "an epoch with correct ≥ 0.9, wrong as given ≤ 0.25, as true ≥ 0.75", "stage", 1, 1, FULL),
        Criterion("best", "test accuracy at its best", "best", 0.9, 1, FULL),
        Criterion("best", "accuracy on wrong labels (as given) there", "noisy_at_best", high=0.4, only=FULL),
        Criterion("best", "AUROC of the loss as a detector of wrong labels, nearest exact pass", "auroc", 0.9, 1, FULL),
        Criterion("end", "accuracy on wrong labels (as given)", "noisy_end", 0.9, 1, FULL),
        Criterion("end", "accuracy on correct labels", "clean_end", 0.97, 1, FULL),
        Criterion("end", "test accuracy minus its best", "fall", high=-0.05, only=FULL),
        Criterion("control", "no label noise: test accuracy at the end minus its best", "control_fall", -0.02, 0, FULL),
    )
    less = "A network a quarter as wide, trained in bf16; data, recipe and length are those of `full`."
    discrepancies = (
        "The official defaults (data set mnist, model LeNet) are not supported by that code; `StepLR` at epoch 60 of "
        "60 does nothing; the head has 10 outputs for 2 classes, here too.",
        "The official code averages training accuracy within the epoch, with dropout; here it is that of the network "
        "after the epoch, in evaluation mode.",
    )

    def measure(self, config: TwoClasses, context: Context) -> Evidence:
        """Train with and without label noise."""
        rates = [(config, rate, context) for rate in (config.rate, 0.0)]
        (noisy, detected), (control, _) = side_by_side(_train, rates, config.processes)
        best = int(noisy["test"].argmax())
        stage = (noisy["correct"] >= 0.9) & (noisy["wrong as given"] <= 0.25) & (noisy["wrong as true"] >= 0.75)
        measures = {
            "best": [noisy["test"][best]],
            "stage": [float(stage.any())],
            "noisy_at_best": [noisy["wrong as given"][best]],
            "auroc": [detected],
            "noisy_end": [noisy["wrong as given"][-1]],
            "clean_end": [noisy["correct"][-1]],
            "fall": [noisy["test"][-1] - noisy["test"][best]],
            "control_fall": [control["test"][-1] - control["test"].max()],
        }
        steps = np.arange(1, config.epochs + 1)
        curves = {f"noise/{name}": (steps[: len(y)], y) for name, y in noisy.items()}
        curves |= {f"control/{name}": (steps[: len(y)], y) for name, y in control.items() if "wrong" not in name}
        return Evidence(measures, curves)

    def draw(self, evidence: Evidence, figure: Figure) -> None:
        """Accuracies with and without label noise."""
        colours = {"correct": CLEAN, "wrong as given": NOISY, "wrong as true": EXTRA, "test": TEST}
        axes = panels(figure, ["accuracy, flipped labels", "accuracy, no label noise"])
        for panel, section in zip(axes, ("noise", "control"), strict=True):
            lines(panel, {k.partition("/")[2]: v for k, v in evidence.curves.items() if k.startswith(section)}, colours)
            panel.set_ylim(0, 1.02)
            finish(panel, "epoch")


def _train(config: TwoClasses, rate: float, context: Context) -> tuple[dict[str, Array], float]:
    """Accuracies after each epoch, and the AUROC of the loss in the exact pass nearest to the best of them on tests."""
    split, true, test = two_classes(config, rate, context)
    wrong, rows, passes = split.given != true, list[dict[str, float]](), dict[int, Samples]()
    for epoch in fit(Job(recipe(config), parse("ce"), 0, split), device=context.device, precision=config.precision):
        votes = epoch.predictions["train"]
        row = {"correct": accuracy(votes[:, ~wrong], true[~wrong]), "test": accuracy(epoch.predictions["test"], test)}
        if wrong.any():
            row["wrong as given"] = accuracy(votes[:, wrong], split.given[wrong])
            row["wrong as true"] = accuracy(votes[:, wrong], true[wrong])
        rows.append(row)
        if epoch.exact is not None:
            passes[epoch.epoch] = epoch.exact
    curves = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    best = int(curves["test"].argmax())
    exact = passes[min(passes, key=lambda epoch: abs(epoch - best))]
    return curves, auroc(exact.loss, wrong[exact.index]) or 0.0


def recipe(config: TwoClasses) -> Setting:
    """How it is trained."""
    return Setting(
        "two-classes", config.dataset, "clean", config.model, config.epochs, config.lr, 0.0,
        batch_size=config.batch_size, optimizer=config.optimizer, schedule="constant",
    )  # fmt: skip


def two_classes(config: TwoClasses, rate: float, context: Context) -> tuple[Split, torch.Tensor, torch.Tensor]:
    """Classes 0 and 1, as many of each, in their order; exactly rate x N labels flipped; true and test labels."""
    images = context.images(config.dataset)
    parts = []
    for pixels, labels in ((images.train_images, images.train_labels), (images.test_images, images.test_labels)):
        count = min(int((labels == label).sum()) for label in (0, 1))
        kept = np.sort(np.concatenate([np.flatnonzero(labels == label)[:count] for label in (0, 1)]))
        parts.append((torch.tensor(pixels[kept]), torch.tensor(labels[kept], dtype=torch.int64)))
    (train, true), (test, test_labels) = parts
    flipped = torch.randperm(len(true), generator=generator("E000-B", "noise"))[: int(rate * len(true))]
    given = true.clone()
    given[flipped] = 1 - given[flipped]
    few = slice(0, 100)  # the engine's own validation; nothing is chosen by it here
    split = Split(
        train, given, train[few], given[few], 10, config.mean, config.std, probes={"train": train, "test": test}
    )
    return split, true, test_labels
