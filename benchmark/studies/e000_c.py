"""E000-C: which pixels a prediction rests on, for correct and for wrong labels, before and after memorising."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from lnlbench.benchmark.engine.batches import DeviceImages
from lnlbench.benchmark.engine.device import choose_compute
from lnlbench.benchmark.engine.job import Job
from lnlbench.benchmark.engine.models import build
from lnlbench.benchmark.engine.trainer import fit
from lnlbench.benchmark.runs.metrics import accuracy
from lnlbench.benchmark.studies.base import Context, Criterion, Evidence, Study
from lnlbench.benchmark.studies.e000_b import TwoClasses, recipe, two_classes
from lnlbench.benchmark.studies.registry import register
from lnlbench.methods._parse import parse

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELLS = 8  # of the pooled map, on each side at most


@dataclass(frozen=True)
class Explained(TwoClasses):
    """What is trained, and how much is explained."""

    explained: int = 100  # images of each kind
    path: int = 32  # points of the integral


@register("E000-C")
class Attribution(Study[Explained]):
    """Han et al. 2025, the figure of attributions."""

    title = "What a memorised label rests on"
    source = "Han et al. 2025 (ICML, arXiv 2505.18909), the figure of attributions"
    claim = (
        "What makes a network predict a wrong label that it memorised is scattered over the image. The statistic is "
        "the entropy of the attribution's absolute values, 1 where they are the same everywhere."
    )
    caption = (
        "Three correctly and three wrongly labelled images; below them the attribution of the predicted class at the "
        "best test accuracy (T1) and at the end."
    )
    size = (8, 4)
    fast = Explained("digits", "cnn4", epochs=2, lr=1e-3, mean=(0.3,), std=(0.35,))
    full = Explained()
    laptop = Explained(model="vgg11_plain_small", precision="bf16")
    heavy = True
    criteria = (
        Criterion("T1", "mean entropy, correct labels", "correct_T1", gates=False),
        Criterion("T1", "mean entropy, wrong labels", "wrong_T1", gates=False),
        Criterion("end", "mean entropy, correct labels", "correct_end", gates=False),
        Criterion("end", "mean entropy, wrong labels", "wrong_end", gates=False),
        Criterion("end", "share of wrong labels that are memorised", "memorised", gates=False),
    )
    less = "A network a quarter as wide, trained in bf16; data, recipe and length are those of `full`."
    discrepancies = (
        "The official code has SHAP's DeepExplainer, with 100 training images as background, and shows images alone. "
        "Here it is integrated gradients in plain torch from the mean image, and a number.",
    )

    def measure(self, config: Explained, context: Context) -> Evidence:
        """Train, keep the network of the best epoch and the last, and explain both."""
        split, true, test = two_classes(config, config.rate, context)
        best, curve, kept = -1.0, list[float](), dict[str, dict[str, Tensor]]()
        for epoch in fit(Job(recipe(config), parse("ce"), 0, split), device=context.device, precision=config.precision):
            curve.append(accuracy(epoch.predictions["test"], test))
            names = [name for name, due in (("T1", curve[-1] > best), ("end", epoch.last)) if due]
            for name in names:
                kept[name] = epoch.weights()["models"][0]
            best = max(best, curve[-1])
        how = choose_compute(context.device, "fp32")
        images = DeviceImages(split.images, split.mean, split.std, how.device)
        baseline = images.batch(torch.arange(len(images), device=how.device)).mean(0)
        wrong = split.given != true
        chosen = {"correct": (~wrong).nonzero()[:, 0], "wrong": wrong.nonzero()[:, 0]}
        chosen = {name: index[: config.explained] for name, index in chosen.items()}
        measures, maps = dict[str, list[float]](), dict[str, list[Tensor]]()
        for when, weights in kept.items():
            model = how.place(build(config.model, split.classes, split.shape, 0)).eval()
            model.load_state_dict(weights)
            for kind, index in chosen.items():
                inputs = images.batch(index.to(how.device))
                found, votes = integrated_gradients(model, inputs, baseline, config.path)
                pooled = absolute_map(found)
                measures[f"{kind}_{when}"] = [float(entropy(pooled).mean())]
                maps.setdefault(when, []).append(pooled[:3].cpu())
                if (kind, when) == ("wrong", "end"):
                    measures["memorised"] = [float((votes.cpu() == split.given[index]).double().mean())]
        shown = torch.cat([split.images[index[:3]] for index in chosen.values()]).float().mean(1)
        arrays = {"image": shown.numpy()} | {when: torch.cat(parts).numpy() for when, parts in maps.items()}
        return Evidence(measures, {"test": (np.arange(1, len(curve) + 1), np.array(curve))}, arrays)

    def draw(self, evidence: Evidence, figure: Figure) -> None:
        """Images above, maps below."""
        rows, labels = ("image", "T1", "end"), ("correct",) * 3 + ("wrong",) * 3
        for row, (name, line) in enumerate(zip(rows, figure.subplots(3, 6), strict=True)):
            for axes, content, label in zip(line, evidence.arrays[name], labels, strict=True):
                axes.imshow(content, cmap="magma" if row else "gray", vmin=0 if row else None)
                axes.set(xticks=[], yticks=[])
                if not row:
                    axes.set_title(label, fontsize=9)
            line[0].set_ylabel(name, fontsize=9)


def integrated_gradients(
    model: Callable[[Tensor], Tensor], inputs: Tensor, baseline: Tensor, path: int
) -> tuple[Tensor, Tensor]:
    """Return the contribution of each input value to the logit of the predicted class, and that class.

    Sundararajan et al., "Axiomatic Attribution for Deep Networks", ICML 2017, eq. 3, by the midpoint rule.

    Args:
        model: inputs [B, ...] -> logits [B, C], without dropout.
        inputs: [B, ...].
        baseline: where the integral begins [...].
        path: points of the integral.

    Returns:
        attributions [B, ...], whose sum is about the logit's difference from the baseline's, and classes [B].
    """
    with torch.no_grad():
        votes = model(inputs).argmax(-1)
    total = torch.zeros_like(inputs)
    for k in range(path):
        point = (baseline + (k + 0.5) / path * (inputs - baseline)).requires_grad_()
        logit = model(point).gather(1, votes[:, None]).sum()
        total += torch.autograd.grad(logit, point)[0]
    return (inputs - baseline) * total / path, votes


def absolute_map(attributions: Tensor) -> Tensor:
    """Absolute values of [B, C, H, W], over channels and pooled to half a side or CELLS: [B, h, w]."""
    found = attributions.abs().sum(1)
    cells: Tensor = adaptive_avg_pool2d(found, min(CELLS, found.shape[-1] // 2))
    return cells


def entropy(maps: Tensor) -> Tensor:
    """Of [B, h, w] as shares, over its largest value: 0 where one cell has all, 1 where all have the same; [B]."""
    shares = maps.flatten(1) / maps.flatten(1).sum(1, keepdim=True).clamp(min=1e-30)
    return -torch.xlogy(shares, shares).sum(1) / float(np.log(shares.shape[1]))
