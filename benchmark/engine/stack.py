"""Execution `stack`: many runs of one architecture take each step at once; the run is the first axis of each tensor."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap

from lnlbench.benchmark.engine import optimisers
from lnlbench.benchmark.engine.batches import PADDING
from lnlbench.benchmark.engine.capture import settled
from lnlbench.benchmark.engine.depth import Schedule
from lnlbench.benchmark.engine.device import Compute, exact_float32
from lnlbench.benchmark.engine.epoch_numbers import (
    EVALUATION_BATCH,
    due,
    lengthened,
    loss_and_prediction,
    samples_of,
)
from lnlbench.benchmark.engine.hook_draws import Draws, Handed, Step, Tables, row
from lnlbench.benchmark.engine.job import Epoch, Job, Samples
from lnlbench.benchmark.engine.stack_images import Pool, draw_orders
from lnlbench.benchmark.engine.stack_state import Slots, State, flat, joined, mapped, norms
from lnlbench.benchmark.engine.stack_step import Trace, pure
from lnlbench.benchmark.protocol.schedules import learning_rate
from lnlbench.methods.base import Clock, Record

ROOM = 8  # times as many images are evaluated at once, of all runs together


class Stack:
    """Jobs of one `stacking.stack_key`, trained epoch by epoch; their states are those of `Loop`.

    A slot whose run has ended is still computed, so that no bit of the others changes; the slots that have ended are
    given up once they are half of all.
    """

    replayed = False

    def __init__(self, jobs: Sequence[Job], how: Compute) -> None:
        job, self.how = jobs[0], how
        self.setting, self.classes, self.count = job.setting, job.split.classes, job.method.networks
        self.slots = Slots(jobs, how)
        self.live = list(range(len(jobs)))
        self.pure = pure(job.method, self.slots.template, how, self.setting.grad_clip)
        self.schedule = Schedule(self.slots.template, how.device, how.dtype)
        self.tables = Tables()
        self.hard = torch.eye(self.classes, device=how.device, dtype=how.dtype)  # label weights of each class
        splits = [job.split for job in jobs]
        self.probes = {name: Pool([split.probes[name] for split in splits], job, how) for name in splits[0].probes}
        self.images = Pool([split.images for split in splits], job, how, PADDING if self.setting.augment else 0)
        self.validation = Pool([split.validation_images for split in splits], job, how)

    @property
    def jobs(self) -> list[Job]:
        """The job of each slot."""
        return self.slots.jobs

    def restore(self, states: Sequence[State]) -> None:
        """Continue from the states of all jobs, after the same epoch."""
        self.slots.restore(states)

    @exact_float32()
    def advance(self) -> list[tuple[Job, Epoch]]:
        """Train one epoch, evaluate, and return the numbers of each run that was not over."""
        self.live = [slot for slot in self.live if not self.jobs[slot].cancelled]
        if 2 * len(self.live) <= len(self.jobs):
            self.give_up_idle()
        begin, epoch = time.perf_counter(), self.slots.epoch
        self.begin()
        clock = self.clock(len(self.order.index))
        watching = [slot for slot, job in enumerate(self.jobs) if epoch and job.method.due(epoch, self.setting.epochs)]
        if watching:
            self.observe(clock, watching)
        self.frozen: list[tuple[int, Tensor]] = []  # place of a parameter, in which runs it stays
        if self.pure.method.answers("renew") or self.pure.method.answers("freeze"):
            self.settle(clock)
        self.rates = self.told_rates()
        self.pure.model.train()
        self.steps(len(self.order.index), clock)
        self.how.finish()
        self.slots.epoch += 1
        return self.summary(begin, watching)

    def begin(self) -> None:
        """Prepare the steps of an epoch."""
        device, epoch, replicates = self.how.device, self.slots.epoch, [job.replicate for job in self.jobs]
        self.order = draw_orders(self.images.count, self.setting, replicates, epoch, device)
        steps, runs, size = self.order.index.shape
        self.tables.begin(steps, device, replicates, epoch)
        zeros = partial(torch.zeros, device=device, dtype=self.how.dtype)
        self.logits = zeros(steps, runs, self.count, size, self.classes)
        self.objective = zeros(steps, runs)
        self.weight = zeros(steps, runs, self.count, size) if self.pure.method.answers("select") else None
        self.passes = zeros((), dtype=torch.float64)  # of a batch, forward and backward
        self.same_inputs = True

    def steps(self, count: int, clock: Clock) -> None:
        """Take the steps of an epoch."""
        for step in range(count):
            self.step(step, clock)

    def step(self, step: Step, clock: Clock) -> None:
        """One update of every run."""
        order, runs = self.order, self.slots.runs
        index = row(order.index, step)  # [R, B]
        images = self.images.batch(index, *(None if x is None else row(x, step) for x in (order.offset, order.flip)))
        targets = self.hard[runs["given"].gather(1, index)]
        slot = torch.arange(len(index), device=index.device).view(-1, 1, 1)
        place = slot, torch.arange(self.count, device=index.device).view(1, -1, 1), index.unsqueeze(1)
        memory = {name: rows[place] for name, rows in runs["memory"].items()}
        batch = (images, targets, index, memory, runs["told"], (), runs["carried"])
        networks = {"params": runs["params"], "buffers": runs["buffers"]}
        trace = Trace()
        step_of = partial(self.pure.step, requests=self.tables.requests, clock=clock, trace=trace)
        one = vmap(step_of, randomness="error")
        found = self.tables.served(partial(one, networks, runs["floats"], batch), step)
        for name, rows in found["rows"].items():
            if name in runs["carried"]:
                runs["carried"][name].copy_(rows)
            else:
                runs["memory"][name][place] = rows.to(runs["memory"][name].dtype)
        runs["buffers"] = settled(runs["buffers"], found["buffers"])
        self.logits[step] = found["logits"]
        self.objective[step] = found["objective"] / self.count
        if self.weight is not None:
            self.weight[step] = found["weight"]
        self.passes.add_(trace.passes)
        self.same_inputs &= trace.same_inputs
        update, params = optimisers.OPTIMISERS[self.setting.optimizer].stacked, flat(runs["params"])
        before = [(params[i], stay, params[i].clone()) for i, stay in self.frozen]
        update(params, flat(found["grads"]), self.slots.moments, self.rates)
        for p, stay, value in before:
            p.copy_(torch.where(stay.view(-1, *[1] * (p.ndim - 1)), value, p))
        if self.pure.method.answers("average"):
            self.average(clock, trace, step)
        clock.step.add_(1)

    def average(self, clock: Clock, trace: Trace, step: Step) -> None:
        """Evaluate other weights than the trained ones from now on."""
        runs = self.slots.runs
        averaged = runs["averaged"] or mapped(torch.clone, runs["params"])
        average_of = partial(self.pure.average, requests=self.tables.requests, clock=clock, trace=trace)
        one = vmap(average_of, randomness="error")
        new = self.tables.served(partial(one, runs["params"], averaged, runs["floats"]), step)
        runs["averaged"] = settled(averaged, new)

    @torch.no_grad()
    def predict(self, pool: Pool, index: Tensor | None = None) -> Tensor:
        """Return logits [R, K, M, C] of images [R, M], or of all, in evaluation mode at the evaluated weights."""
        self.pure.model.eval()
        runs, found = self.slots.runs, []
        weights = runs["averaged"] or runs["params"], runs["buffers"]
        shared = index is None and pool.shared
        every = torch.arange(pool.count, device=self.how.device).expand(1 if shared else len(self.jobs), -1)
        room = ROOM * EVALUATION_BATCH[self.how.device.type]
        for part in torch.split(every if index is None else index, max(1, room // len(self.jobs)), 1):
            images = pool.images.batch(part[0]) if shared else pool.batch(part)
            evaluate = vmap(self.pure.forward, in_dims=(0, 0, None if shared else 0), randomness="error")
            found.append(evaluate(*weights, images))
        return torch.cat(found, 2)

    def samples(self, index: Tensor) -> list[Samples]:
        """Evaluate some training samples [R, M] without augmentation."""
        logits = self.predict(self.images, index)
        return [samples_of(*parts, None) for parts in zip(index, logits, self.slots.runs["given"], strict=True)]

    def observe(self, clock: Clock, watching: Sequence[int]) -> None:
        """Give the methods of some slots their exact records, and take their new memories."""
        device, memories, carrieds = self.how.device, [], []
        every = torch.arange(self.images.count, device=device).expand(len(self.jobs), -1)
        for slot, logits in enumerate(self.predict(self.images, every)):
            job, runs = self.jobs[slot], self.slots.runs
            memory, carried = ({name: x[slot] for name, x in runs[kind].items()} for kind in ("memory", "carried"))
            if slot in watching:
                record = Record(*loss_and_prediction(logits, runs["given"][slot]), memory, carried)
                now = replace(clock, random=Draws(1, device, "observe", job.replicate, self.slots.epoch))
                observing = job.method.observing(self.slots.epoch, self.setting.epochs)
                seen = observing.tensors(device, self.how.dtype).observe(record, now)
                carried = {name: seen.get(name, value) for name, value in carried.items()}
                memory = memory | {name: new for name, new in seen.items() if name not in carried}
            memories.append(memory)
            carrieds.append(carried)
        self.slots.runs["memory"], self.slots.runs["carried"] = joined(memories), joined(carrieds)

    def settle(self, clock: Clock) -> None:
        """Reset parameters of some runs, and choose those that stay as they are, where their methods say so."""
        stay: list[list[bool]] = []
        for slot, job in enumerate(self.jobs):
            asked = job.method.tensors(self.how.device, self.how.dtype), clock, job.replicate, self.slots.epoch
            if names := self.schedule.renewed(*asked):
                self.slots.renew(slot, names)
            stay.append([*self.schedule.frozen(*asked)] * self.count)
        columns = enumerate(zip(*stay, strict=True))
        self.frozen = [(i, torch.tensor(held, device=self.how.device)) for i, held in columns if any(held)]

    def summary(self, begin: float, watching: Sequence[int]) -> list[tuple[Job, Epoch]]:
        """Evaluate, and gather the numbers of the epoch that has just been trained."""
        trained, runs, done = time.perf_counter(), self.slots.runs, self.slots.epoch
        exact = self.samples(runs["probe"]) if due(done, self.setting.epochs) or not self.same_inputs else None
        votes = self.predict(self.validation).argmax(-1)
        accuracy = (votes == runs["validation_given"].unsqueeze(1)).flatten(1).float().mean(1).tolist()
        true = runs["told"].get("clean_validation")
        clean = None if true is None else (votes == true.unsqueeze(1)).flatten(1).float().mean(1).tolist()
        votes = votes.to(torch.uint8).cpu()
        logits = {name: self.predict(pool) for name, pool in self.probes.items()}
        predictions = {name: found.argmax(-1).to(torch.uint8).cpu() for name, found in logits.items()}
        ensemble = {name: x.softmax(-1).mean(1).argmax(-1).to(torch.uint8).cpu() for name, x in logits.items()}
        loss, norm = self.objective.mean(0).tolist(), norms(flat(runs["params"]))
        distance = norms([p - q for p, q in zip(flat(runs["params"]), flat(runs["start"]), strict=True)])
        passes = self.passes.item() * self.count / len(self.objective)
        found = []
        for slot in self.live:
            job = self.jobs[slot]
            online = exact[slot] if exact is not None and not self.same_inputs else self.online(slot)
            online, changes = self.slots.past[slot].take(online)
            known = None if clean is None else clean[slot]
            history = lengthened(self.slots.history[slot], accuracy[slot], loss[slot], changes, known)
            self.slots.history[slot] = history
            diverged = not (math.isfinite(loss[slot]) and math.isfinite(norm[slot]))
            numbers: dict[str, Any] = {
                "epoch": done - 1,
                "lr": self.lr(job, done - 1),
                "loss": loss[slot],
                "online": online,
                "exact": None if exact is None else exact[slot],
                "validation_accuracy": accuracy[slot],
                "validation_predictions": votes[slot],
                "predictions": {name: rows[slot] for name, rows in predictions.items()},
                "ensemble": {name: rows[slot] for name, rows in ensemble.items()} if self.count > 1 else {},
                "weight_norm": norm[slot],
                "distance": distance[slot],
                "forward": passes + (self.count if slot in watching else 0),
                "backward": passes,
                "diverged": diverged,
                "last": done == self.setting.epochs or diverged or job.method.stop(history),
                "history": history,
                "state": partial(self.slots.state, slot),
                "weights": partial(self.slots.weights, slot),
                "stacked": len(self.jobs),
                "replayed": self.replayed,
            }
            found.append((job, numbers))
        share: dict[str, Any] = {
            "train_seconds": (trained - begin) / len(found),
            "evaluate_seconds": (time.perf_counter() - trained) / len(found),
        }
        self.live = [slot for slot, (_, numbers) in zip(self.live, found, strict=True) if not numbers["last"]]
        return [(job, Epoch(**numbers, **share)) for job, numbers in found]

    def online(self, slot: int) -> Samples:
        """Return the numbers of a run's samples in the order of visit, from before each update."""
        logits = self.logits[:, slot].transpose(0, 1).flatten(1, 2)
        weight = None if self.weight is None else self.weight[:, slot].transpose(0, 1).flatten(1)
        return samples_of(self.order.index[:, slot].flatten(), logits, self.slots.runs["given"][slot], weight)

    def lr(self, job: Job, epoch: int) -> float:
        """Return the learning rate of a job in an epoch."""
        setting = job.setting
        return learning_rate(setting.lr, setting.schedule, epoch, setting.epochs, setting.lr_min)

    def told_rates(self) -> optimisers.Rates:
        """Return the learning rates and weight decays of this epoch."""
        values = [
            (self.lr(job, self.slots.epoch), job.setting.weight_decay, job.setting.momentum, begun)
            for job, begun in zip(self.jobs, self.slots.begun, strict=True)
        ]
        return optimisers.Rates(*torch.tensor(values, device=self.how.device, dtype=torch.float64).T)

    def clock(self, steps: int) -> Clock:
        """Return the clock at the first step of an epoch, the same for all runs but for its random numbers."""
        scalar = partial(torch.tensor, device=self.how.device, dtype=self.how.dtype)
        now, total = float(self.slots.epoch), float(self.setting.epochs)
        return Clock(scalar(now), scalar(total), scalar(now * steps), scalar(now / total), Handed((), []))

    def members(self) -> list[tuple[Job, State]]:
        """Return the jobs that are not over, with their states on the CPU."""
        left = [slot for slot in self.live if not self.jobs[slot].cancelled]
        return [(self.jobs[slot], self.slots.state(slot, torch.device("cpu"))) for slot in left]

    def give_up_idle(self) -> None:
        """Keep the slots of the runs that are not over, and no others."""
        self.slots.keep(self.live)
        for pool in (self.images, self.validation, *self.probes.values()):
            pool.keep(self.live)
        self.live = list(range(len(self.live)))
