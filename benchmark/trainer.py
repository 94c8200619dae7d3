"""Training: jobs go in, what happened in each epoch comes out; it neither logs nor stores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lnlbench.benchmark.execution import execution
from lnlbench.benchmark.job import Epoch, Job
from lnlbench.benchmark.loop import Loop


def train(jobs: Iterable[Job], **options: Any) -> Iterator[tuple[Job, Epoch]]:
    """Train jobs one after another, with the options of `fit`."""
    for job in jobs:
        for epoch in fit(job, **options):
            yield job, epoch


def fit(
    job: Job, *, device: str = "auto", precision: str = "auto", state: dict[str, Any] | None = None
) -> Iterator[Epoch]:
    """Train one job.

    Args:
        job: what to train.
        device: "auto", "cpu", "cuda" or "cuda:N".
        precision: "auto", "fp32", "bf16" (autocast) or "fp64".
        state: what `Epoch.state()` of the same job gave, to go on after that epoch as if nothing had happened.

    Yields:
        one `Epoch` after each epoch; stop iterating, or `job.cancel()`, to stop training.

    Raises:
        ExecutionError: a device or precision that is not to be had here.
        ModelError: a network that does not exist or cannot take the images.
    """
    run = Loop(job, execution(device, precision))
    if state is not None:
        run.restore(state)
    while run.epoch < job.setting.epochs and not job.cancelled:
        result = run.advance()
        yield result
        if result.last:
            return
