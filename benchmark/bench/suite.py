"""What the engine costs, as ratios: each measured side by side with what it replaces, after an equality gate."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import torch

from lnlbench.benchmark.bench import gpu_axes, reference_loop
from lnlbench.benchmark.bench.paired import Round, Row, compare, timed
from lnlbench.benchmark.bench.recording_axis import recording
from lnlbench.benchmark.bench.roofline import Limits
from lnlbench.benchmark.bench.workloads import KINDS, Fresh, Kind, data_of, optimizer_of, setting_of
from lnlbench.benchmark.engine import bf16
from lnlbench.benchmark.engine.batches import PADDING, DeviceImages, draw_order
from lnlbench.benchmark.engine.capture import RECORDERS
from lnlbench.benchmark.engine.device import Compute, choose_compute, exact_float32, process_memory
from lnlbench.benchmark.engine.job import Job
from lnlbench.benchmark.engine.loop import Loop
from lnlbench.benchmark.engine.models import build
from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.methods._parse import parse

GATE_STEPS = 20
GATE = 1e-12
METHODS = ("gce", "dal", "small_loss", "co_teaching", "label_noise_sgd", "sam", "elr")
WORKERS = (0, 1, 2, 4, 8, 16)
"""Of the naive loop, which gets the number that serves it best."""


def axes() -> dict[str, Callable[[Bench, Kind], Iterator[Row]]]:
    """Return the axes that can be measured, by name."""
    return {
        "input": Bench.input_path,
        "step": Bench.steps,
        "epoch": Bench.epochs,
        "diagnostics": Bench.diagnostics,
        "methods": Bench.methods,
        "stack": gpu_axes.stacks,
        "graph": gpu_axes.graphs,
        "dal": gpu_axes.dal,
        "bound": gpu_axes.bounds,
        "recording": recording,
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
    measured = Bench(choose_compute(device, "fp32"), rounds)
    load = os.getloadavg()[0]
    rows = []
    for kind in (KINDS[name].on(measured.how.device) for name in kinds or KINDS):
        gap = measured.gate(kind)
        for name in names or axes():
            for row in axes()[name](measured, kind):
                rows.append(row)
                watch(row)
    peak = process_memory()
    limits = asdict(measured.limits) if measured.limits else None
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
        "limits": limits,
        "bf16_gains": bf16.measure() if measured.how.device.type == "cpu" else None,
        "rows": [asdict(row) for row in rows],
    }


class Bench:
    """The comparisons; each yields rows.

    Attributes:
        replays: whether steps can be replayed on this device.
        limits: of the device, once they have been measured.
    """

    def __init__(self, how: Compute, rounds: int) -> None:
        self.how, self.rounds = how, rounds
        self.replays = how.device.type in RECORDERS
        self.limits: Limits | None = None

    def gate(self, kind: Kind) -> float:
        """Train the same batches with our loop and with torch's own parts, in float64.

        Returns:
            the largest difference of a parameter.

        Raises:
            AssertionError: it is above `GATE`.
        """
        split, _ = data_of(replace(kind, train=4 * GATE_STEPS, test=10))
        setting = replace(setting_of(kind), batch_size=4, epochs=1)
        how = Compute(self.how.device, "fp64")
        ours = Loop(Job(setting, parse("ce"), 0, split), how)
        theirs = how.place(build(kind.model, 10, split.shape, seed("init", 0, 0)))
        optimizer = optimizer_of(theirs, setting)
        order = draw_order(len(split.images), 4, kind.augment, how.device, 0, 0)
        ours.begin(order)
        with torch.backends.cudnn.flags(enabled=True, deterministic=True):
            for i in range(GATE_STEPS):
                batch = ours.batch(order, i)
                theirs.train()
                reference_loop.step(theirs, optimizer, batch.inputs, ours.given[batch.index])
            ours.advance()
        pairs = zip(ours.networks.flat, theirs.parameters(), strict=True)
        gap = max((p - q).abs().max().item() for p, q in pairs)
        if not gap <= GATE:
            raise AssertionError(
                f"{kind.name}: parameters differ by {gap:.2g} after {GATE_STEPS} equal batches, not <= {GATE:g}"
            )
        return gap

    def input_path(self, kind: Kind) -> Iterator[Row]:
        """Images to batches, which are normalised one by one: resident and by index, against PIL and per sample."""
        split, _ = data_of(kind)
        padding = PADDING if kind.augment else 0
        images = DeviceImages(split.images, split.mean, split.std, self.how.device, padding=padding)

        def ours() -> int:
            order = draw_order(len(split.images), 128, kind.augment, self.how.device, 0, 0)
            for i in range(len(order.index)):
                images.batch(order.index[i], *(None if x is None else x[i] for x in (order.offset, order.flip)))
            return order.index.numel()

        def theirs() -> int:
            return sum(len(labels) for _, labels in reference_loop.training_data(split, kind.augment, 128, 0))

        yield self.compare("input", kind, ours, theirs, "resident, batched", "PIL, per sample", "12", threads=(1, 1))

    def steps(self, kind: Kind) -> Iterator[Row]:
        """One update on a batch that is there: our loop with its log, against torch's parts with `.item()`."""
        split, _ = data_of(kind)
        setting = setting_of(kind)
        model = self.how.place(build(kind.model, 10, split.shape, 0))
        optimizer = optimizer_of(model, setting)
        loop = Fresh(self.how.device, kind, split).loop()
        order = draw_order(len(split.images), 128, kind.augment, self.how.device, 0, 0)
        loop.begin(order)
        batches = [loop.batch(order, i) for i in range(min(len(order.index), 20))]

        @exact_float32()
        def ours() -> int:
            loop.begin(order)
            loop.networks.train()
            for i, batch in enumerate(batches):
                loop.step(batch, loop.clock(len(order.index)), i, setting.lr)
            return 128 * len(batches)

        @exact_float32()
        def theirs() -> int:
            model.train()
            for batch in batches:
                reference_loop.step(model, optimizer, batch.inputs, loop.given[batch.index])
            return 128 * len(batches)

        yield self.compare("step", kind, ours, theirs, "loop, fp32", "torch parts, fp32", threads=(1, 1))

    def epochs(self, kind: Kind) -> Iterator[Row]:
        """Measure an epoch with its test pass against the naive loop at its best number of workers."""
        split, test = data_of(kind)
        setting = setting_of(kind)
        cores = os.cpu_count() or 1
        model = self.how.place(build(kind.model, 10, split.shape, 0))
        optimizer = optimizer_of(model, setting)

        def theirs(workers: int) -> Round:
            def once() -> int:
                reference_loop.epoch(model, optimizer, split, test, kind.augment, 128, workers, self.how.device)
                return len(split.images)

            return once

        torch.set_num_threads(cores)

        def seconds(workers: int) -> float:
            return min(timed(theirs(workers), self.how.finish).wall for _ in range(2))

        best = min([workers for workers in WORKERS if workers <= cores], key=seconds)
        targets = {"mlp": "6", "cnn": "2.6 (bf16, AMX)", "cifar-cnn": "2.6 (bf16, AMX)"}
        for precision in ("fp32", "bf16"):
            run = Fresh(self.how.device, kind, split, "ce", precision)
            names = (f"loop, {precision}, 1 thread", f"naive, fp32, {best} workers, {cores} threads")
            target = targets.get(kind.name, "") if (precision == "fp32") == (kind.name == "mlp") else ""
            yield self.compare("epoch", kind, run.epoch, theirs(best), *names, target, threads=(1, cores))

    def diagnostics(self, kind: Kind) -> Iterator[Row]:
        """Measure a run of ten epochs with diagnostics against one without: the share that they cost.

        With four times the usual samples, 51,200 for the MLP: the probe of the exact passes has 5,000 at any size.
        """
        split, _ = data_of(replace(kind, train=4 * kind.train))
        ten = partial(Fresh, self.how.device, kind, split, epochs=10, replayed=self.replays)
        with_them, without = ten(), ten(silent=True)
        names = ("without diagnostics", "with diagnostics")
        yield self.compare("diagnostics", kind, without.run, with_them.run, *names, "<= 1.05", threads=(1, 1))

    def methods(self, kind: Kind) -> Iterator[Row]:
        """Cross-entropy against each method."""
        split, _ = data_of(kind)
        targets = {"sam": "<= 2.2", "co_teaching": "<= 2.1"}
        for method in METHODS:
            plain, other = (Fresh(self.how.device, kind, split, name, replayed=self.replays) for name in ("ce", method))
            yield self.compare(
                "methods", kind, plain.epoch, other.epoch, "ce", method, targets.get(method, ""), threads=(1, 1)
            )

    def compare(self, axis: str, kind: Kind, *args: Any, threads: tuple[int, int]) -> Row:
        """Paired rounds on this device, and the peak of its memory in them, where it is a GPU."""
        on_gpu = self.how.device.type == "cuda"
        if on_gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.how.device)
        row = compare(axis, kind.name, *args, threads=threads, rounds=self.rounds, finish=self.how.finish)
        return replace(row, gpu_mb=torch.cuda.max_memory_reserved(self.how.device) / 2**20) if on_gpu else row
