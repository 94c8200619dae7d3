"""E002-5: label noise and SAM on 64 real images: the network, its linearisation, and both again under label noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.studies.base import Context, Criterion, Evidence, Study
from lnlbench.benchmark.studies.plots import CLEAN, EXTRA, NOISY, OTHER, TEST, finish, lines, panels
from lnlbench.benchmark.studies.registry import register
from lnlbench.benchmark.studies.simulators.array import Array
from lnlbench.benchmark.studies.simulators.erf_network import (
    Problem,
    kernel,
    kernel_distance,
    linearised,
    loss,
    output,
    problem,
    train,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class LazyRich:
    """Data, network and recipe."""

    dataset: str = "cifar10"
    samples: int = 64  # the first of training and of test set
    width: int = 512
    lr: float = 1e-3
    steps: int = 10_000
    every: int = 100
    p: float = 0.5  # of replacing a label by one of all classes
    rho: float = 0.05  # of SAM
    seeds: int = 1  # starts and noise of the plateau; all else is of the first


@register("E002-5")
class LazyAgainstRich(Study[LazyRich]):
    """Zhang et al. 2026, Figs. 3 and 5."""

    title = "Lazy against rich on real images"
    source = "Zhang et al. 2026 (AAAI, arXiv 2603.10397), Figs. 3 and 5, and the released notebook"
    claim = (
        "Gradient descent on clean labels follows the linearised network; label noise and SAM leave it. Four curves "
        "are shown where the paper has three: the linearised network is also trained on the same noisy labels."
    )
    caption = (
        "Training loss against clean labels; test loss; mean norm of the first layer's columns; distance of the "
        "training loss from the clean linearised network. The dotted line is p²(C-1)/(2C²); the plateau lies "
        "above it by what each step lets through of fresh noise (predicted from the kernel), and by the slowest "
        "directions, which are not yet at rest."
    )
    size = (13, 3.4)
    fast = LazyRich("digits", lr=0.05, steps=3000, every=50, seeds=5)
    full = LazyRich()
    criteria = (
        Criterion("lazy", "largest gap of training losses, clean, of the initial loss", "gap", high=0.05),
        Criterion("lazy", "the same after a tenth of the run, absolute", "late_gap", high=2e-3),
        Criterion("plateau", "mean training loss of the last fifth, noise, over p²(C-1)/(2C²)", "plateau", 0.85, 1.15),
        Criterion("plateau", "the same, linearised network on the same labels", "linear_plateau", gates=False),
        Criterion("plateau", "the same, predicted: 1 and what steps of this size add", "step_plateau", gates=False),
        Criterion("norm", "mean column norm of the first layer, noise: change by the end", "noise_norm", high=0),
        Criterion("norm", "the same, clean", "clean_norm", low=0),
        Criterion("kernel", "distance from the initial kernel, noise over clean", "noise_kernel", gates=False),
        Criterion("test", "test loss at the end, noise minus clean", "test_difference", gates=False),
        Criterion("SAM", "largest gap of training losses from linearised, over that without SAM", "sam_gap", low=3),
        Criterion("SAM", "distance from the initial kernel over that without SAM", "sam_kernel", low=1),
    )
    discrepancies = (
        "README: ResNet and random images; paper: WideResNet; notebook: a 3072-512-10 erf network on the first 64 "
        "images; the notebook is what is reproduced here.",
        "The notebook draws mask and labels of the noise from one key, and relabelling includes the true class: p = "
        "0.5 flips 45 %. Here mask and labels are independent.",
        "Fig. 3's deviation from the clean linearised network is explained by target shrinkage: the expected target is "
        "(1 - p) e_y + p/C, which alone gives the plateau p²(C-1)/(2C²), and the linearised network on the same noisy "
        "labels follows. Distance of kernels and norms tell lazy from rich, the gap of losses does not.",
    )

    def measure(self, config: LazyRich, context: Context) -> Evidence:
        """Clean and noisy, network and linearised, and SAM."""
        given, *others = (_problem(config, context, i) for i in range(config.seeds))
        recipe = (config.lr, config.steps, config.every)
        clean = train(given, lambda step: given.y, *recipe)
        clean_line = linearised(given, lambda step: given.y, *recipe)
        noisy = train(given, _noise(config, given.y, 0), *recipe)
        noisy_line = linearised(given, _noise(config, given.y, 0), *recipe)
        more = [train(other, _noise(config, other.y, i), *recipe) for i, other in enumerate(others, 1)]
        sam = train(given, lambda step: given.y, *recipe, rho=config.rho)
        gap, classes = np.abs(clean.train - clean_line.train), given.y.shape[1]
        plateau, late = config.p**2 * (classes - 1) / classes**2 / 2, 4 * len(gap) // 5
        kernels = [kernel_distance(given, trace.end) for trace in (clean, noisy, sam)]
        measures = {
            "gap": [gap.max() / loss(output(given.start, given.x), given.y)],
            "late_gap": [gap[len(gap) // 10 :].max()],
            "plateau": [trace.train[late:].mean() / plateau for trace in (noisy, *more)],
            "linear_plateau": [noisy_line.train[late:].mean() / plateau],
            "step_plateau": [1 + _excess(config, given) / plateau],
            "noise_norm": [noisy.norm[-1] - noisy.norm[0]],
            "clean_norm": [clean.norm[-1] - clean.norm[0]],
            "noise_kernel": [kernels[1] / kernels[0]],
            "test_difference": [noisy.test[-1] - clean.test[-1]],
            "sam_gap": [np.abs(sam.train - clean_line.train).max() / gap.max()],
            "sam_kernel": [kernels[2] / kernels[0]],
        }
        named = {"clean": clean, "clean linear": clean_line, "noise": noisy, "noise linear": noisy_line, "SAM": sam}
        curves = {f"train/{name}": (trace.steps, trace.train) for name, trace in named.items()}
        curves |= {f"test/{name}": (trace.steps, trace.test) for name, trace in named.items()}
        curves |= {f"norm/{name}": (t.steps, t.norm) for name, t in named.items() if "linear" not in name}
        rest = {name: trace for name, trace in named.items() if trace is not clean_line}
        curves |= {f"gap/{name}": (t.steps, np.abs(t.train - clean_line.train)) for name, t in rest.items()}
        return Evidence(measures, curves, {"plateau": np.array([plateau])})

    def draw(self, evidence: Evidence, figure: Figure) -> None:
        """Losses, norms, and gaps."""
        axes = panels(figure, ["training loss, clean labels", "test loss", "mean column norm", "gap to clean linear"])
        colours = {"clean": CLEAN, "clean linear": TEST, "noise": NOISY, "noise linear": EXTRA, "SAM": OTHER}
        for panel, section in zip(axes, ("train", "test", "norm", "gap"), strict=True):
            chosen = {k.partition("/")[2]: v for k, v in evidence.curves.items() if k.startswith(f"{section}/")}
            for name, curve in chosen.items():
                lines(panel, {name: curve}, colours, linestyle="--" if "linear" in name else "-")
            if section != "norm":
                panel.set_yscale("log")
            finish(panel, "step")
        axes[0].axhline(evidence.arrays["plateau"][0], color="grey", linestyle=":")
        axes[3].set_ylim(1e-6)


def _problem(config: LazyRich, context: Context, replicate: int) -> Problem:
    images, count = context.images(config.dataset), config.samples
    x = images.train_images[:count].reshape(count, -1).astype(float)
    test = images.test_images[:count].reshape(count, -1).astype(float)
    mean, std = x.mean(), x.std()  # of all pixels together
    eye = np.eye(images.card.classes)
    labels = eye[images.train_labels[:count]], eye[images.test_labels[:count]]
    draw = np.random.default_rng(seed("E002-5", replicate))
    return problem(draw, (x - mean) / std, (test - mean) / std, *labels, config.width)


def _excess(config: LazyRich, given: Problem) -> float:
    """Return the stationary loss that fresh noise in each step adds to the linearised network, from its kernel.

    A direction of eigenvalue k shrinks by r = lr k / (N C) in a step and so keeps r / (2 - r) of the noise's variance,
    which is taken to be the same in all of them.
    """
    share, classes = (
        config.lr / given.y.size * np.linalg.eigvalsh(kernel(given.start, given.x, given.x)),
        given.y.shape[1],
    )
    hit = config.p / classes
    variance = (1 - config.p + hit) * (config.p - hit) + (classes - 1) * hit * (1 - hit)
    return float((share / (2 - share)).mean() * variance / classes / 2)


def _noise(config: LazyRich, y: Array, replicate: int) -> Callable[[int], Array]:
    """Labels drawn afresh in each step, the same for every caller: with probability p one of all classes."""
    draw, eye = np.random.default_rng(seed("E002-5", "noise", replicate)), np.eye(y.shape[1])

    def labels(step: int) -> Array:
        other, replaced = draw.integers(len(eye), size=len(y)), draw.random(len(y)) < config.p
        return np.where(replaced[:, None], eye[other], y)

    return labels
