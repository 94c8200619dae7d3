"""What the engine costs, as ratios: each measured side by side with what it replaces, after an equality gate."""

from __future__ import annotations

import os
import platform
import resource
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from lnlbench.benchmark import naive
from lnlbench.benchmark.draws import Step
from lnlbench.benchmark.execution import Execution, execution
from lnlbench.benchmark.job import Epoch, Job, Samples
from lnlbench.benchmark.loader import PADDING, Images, Split, draw_order
from lnlbench.benchmark.log import Log
from lnlbench.benchmark.loop import Loop
from lnlbench.benchmark.metrics import diagnose
from lnlbench.benchmark.models import build
from lnlbench.benchmark.rounds import Round, Row, compare, timed
from lnlbench.benchmark.seeds import generator, seed
from lnlbench.benchmark.settings import Setting, SettingError
from lnlbench.benchmark.stack import Stack
from lnlbench.methods.parse import parse

GATE_STEPS = 20
GATE = 1e-12
MIDDLE = 64  # the next exact pass is due after epoch 128
METHODS = ("gce", "dal", "small_loss", "co_teaching", "label_noise_sgd", "sam", "elr")
STACKED = (1, 2, 8, 32)


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


KINDS = {
    kind.name: kind
    for kind in (
        Kind("mlp", "mlp", 1, 28, False, 12_800, 2_100),
        Kind("cnn", "cnn4", 1, 28, False, 3_840, 640),
        Kind("cifar-cnn", "cnn4", 3, 32, True, 3_840, 760),
        Kind("resnet18", "resnet18", 3, 32, True, 256, 100),
    )
}
"""Test sets have MNIST's and CIFAR's share: a sixth and a fifth of the training images."""


def axes() -> dict[str, Callable[[Bench, Kind], Iterator[Row]]]:
    """What can be measured, by name."""
    return {
        "input": Bench.input_path,
        "step": Bench.steps,
        "epoch": Bench.epochs,
        "diagnostics": Bench.diagnostics,
        "methods": Bench.methods,
        "stack": Bench.stacks,
    }


