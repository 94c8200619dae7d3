"""What the bench trains: kinds of networks on random images, in runs that begin again when they are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lnlbench.benchmark.bench.paired import Round
from lnlbench.benchmark.engine.batches import draw_order
from lnlbench.benchmark.engine.cuda_graphs import GraphLoop, GraphStack
from lnlbench.benchmark.engine.device import Compute, exact_float32
from lnlbench.benchmark.engine.hook_draws import Step
from lnlbench.benchmark.engine.job import Epoch, Job, Samples
from lnlbench.benchmark.engine.loop import Loop
from lnlbench.benchmark.engine.stack import Stack
from lnlbench.benchmark.engine.step_log import Log
from lnlbench.benchmark.protocol.seeds import generator
from lnlbench.benchmark.protocol.settings import Setting
from lnlbench.benchmark.protocol.splits import Split
from lnlbench.benchmark.runs.metrics import diagnose
from lnlbench.methods._parse import parse

MIDDLE = 64  # the next exact pass is due after epoch 128


@dataclass(frozen=True)
class Kind:
    """A network on images of a size; sample counts that make a round last about a second on one core."""

    name: str
    model: str
    channels: int
    side: int
    augment: bool
    train: int
    test: int

    def on(self, device: torch.device) -> Kind:
        """Return the same kind with as many images as keep a device busy for some time."""
        return replace(self, train=LARGE[0], test=LARGE[1]) if device.type == "cuda" else self

    @property
    def small(self) -> bool:
        """Whether it is one of the small networks, of which many are trained at once."""
        return not self.model.startswith("resnet")


KINDS = {
    kind.name: kind
    for kind in (
        Kind("mlp", "mlp", 1, 28, False, 12_800, 2_100),
        Kind("cnn", "cnn4", 1, 28, False, 3_840, 640),
        Kind("cifar-cnn", "cnn4", 3, 32, True, 3_840, 760),
        Kind("resnet18", "resnet18", 3, 32, True, 256, 100),
        Kind("resnet34", "resnet34", 3, 32, True, 128, 100),
    )
}
"""Test sets have MNIST's and CIFAR's share: a sixth and a fifth of the training images."""
LARGE = (25_600, 5_120)
"""Training and test images on a GPU, whatever the network."""


def nothing() -> Samples:
    """Return the numbers of no sample."""
    none = torch.empty(1, 0)
    return Samples(torch.empty(0, dtype=torch.int64), none, none.long(), none)


class _Silent(Log):
    """A log that keeps the objective alone."""

    def write(self, step: Step, logits: Tensor, objective: Tensor, weight: Tensor | None) -> None:
        self.objective[step] = objective / len(logits)

    def samples(self, given: Tensor) -> Samples:
        return nothing()


class _SilentLoop(Loop):
    log_type = _Silent

    def samples(self, index: Tensor) -> Samples:
        return nothing()


class _SilentGraph(_SilentLoop, GraphLoop):
    pass


class Fresh:
    """Runs of one kind and method that are started again when they are over."""

    def __init__(
        self,
        device: torch.device,
        kind: Kind,
        split: Split,
        method: str = "ce",
        precision: str = "fp32",
        epochs: int = 1000,
        silent: bool = False,
        replayed: bool = False,
    ) -> None:
        self.how = Compute(device, precision)
        self.job = Job(replace(setting_of(kind), epochs=epochs), parse(method), 0, split, {"noise_rate": 0.2})
        self.silent, self.replayed = silent, replayed
        self.kept: Loop | None = None

    def __str__(self) -> str:
        return f"{'graph' if self.replayed else 'loop'}, {self.how.precision}"

    def loop(self) -> Loop:
        """Start a run."""
        if self.silent:
            return (_SilentGraph if self.replayed else _SilentLoop)(self.job, self.how)
        return (GraphLoop if self.replayed else Loop)(self.job, self.how)

    def epoch(self) -> int:
        """One more epoch in the middle of a long run, where no exact pass is due."""
        if self.kept is None:
            self.kept = self.loop()
            self.kept.epoch = MIDDLE
        self._told(self.kept.advance())
        return len(self.job.split.images)

    @exact_float32()
    def steps(self) -> int:
        """Take the steps of one more epoch, without its evaluation."""
        loop = self.kept = self.kept or self.loop()
        setting, names = self.job.setting, (self.job.replicate, loop.epoch)
        order = draw_order(len(loop.images), setting.batch_size, setting.augment, self.how.device, *names)
        loop.begin(order)
        loop.networks.train()
        loop.steps(order, loop.clock(len(order.index)), setting.lr)
        return order.index.numel()

    def run(self) -> int:
        """Train a whole run."""
        loop = self.loop()
        for _ in range(self.job.setting.epochs):
            self._told(loop.advance())
        return len(self.job.split.images) * self.job.setting.epochs

    def _told(self, epoch: Epoch) -> None:
        if not self.silent:
            for samples in (epoch.online, epoch.exact):
                if samples is not None:
                    diagnose(samples, self.job.split.given, (self.job.split.given + 1) % 10)


def jobs_of(kind: Kind, count: int) -> list[Job]:
    """Replicates of cross-entropy on few images, to be trained together."""
    split, _ = data_of(replace(kind, train=min(kind.train, 1280), test=100))
    return [Job(setting_of(kind), parse("ce"), i, split) for i in range(count)]


def stack_of(jobs: Sequence[Job], how: Compute, replayed: bool) -> tuple[Round, str]:
    """One more epoch of a stack, and its name."""
    stack = (GraphStack if replayed else Stack)(jobs, how)
    samples = len(jobs) * len(jobs[0].split.images)

    def epoch() -> int:
        stack.advance()
        return samples

    return epoch, f"stack of {len(jobs)}{', graph' if replayed else ''}"


def data_of(kind: Kind) -> tuple[Split, tuple[Tensor, Tensor]]:
    """Random images: what a step costs does not depend on what they show."""
    source = generator("bench", kind.name)
    shape = (kind.channels, kind.side, kind.side)
    images = torch.randint(256, (kind.train + kind.test, *shape), dtype=torch.uint8, generator=source)
    labels = torch.randint(10, (kind.train + kind.test,), generator=source)
    few = slice(kind.train, kind.train + 10)
    plain = (0.5,) * kind.channels
    probes = {"test": images[kind.train :]}
    split = Split(images[: kind.train], labels[: kind.train], images[few], labels[few], 10, plain, plain, probes)
    return split, (images[kind.train :], labels[kind.train :])


def setting_of(kind: Kind) -> Setting:
    """Return the recipe of a kind."""
    return Setting(
        "bench",
        "none",
        "clean",
        kind.model,
        1000,
        lr=0.01,
        weight_decay=5e-4,
        augment=kind.augment,
        schedule="constant",
    )


def optimizer_of(model: torch.nn.Module, setting: Setting) -> torch.optim.Optimizer:
    """Return torch's own optimiser for a setting."""
    return torch.optim.SGD(model.parameters(), setting.lr, setting.momentum, weight_decay=setting.weight_decay)
