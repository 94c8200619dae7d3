"""Make the table of noise-rate estimators in docs/fidelity.md: what each says on the same out-of-fold probabilities.

python docs/scripts/noise_estimates.py                     # all rows, or some: "mnist symmetric-0.4"
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lnlbench.benchmark.engine.device import choose_compute
from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.splits import canonical, images_of, prepare
from lnlbench.benchmark.runs.estimate_recipe import ANCHORS, is_bound, length_of
from lnlbench.benchmark.runs.estimators import anchor_rate, confident_joint, noise_rate
from lnlbench.benchmark.runs.noise_estimate import out_of_fold
from lnlbench.methods._mixture import clean_probability

REPLICATE = 0


def anchor_points(probabilities: Tensor, quantile: float) -> float:
    """Return the rate by Patrini et al.: row i of T is the posterior of the sample at a quantile of p_i."""
    place = min(len(probabilities) - 1, round(quantile * len(probabilities)))
    rows = probabilities[probabilities.argsort(0)[place]]  # [C, C]
    return float(1 - rows.diagonal().mean())


def mixture(probabilities: Tensor, given: Tensor) -> float:
    """Return the share of samples whose loss belongs to the upper of two normal distributions."""
    losses = -probabilities.gather(1, given.unsqueeze(1)).clamp(min=1e-12).log().T
    return float((clean_probability(losses) < 0.5).double().mean())


ESTIMATORS: dict[str, Callable[[Tensor, Tensor], float]] = {
    "confident joint": lambda p, y: noise_rate(confident_joint(p, y)),
    f"labels of the {ANCHORS:.0%} surest": lambda p, y: anchor_rate(p, y, ANCHORS),
    "of the 5% surest": lambda p, y: anchor_rate(p, y, 0.05),
    "Patrini, largest": lambda p, y: anchor_points(p, 1.0),
    "97th percentile": lambda p, y: anchor_points(p, 0.97),
    "mixture on losses": mixture,
}


@dataclass(frozen=True)
class Row:
    """A setting, and for how long the networks of each half are trained; none is as long as the package does."""

    setting: Setting
    epochs: int | None = None


def recipe(dataset: str, noise: str, model: str, **changes: object) -> Setting:
    """Return a small recipe, the same for all data sets but for what is changed."""
    usual = {"epochs": 10, "lr": 0.03, "weight_decay": 0.0, "batch_size": 128}
    return Setting(f"{dataset}-{model}", dataset, noise, model, **(usual | changes))  # type: ignore[arg-type]


PHOTOGRAPHS = {"epochs": 15, "lr": 0.02, "weight_decay": 5e-4, "batch_size": 64, "augment": True}
STRONGER = {"epochs": 20, "lr": 0.05, "weight_decay": 5e-4, "batch_size": 64}
NOISES = ("symmetric-0.4", "asymmetric-0.4")
ROWS = [
    *(Row(recipe("mnist", noise, "mlp"), epochs) for noise in NOISES for epochs in (1, None)),
    *(Row(recipe("fashion_mnist", noise, "mlp"), epochs) for noise in NOISES for epochs in (1, None)),
    *(
        Row(recipe("cifar10", noise, "cnn4", samples=5000, **PHOTOGRAPHS), epochs)
        for noise in (*NOISES, "human-worst")
        for epochs in (3, None)
    ),
    *(Row(recipe("cifar10", noise, "cnn_folded", samples=20000, **STRONGER)) for noise in NOISES),
]


def line(row: Row) -> str:
    """Return a row of the table: train, and ask every estimator."""
    images = images_of(row.setting.dataset, None)
    setting = canonical(row.setting, images)
    prepared = prepare(setting, REPLICATE, images)
    found = out_of_fold(setting, prepared.split, REPLICATE, choose_compute("cpu", "auto"), row.epochs)
    given = prepared.split.given
    steps = (row.epochs or length_of(setting, len(given))) * (len(given) // 2 // setting.batch_size)
    rates = [estimator(found.probabilities, given) for estimator in ESTIMATORS.values()]
    told = min(rates[:2])
    bound = "≤ " if is_bound(rates[:2], found.accuracy) else ""
    about = f"{setting.dataset}, {len(given):,} images, {setting.noise}, {setting.model}"
    numbers = [prepared.manifest["realised_rate"], found.accuracy, *rates]
    return f"| {about} | {steps:,} | {' | '.join(f'{x:.3f}' for x in numbers)} | {bound}{told:.2f} |\n"


def main(wanted: str) -> None:
    """Write the rows whose words are all wanted."""
    names = ["setting", "steps", "true", "right", *ESTIMATORS, "told"]
    sys.stdout.write(f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n")
    for row in ROWS:
        known = {row.setting.dataset, row.setting.noise, str(row.setting.samples)}
        if known.issuperset(wanted.split()):
            sys.stdout.write(line(row))
            sys.stdout.flush()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(" ".join(sys.argv[1:]))