def bench(
    names: Sequence[str] = (),
    kinds: Sequence[str] = (),
    *,
    device: str = "auto",
    rounds: int = 5,
    watch: Callable[[Row], None] = lambda row: None,
) -> dict[str, Any]:
    """Measure axes on kinds of networks.

    Args:
        names: of axes; all where empty.
        kinds: of networks; all where empty.
        device: as in `fit`.
        rounds: paired rounds; medians and quartiles are over them.
        watch: called with each row as it is there.

    Returns:
        the machine, its load, and the rows: JSON-able.

    Raises:
        SettingError: an unknown axis or kind.
        AssertionError: the equality gate does not hold; nothing is timed then.
    """
    for given, known in ((names, axes()), (kinds, KINDS)):
        for name in given:
            if name not in known:
                raise SettingError(f"bench knows no {name!r}; known: {', '.join(known)}")
    measured = Bench(execution(device, "fp32"), rounds)
    load = os.getloadavg()[0]
    rows = []
    for kind in (KINDS[name] for name in kinds or KINDS):
        gap = measured.gate(kind)
        for name in names or axes():
            for row in axes()[name](measured, kind):
                rows.append(row)
                watch(row)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return {
        "machine": measured.how.describe(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load_before": round(load, 2),
        "load_after": round(os.getloadavg()[0], 2),
        "rounds": rounds,
        "gate": {"steps": GATE_STEPS, "largest_difference": gap, "bound": GATE},
        "peak_memory_mb": round(peak),
        "rows": [asdict(row) for row in rows],
    }


class Bench:
    """The comparisons; each yields rows."""

    def __init__(self, how: Execution, rounds: int) -> None:
        self.how, self.rounds = how, rounds

    def gate(self, kind: Kind) -> float:
        """Train the same batches with our loop and with torch's own parts, in float64.

        Returns:
            the largest difference of a parameter.

        Raises:
            AssertionError: it is above `GATE`.
        """
        split, _ = _data(replace(kind, train=4 * GATE_STEPS, test=10))
        setting = replace(_setting(kind), batch_size=4, epochs=1)
        how = Execution(self.how.device, "fp64")
        ours = Loop(Job(setting, parse("ce"), 0, split), how)
        theirs = how.place(build(kind.model, 10, split.shape, seed("init", 0, 0)))
        optimizer = _optimizer(theirs, setting)
        order = draw_order(len(split.images), 4, kind.augment, how.device, 0, 0)
        ours.begin(order)
        for i in range(GATE_STEPS):
            batch = ours.batch(order, i)
            theirs.train()
            naive.step(theirs, optimizer, batch.inputs, ours.given[batch.index])
        ours.advance()
        pairs = zip(ours.networks.flat, theirs.parameters(), strict=True)
        gap = max((p - q).abs().max().item() for p, q in pairs)
        if not gap <= GATE:
            raise AssertionError(
                f"{kind.name}: parameters differ by {gap:.2g} after {GATE_STEPS} equal batches, not <= {GATE:g}"
            )
        return gap

    def input_path(self, kind: Kind) -> Iterator[Row]:
        """Images to normalised batches: resident and by index, against PIL and per sample."""
        split, _ = _data(kind)
        images = Images(split.images, split.mean, split.std, self.how.device, padding=PADDING if kind.augment else 0)

        def ours() -> int:
            order = draw_order(len(split.images), 128, kind.augment, self.how.device, 0, 0)
            for i in range(len(order.index)):
                images.batch(order.index[i], *(None if x is None else x[i] for x in (order.offset, order.flip)))
            return order.index.numel()

        def theirs() -> int:
            return sum(len(labels) for _, labels in naive.training_data(split, kind.augment, 128, 0))

        yield self.compare("input", kind, ours, theirs, "resident, batched", "PIL, per sample", "12", threads=(1, 1))

    def steps(self, kind: Kind) -> Iterator[Row]:
        """One update on a batch that is there: our loop with its log, against torch's parts with `.item()`."""
        split, _ = _data(kind)
        setting = _setting(kind)
        run = _Fresh(self, kind, split, "ce", "fp32")
        model = self.how.place(build(kind.model, 10, split.shape, 0))
        optimizer = _optimizer(model, setting)
        loop = run.loop()
        order = draw_order(len(split.images), 128, kind.augment, self.how.device, 0, 0)
        loop.begin(order)
        batches = [loop.batch(order, i) for i in range(min(len(order.index), 20))]

        def ours() -> int:
            loop.begin(order)
            loop.networks.train()
            for i, batch in enumerate(batches):
                loop.step(batch, loop.clock(len(order.index)), i, setting.lr)
            return 128 * len(batches)

        def theirs() -> int:
            model.train()
            for batch in batches:
                naive.step(model, optimizer, batch.inputs, loop.given[batch.index])
            return 128 * len(batches)

        yield self.compare("step", kind, ours, theirs, "loop, fp32", "torch parts, fp32", threads=(1, 1))

    def epochs(self, kind: Kind) -> Iterator[Row]:
        """An epoch with its test pass, against the naive loop at the number of workers that serves it best."""
        split, test = _data(kind)
        setting = _setting(kind)
        cores = os.cpu_count() or 1
        model = self.how.place(build(kind.model, 10, split.shape, 0))
        optimizer = _optimizer(model, setting)

        def theirs(workers: int) -> Round:
            def once() -> int:
                naive.epoch(model, optimizer, split, test, kind.augment, 128, workers, self.how.device)
                return len(split.images)

            return once

        torch.set_num_threads(cores)
        best = min(range(cores + 1), key=lambda n: min(timed(theirs(n), self.how.finish).wall for _ in range(2)))
        targets = {"mlp": "6", "cnn": "2.6 (bf16, AMX)", "cifar-cnn": "2.6 (bf16, AMX)"}
        for precision in ("fp32", "bf16"):
            run = _Fresh(self, kind, split, "ce", precision)
            names = (f"loop, {precision}, 1 thread", f"naive, fp32, {best} workers, {cores} threads")
            target = targets.get(kind.name, "") if (precision == "fp32") == (kind.name == "mlp") else ""
            yield self.compare("epoch", kind, run.epoch, theirs(best), *names, target, threads=(1, cores))

    def diagnostics(self, kind: Kind) -> Iterator[Row]:
        """A run of ten epochs with diagnostics against one without: the share that they cost.

        With four times the usual samples, 51,200 for the MLP: the probe of the exact passes has 5,000 at any size.
        """
        split, _ = _data(replace(kind, train=4 * kind.train))
        with_them = _Fresh(self, kind, split, "ce", "fp32", epochs=10)
        without = _Fresh(self, kind, split, "ce", "fp32", epochs=10, silent=True)
        names = ("without diagnostics", "with diagnostics")
        yield self.compare("diagnostics", kind, without.run, with_them.run, *names, "<= 1.05", threads=(1, 1))

    def methods(self, kind: Kind) -> Iterator[Row]:
        """Cross-entropy against each method."""
        split, _ = _data(kind)
        targets = {"sam": "<= 2.2", "co_teaching": "<= 2.1"}
        for method in METHODS:
            plain = _Fresh(self, kind, split, "ce", "fp32")
            other = _Fresh(self, kind, split, method, "fp32")
            yield self.compare(
                "methods", kind, plain.epoch, other.epoch, "ce", method, targets.get(method, ""), threads=(1, 1)
            )

    def stacks(self, kind: Kind) -> Iterator[Row]:
        """A stack of R runs against the same runs one after another."""
        if kind.name == "resnet18" and self.how.device.type == "cpu":
            return
        for count in STACKED:
            split, _ = _data(replace(kind, train=1280, test=100))
            jobs = [Job(_setting(kind), parse("ce"), i, split) for i in range(count)]
            stack = Stack(jobs, self.how)
            loops = [Loop(job, self.how) for job in jobs]

            def ours(stack: Stack = stack, samples: int = count * len(split.images)) -> int:
                stack.advance()
                return samples

            def theirs(loops: list[Loop] = loops, samples: int = count * len(split.images)) -> int:
                for loop in loops:
                    loop.advance()
                return samples

            yield self.compare("stack", kind, ours, theirs, f"stack of {count}", f"{count} × loop", threads=(1, 1))

    def compare(self, axis: str, kind: Kind, *args: Any, threads: tuple[int, int]) -> Row:
        """Paired rounds on this device."""
        return compare(axis, kind.name, *args, threads=threads, rounds=self.rounds, finish=self.how.finish)


class _Silent(Log):
    """A log that keeps the objective alone."""

    def write(self, step: Step, logits: Tensor, objective: Tensor, weight: Tensor | None) -> None:
        self.objective[step] = objective / len(logits)

    def samples(self, given: Tensor) -> Samples:
        return Samples(*[torch.empty(0)] * 4)


class _SilentLoop(Loop):
    log_type = _Silent

    def samples(self, index: Tensor) -> Samples:
        return Samples(*[torch.empty(0)] * 4)


class _Fresh:
    """Runs of one kind and method that are started again when they are over."""

    def __init__(
        self,
        bench: Bench,
        kind: Kind,
        split: Split,
        method: str,
        precision: str,
        epochs: int = 1000,
        silent: bool = False,
    ) -> None:
        self.how = Execution(bench.how.device, precision)
        self.job = Job(replace(_setting(kind), epochs=epochs), parse(method), 0, split, {"noise_rate": 0.2})
        self.silent = silent
        self.kept: Loop | None = None

    def loop(self) -> Loop:
        """A run at its beginning."""
        return (_SilentLoop if self.silent else Loop)(self.job, self.how)

    def epoch(self) -> int:
        """One more epoch in the middle of a long run, where no exact pass is due."""
        if self.kept is None:
            self.kept = self.loop()
            self.kept.epoch = MIDDLE
        self._told(self.kept.advance())
        return len(self.job.split.images)

    def run(self) -> int:
        """A whole run."""
        loop = self.loop()
        for _ in range(self.job.setting.epochs):
            self._told(loop.advance())
        return len(self.job.split.images) * self.job.setting.epochs

    def _told(self, epoch: Epoch) -> None:
        if not self.silent:
            for samples in (epoch.online, epoch.exact):
                if samples is not None:
                    diagnose(samples, self.job.split.given, (self.job.split.given + 1) % 10)


def _data(kind: Kind) -> tuple[Split, tuple[Tensor, Tensor]]:
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


def _setting(kind: Kind) -> Setting:
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


def _optimizer(model: torch.nn.Module, setting: Setting) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), setting.lr, setting.momentum, weight_decay=setting.weight_decay)
