"""Execution `graph`: the steps of `loop` and of `stack`, recorded once and replayed, as one CUDA graph each.

The code of `loop` and of `stack` takes the step. Here, whatever changes from step to step is put into tensors that
keep their addresses: the step, the learning rate, the count of the optimiser, and the tables of an epoch (order,
random numbers, log), which the device reads at the step that it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from lnlbench.benchmark.engine import optimisers
from lnlbench.benchmark.engine.batches import Order
from lnlbench.benchmark.engine.capture import ReplayError, Replays, settled
from lnlbench.benchmark.engine.device import Compute
from lnlbench.benchmark.engine.hook_draws import Request
from lnlbench.benchmark.engine.job import Job
from lnlbench.benchmark.engine.loop import Loop
from lnlbench.benchmark.engine.stack import Stack
from lnlbench.benchmark.engine.stack_state import flat
from lnlbench.methods.base import Clock


class Counts:
    """Counters that a device advances by itself while steps are replayed."""

    def __init__(self, how: Compute) -> None:
        self.step = torch.zeros(1, device=how.device, dtype=torch.int64)
        self.updates = torch.zeros((), device=how.device, dtype=torch.float64)  # of the optimiser
        self.lr = torch.zeros((), device=how.device, dtype=how.dtype)

    def begin(self, state: optimisers.OptimiserState, lr: float = 0.0) -> int:
        """Begin an epoch: the optimiser counts on the device from here on. Returns how far it has counted."""
        done = int(state.steps)
        state.steps = self.updates.fill_(done)
        self.step.zero_()
        self.lr.fill_(lr)
        return done


class GraphLoop(Loop):
    """One run: the results of `loop`, from replayed steps. Continues as `loop` where a step cannot be recorded."""

    recordable = True

    def __init__(self, job: Job, how: Compute) -> None:
        super().__init__(job, how)
        self.counts, self.replays = Counts(how), Replays(how, str(job.method))
        self.kept: dict[str, Any] = {}  # the tables of the epoch before, in whose place those of an epoch are put
        self.requests: list[Request] = []  # of the record, which finds their tables where it left them
        self.same_inputs = True  # of the recorded step, which asks no more

    def steps(self, order: Order, clock: Clock, lr: float) -> None:
        """Take the steps of an epoch."""
        counts, log, count = self.counts, self.log, len(order.index)
        for request in self.requests:
            self.draws.make(request)
        tables = {"views": self.views, "draws": self.draws.tables, "log": vars(log), "clock": clock}
        tables = self.kept = settled(self.kept, {**tables, "memory": self.memory, "carried": self.carried})
        self.views, self.draws.tables = tables["views"], tables["draws"]
        self.memory, self.carried = tables["memory"], tables["carried"]
        vars(log).update(tables["log"])
        log.same_inputs &= self.same_inputs
        done = counts.begin(self.optimiser, lr)
        self.replayed = self.replays.run(count, self.take_next, self.tensors)
        self.optimiser.steps = done + count
        self.kept["draws"], self.requests = self.draws.tables, self.draws.requests if self.replayed else []
        self.same_inputs = log.same_inputs

    def take_next(self) -> None:
        """Take the step that the device has come to."""
        self.take(self.views[0], self.counts.step, self.kept["clock"], self.counts.lr)
        self.counts.step.add_(1)

    def tensors(self) -> dict[str, Any]:
        """Return all tensors that a step reads or writes and that could move, by name.

        Raises:
            ReplayError: the network draws random numbers.
        """
        networks, counts, moments = self.networks, self.counts, self.optimiser
        if optimisers.is_timm(self.setting.optimizer):
            raise ReplayError(f"the optimiser is timm's: {self.setting.optimizer}")
        if networks.random:  # to be refused in the midst of a capture would leave the device's generator unusable
            raise ReplayError("the network draws random numbers (dropout of any kind)")
        return {
            "weights": networks.flat,
            "frozen": self.frozen,
            "buffers": [buffer for model in networks.models for buffer in model.buffers()],
            "averaged weights": [] if networks.averaged is networks.params else networks.averaged,
            "moments": [moments.first, moments.second],
            "memory": [self.memory, self.carried],
            "log": vars(self.log),
            "counts": [counts.step, counts.updates, self.kept["clock"]],
            "tables": [self.views, self.draws.tables, counts.lr],
        }


class GraphStack(Stack):
    """Many runs: the results of `stack`, from replayed steps. Continues as `stack` where a step cannot be recorded."""

    def __init__(self, jobs: Sequence[Job], how: Compute) -> None:
        super().__init__(jobs, how)
        names = sorted({str(job.method) for job in jobs})
        self.counts, self.replays = Counts(how), Replays(how, "; ".join(names))
        self.kept: dict[str, Any] = {}
        self.replayed_same_inputs = True

    def steps(self, count: int, clock: Clock) -> None:
        """Take the steps of an epoch."""
        counts, runs = self.counts, self.slots.runs
        tables = {name: getattr(self, name) for name in TABLES}
        tables |= {"draws": self.tables.tables, "clock": clock}
        tables |= {kind: runs[kind] for kind in ("memory", "carried")}
        tables = self.kept = settled(self.kept, tables)
        for name in TABLES:
            setattr(self, name, tables[name])
        self.tables.tables = tables["draws"]
        runs["memory"], runs["carried"] = tables["memory"], tables["carried"]
        self.same_inputs &= self.replayed_same_inputs
        done = counts.begin(self.slots.moments)
        self.replayed = self.replays.run(count, self.take_next, self.tensors)
        self.slots.moments.steps = done + count
        self.kept["draws"] = self.tables.tables
        self.replayed_same_inputs = self.same_inputs

    def take_next(self) -> None:
        """Take the step that the device has come to."""
        self.step(self.counts.step, self.kept["clock"])
        self.counts.step.add_(1)

    def tensors(self) -> dict[str, Any]:
        """Return all tensors that a step reads or writes and that could move, by name."""
        runs, counts, moments = self.slots.runs, self.counts, self.slots.moments
        params = flat(runs["params"])
        return {
            "weights": params,
            "frozen": [(params[i], stay) for i, stay in self.frozen],
            "buffers": runs["buffers"],
            "averaged weights": runs["averaged"],
            "moments": [moments.first, moments.second],
            "memory": [runs["memory"], runs["carried"]],
            "log": [self.logits, self.objective, self.weight, self.passes],
            "counts": [counts.step, counts.updates, self.kept["clock"]],
            "tables": [self.order, self.rates, self.tables.tables, self.images.first],
        }


TABLES = ("order", "rates", "logits", "objective", "weight", "passes")
"""The tables that a stack makes anew for each epoch."""
