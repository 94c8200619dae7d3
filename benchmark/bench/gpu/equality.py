"""Whether other ways to execute a step give the numbers of `loop`, in float64 on the device at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lnlbench.benchmark.bench.gpu.part import Finding, Place
from lnlbench.benchmark.engine.capture import RECORDERS
from lnlbench.benchmark.engine.device import check_device
from lnlbench.benchmark.engine.job import Epoch, Job
from lnlbench.benchmark.engine.trainer import train
from lnlbench.benchmark.protocol.settings import setting
from lnlbench.benchmark.protocol.splits import TEST, Split
from lnlbench.methods._parse import parse

CLOSE = 1e-8
CLASSES, BATCH, EPOCHS = 10, 32, 2


def equality(place: Place, model: str, method: str, execution: str, runs: int, samples: int) -> Iterator[Finding]:
    """Train runs in an execution and in `loop`, and compare all that their epochs say.

    Args:
        place: where; no graph is asked of a device that replays none.
        model: name of a network.
        method: text of a method.
        execution: as in `train`.
        runs: replicates that are trained at once.
        samples: to train on.
    """
    if execution == "graph" and check_device(place.device).type not in RECORDERS:
        yield Finding(f"{execution} equals loop", said=f"no graphs on {place.device}")
        return
    jobs = [_job(model, method, replicate, samples) for replicate in range(runs)]
    with torch.backends.cudnn.flags(enabled=True, deterministic=True):
        ours, theirs = (_epochs(jobs, way, place.device) for way in (execution, "loop"))
    pairs = list(zip(ours, theirs, strict=True))
    gap = max(distance(a, b) for a, b in pairs)
    changed = sum(int((a.predictions[TEST] != b.predictions[TEST]).sum()) for a, b in pairs)
    said = "equal" if gap <= CLOSE and not changed else f"DIFFERENT, {changed} predictions changed"
    said += f"; {'replayed' if ours[-1].replayed else 'step by step'}, {ours[-1].stacked or 'not'} stacked"
    yield Finding(f"{execution} of {runs} equals loop", gap, target=f"<= {CLOSE:g}", said=said)


def distance(ours: Epoch, theirs: Epoch) -> float:
    """Return the largest relative difference of losses, weights' norm and way; infinite where only one is a number."""
    pairs = [(ours.online.loss, theirs.online.loss)]
    names = ("loss", "weight_norm", "distance")
    pairs += [(torch.tensor(getattr(ours, name)), torch.tensor(getattr(theirs, name))) for name in names]
    return max(_apart(a.double(), b.double()) for a, b in pairs)


def _apart(a: Tensor, b: Tensor) -> float:
    if not torch.equal(a.isfinite(), b.isfinite()):
        return float("inf")
    return float(((a - b).abs() / b.abs().clamp(min=1)).nan_to_num(0.0, 0.0, 0.0).max())


def _epochs(jobs: Sequence[Job], execution: str, device: str) -> list[Epoch]:
    """Return the epochs of all jobs, job by job."""
    found: dict[int, list[Epoch]] = {id(job): [] for job in jobs}
    for job, epoch in train(jobs, device=device, precision="fp64", execution=execution):
        found[id(job)].append(epoch)
    return [epoch for epochs in found.values() for epoch in epochs]


def _job(model: str, method: str, replicate: int, samples: int) -> Job:
    source = torch.Generator().manual_seed(replicate)
    images = torch.randint(256, (samples + 40, 3, 32, 32), dtype=torch.uint8, generator=source)
    given = torch.randint(CLASSES, (len(images),), generator=source)
    train_, rest = slice(samples), slice(samples, None)
    half = ((0.5,) * 3, (0.25,) * 3)
    split = Split(images[train_], given[train_], images[rest], given[rest], CLASSES, *half, {TEST: images[rest]})
    told = {"noise_rate": 0.25, "transition_matrix": 0.7 * torch.eye(CLASSES) + 0.03}
    recipe = setting("cifar10-fast/symmetric-0.4").override(model=model, epochs=EPOCHS, batch_size=BATCH)
    return Job(recipe, parse(method), replicate, split, told)
