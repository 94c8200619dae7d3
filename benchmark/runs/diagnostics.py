"""The full diagnostics of a run, measured beside training: segment gradients, tangent kernel and stable ranks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from lnlbench.benchmark.engine.batches import DeviceImages
from lnlbench.benchmark.engine.device import Compute, exact_float32
from lnlbench.benchmark.engine.epoch_numbers import EVALUATION_BATCH, PROBE
from lnlbench.benchmark.engine.job import Job
from lnlbench.benchmark.engine.networks import Networks
from lnlbench.benchmark.protocol.splits import Prepared
from lnlbench.benchmark.protocol.stratify import stratified
from lnlbench.benchmark.runs import segments

LENGTHS = ("basic", "full")
KERNEL = 64  # training samples of the tangent kernel


class DiagnosticsError(ValueError):
    """A length of diagnostics that does not exist."""


def check_diagnostics(length: str) -> None:
    """Refuse an unknown length.

    Raises:
        DiagnosticsError: naming those there are.
    """
    if length not in LENGTHS:
        raise DiagnosticsError(f"unknown diagnostics {length!r}; known: {', '.join(LENGTHS)}")


class Diagnostics:
    """Measures the weights of one run, in fp32, evaluation mode and without augmentation; mean of its networks.

    It sees the weights of training, and true labels, which training never sees; nothing flows back into training.
    Definitions: `segments`; single-logit gradients of Liu et al. 2023 (arXiv 2306.02533), the pooled ratio, and the
    kernel of the summed logits.

    Attributes:
        start: the numbers before the first step, and how many samples they are measured on.
    """

    @exact_float32()
    def __init__(self, job: Job, prepared: Prepared, how: Compute) -> None:
        begin = time.perf_counter()
        fp32 = Compute(how.device, "fp32")
        split, self.how = prepared.split, fp32
        self.networks = Networks(
            job.setting.model, job.method.networks, split.classes, split.shape, job.replicate, fp32
        )
        chosen = stratified(split.given, PROBE, "probe")
        self.images = DeviceImages(split.images[chosen], split.mean, split.std, fp32.device)
        self.given, self.true = (labels[chosen].to(fp32.device) for labels in (split.given, prepared.truth.train))
        few = stratified(self.given.cpu(), KERNEL, "kernel").to(fp32.device)
        self.few, self.inputs = few, self.images.batch(few)
        for network in self.networks.models:
            segments.fill_statistics(network, self.images.chunks(EVALUATION_BATCH[fp32.device.type]))
        self.kernels: list[Tensor] = []
        found = self._measured(self.networks.params)
        counts = {"samples": len(self.given), "kernel_samples": len(few)}
        self.start: dict[str, Any] = {**found, **counts, "seconds": time.perf_counter() - begin}

    @exact_float32()
    def measure(self, weights: dict[str, Any]) -> dict[str, float | None]:
        """Return the numbers of networks at the weights that are evaluated; None where there is nothing to measure.

        Args:
            weights: the result of `Epoch.weights()`.
        """
        begin = time.perf_counter()
        self.networks.restore(weights)
        found = self._measured(self.networks.averaged)
        return found | {"seconds_diagnostics": time.perf_counter() - begin}

    def _measured(self, params: list[dict[str, Tensor]]) -> dict[str, float | None]:
        rows = [self._network(k, {n: p.detach() for n, p in params[k].items()}) for k in range(len(params))]
        means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        return {name: value if np.isfinite(value) else None for name, value in means.items()}

    def _network(self, k: int, weights: dict[str, Tensor]) -> dict[str, float]:
        model = self.networks.models[k].eval()

        def forward(leaves: segments.Weights, images: Tensor) -> Tensor:
            logits: Tensor = functional_call(model, dict(leaves), (images,))
            return logits

        found = segments.segments(forward, weights, self._batches, self.given, self.true)
        kernel = segments.kernel(forward, weights, self.inputs)
        if len(self.kernels) <= k:
            self.kernels.append(kernel)
        ranks = [segments.stable_rank(weight) for weight in weights.values() if weight.ndim > 1]
        return {
            "segment_gradient_correct": float(found.clean.nansum()),
            "segment_gradient_wrong": float(found.noisy.nansum()),
            "segment_ratio": found.ratio,
            "segment_cosine": found.mean_cosine,
            "stable_rank_first": ranks[0],
            "stable_rank_last": ranks[-1],
            "stable_rank_mean": float(np.mean(ranks)),
            "kernel_distance": segments.kernel_distance(self.kernels[k], kernel),
            "kernel_alignment_true": segments.alignment(kernel, self.true[self.few].cpu()),
            "kernel_alignment_given": segments.alignment(kernel, self.given[self.few].cpu()),
        }

    def _batches(self, index: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        places = torch.arange(len(index), device=index.device)
        for part in torch.split(places, EVALUATION_BATCH[self.how.device.type]):
            yield part, self.images.batch(index[part])
