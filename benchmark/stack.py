"""Execution `stack`: many runs of one architecture take each step at once; the run is the first axis of each tensor."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap
from torch.nn.functional import one_hot

from lnlbench.benchmark import optimiser
from lnlbench.benchmark.draws import Draws, Handed, Request, UndrawnError
from lnlbench.benchmark.epochs import EVALUATION_BATCH, PROBE, due, learning_rate, samples_of
from lnlbench.benchmark.execution import Execution
from lnlbench.benchmark.job import Epoch, Job, Samples
from lnlbench.benchmark.loader import PADDING, Order, draw_order
from lnlbench.benchmark.models import build
from lnlbench.benchmark.pure import Pure, Trace, floats_of
from lnlbench.benchmark.sampling import stratified
from lnlbench.benchmark.seeds import seed
from lnlbench.benchmark.slots import Pool, flat, joined, mapped, norms
from lnlbench.methods.base import Clock, History, Record, Task

ROOM = 8 * EVALUATION_BATCH  # images that are evaluated at once, of all runs together

State = dict[str, Any]


class Stack:
    """Jobs of one `grouping.stack_key`, trained epoch by epoch; their states are those of `Loop`.

    A slot whose run has ended is still computed, so that the numbers of the others keep every bit; only when half of
    the slots are idle are they given up.
    """

    def __init__(self, jobs: Sequence[Job], how: Execution) -> None:
        job, self.how, self.jobs = jobs[0], how, list(jobs)
        self.setting, self.classes, self.count = job.setting, job.split.classes, job.method.networks
        self.live, self.epoch = list(range(len(jobs))), 0
        self.history = [History(self.setting.epochs, (), ()) for _ in jobs]
        self.requests: list[Request] = []
        splits, device = [job.split for job in jobs], how.device
        self.pools = {name: Pool([split.probes[name] for split in splits], job, how) for name in splits[0].probes}
        self.images = Pool([split.images for split in splits], job, how, PADDING if self.setting.augment else 0)
        self.validation = Pool([split.validation_images for split in splits], job, how)
        self.pure = Pure(job.method, self.model(job, 0), how)
        self.saved = list(self.pure.model.state_dict())  # not every buffer is
        fresh = {job.replicate: [self.model(job, k) for k in range(self.count)] for job in jobs}
        models = [fresh[job.replicate] for job in jobs]
        params = joined([[{n: p.detach() for n, p in m.named_parameters()} for m in own] for own in models])
        self.runs: dict[str, Any] = {  # every tensor is [R, ...]
            "params": params,
            "buffers": joined([[dict(model.named_buffers()) for model in own] for own in models]),
            "start": mapped(torch.clone, params),
            "averaged": None,
            "memory": joined([self.memory(job) for job in jobs]),
            "floats": joined([floats_of(job.method.tensors(device, how.dtype)) for job in jobs]),
            "given": joined([split.given.to(device) for split in splits]),
            "validation_given": joined([split.validation_given.to(device) for split in splits]),
            "probe": joined([stratified(split.given, PROBE, "probe").to(device) for split in splits]),
        }
        self.moments = optimiser.start(self.setting.optimizer, flat(params))

    def model(self, job: Job, k: int) -> nn.Module:
        """Network k of a job as it begins."""
        split, name = job.split, seed("init", job.replicate, k)
        return build(job.setting.model, split.classes, split.shape, name).to(self.how.device, self.how.dtype)

    def memory(self, job: Job) -> dict[str, Tensor]:
        """The memory of a job as it begins."""
        device, dtype = self.how.device, self.how.dtype
        targets = one_hot(job.split.given.to(device), self.classes).to(dtype)
        told = {name: torch.as_tensor(job.told[name], device=device) for name in job.method.told}
        return job.method.tensors(device, dtype).start(Task(targets, self.count, told))

    def advance(self) -> list[tuple[Job, Epoch]]:
        """Train one epoch and evaluate: the numbers of each run that was not over."""
        self.live = [slot for slot in self.live if not self.jobs[slot].cancelled]
        if 2 * len(self.live) <= len(self.jobs):
            self.give_up_idle()
        begin = time.perf_counter()
        self.order = self.draw_order()
        steps, runs, size = self.order.index.shape
        self.draws = {job.replicate: Draws(steps, self.how.device, job.replicate, self.epoch) for job in self.jobs}
        self.tables = [self.table(request) for request in self.requests]
        self.rates = self.told_rates()
        empty = partial(torch.empty, device=self.how.device, dtype=self.how.dtype)
        self.logits = empty(steps, runs, self.count, size, self.classes)
        self.objective = empty(steps, runs)
        self.weight = empty(steps, runs, self.count, size) if self.pure.method.answers("select") else None
        self.trace = Trace()
        clock = self.clock(steps)
        observes = self.epoch > 0 and self.pure.method.answers("observe")
        if observes:
            self.observe(clock)
        self.pure.model.train()
        for step in range(steps):
            self.step(step, clock)
            clock.step.add_(1)
        self.how.finish()
        self.epoch += 1
        return self.summary(begin, observes)

    def step(self, step: int, clock: Clock) -> None:
        """One update of every run."""
        order, runs = self.order, self.runs
        index = order.index[step]  # [R, B]
        images = self.images.batch(index, *(None if x is None else x[step] for x in (order.offset, order.flip)))
        targets = one_hot(runs["given"].gather(1, index), self.classes).to(self.how.dtype)
        slot = torch.arange(len(index), device=index.device).view(-1, 1, 1)
        place = slot, torch.arange(self.count, device=index.device).view(1, -1, 1), index.unsqueeze(1)
        batch = (images, targets, index, {name: rows[place] for name, rows in runs["memory"].items()})
        networks = {"params": runs["params"], "buffers": runs["buffers"]}
        while True:
            trace, drawn = Trace(), [table[step] for table in self.tables]
            try:
                one = partial(self.pure.step, clock=clock, trace=trace)
                found = vmap(one, randomness="error")(networks, runs["floats"], batch, drawn)
                break
            except UndrawnError as error:  # only in the first step: then the tables are known
                self.request(error.request)
        for name, rows in found["rows"].items():
            runs["memory"][name][place] = rows.to(runs["memory"][name].dtype)
        runs["buffers"] = found["buffers"]
        self.logits[step] = found["logits"]
        self.objective[step] = found["objective"] / self.count
        if self.weight is not None:
            self.weight[step] = found["weight"]
        self.trace.passes += trace.passes
        self.trace.same_inputs &= trace.same_inputs
        update = optimiser.STACKED[self.setting.optimizer]
        update(flat(runs["params"]), flat(found["grads"]), self.moments, self.rates)
        if self.pure.method.answers("average"):
            self.average(clock, trace, step)

    def average(self, clock: Clock, trace: Trace, step: int) -> None:
        """Evaluate other weights than the trained ones from now on."""
        runs = self.runs
        averaged = runs["averaged"] or mapped(torch.clone, runs["params"])
        while True:
            try:
                one = partial(self.pure.average, clock=clock, trace=trace)
                drawn = [table[step] for table in self.tables]
                runs["averaged"] = vmap(one, randomness="error")(runs["params"], averaged, runs["floats"], drawn)
                return
            except UndrawnError as error:
                self.request(error.request)

    def request(self, request: Request) -> None:
        """From now on, draw this as well."""
        self.requests.append(request)
        self.tables.append(self.table(request))

    def table(self, request: Request) -> Tensor:
        """The numbers of an epoch: [steps, R, ...]."""
        place = {name: i for i, name in enumerate(self.draws)}
        which = torch.tensor([place[job.replicate] for job in self.jobs], device=self.how.device)
        return request.table(list(self.draws.values()))[:, which]

    @torch.no_grad()
    def predict(self, pool: Pool, index: Tensor | None = None) -> Tensor:
        """Logits [R, K, M, C] in evaluation mode at the weights that are evaluated, of images [R, M], or of all."""
        self.pure.model.eval()
        params, buffers, found = self.runs["averaged"] or self.runs["params"], self.runs["buffers"], []
        shared = index is None and pool.shared
        every = torch.arange(pool.count, device=self.how.device).expand(1 if shared else len(self.jobs), -1)
        for part in (every if index is None else index).split(max(1, ROOM // len(self.jobs)), 1):
            images = pool.images.batch(part[0]) if shared else pool.batch(part)
            evaluate = vmap(self.pure.forward, in_dims=(0, 0, None if shared else 0), randomness="error")
            found.append(evaluate(params, buffers, images))
        return torch.cat(found, 2)

    def samples(self, index: Tensor) -> list[Samples]:
        """The numbers of some training samples [R, M] from a pass in evaluation mode, without augmentation."""
        logits = self.predict(self.images, index)
        return [samples_of(*parts, None) for parts in zip(index, logits, self.runs["given"], strict=True)]

    def observe(self, clock: Clock) -> None:
        """Give each method its exact record, and take its new memory."""
        device, memories = self.how.device, []
        every = torch.arange(self.images.count, device=device).expand(len(self.jobs), -1)
        for slot, found in enumerate(self.samples(every)):
            job, memory = self.jobs[slot], {name: rows[slot] for name, rows in self.runs["memory"].items()}
            record = Record(found.loss.to(device), found.prediction.to(device), memory)
            now = replace(clock, random=Draws(1, device, "observe", job.replicate, self.epoch))
            memories.append(memory | job.method.tensors(device, self.how.dtype).observe(record, now))
        self.runs["memory"] = joined(memories)

    def summary(self, begin: float, observed: bool) -> list[tuple[Job, Epoch]]:
        """Evaluate, and gather the numbers of the epoch that has just been trained."""
        trained, runs, done, trace = time.perf_counter(), self.runs, self.epoch, self.trace
        exact = self.samples(runs["probe"]) if due(done, self.setting.epochs) or not trace.same_inputs else None
        votes = self.predict(self.validation).argmax(-1)
        accuracy = (votes == runs["validation_given"].unsqueeze(1)).flatten(1).float().mean(1).tolist()
        logits = {name: self.predict(pool) for name, pool in self.pools.items()}
        predictions = {name: found.argmax(-1).to(torch.uint8).cpu() for name, found in logits.items()}
        ensemble = {name: x.softmax(-1).mean(1).argmax(-1).to(torch.uint8).cpu() for name, x in logits.items()}
        loss, norm = self.objective.mean(0).tolist(), norms(flat(runs["params"]))
        distance = norms([p - q for p, q in zip(flat(runs["params"]), flat(runs["start"]), strict=True)])
        passes = trace.passes * self.count / len(self.objective)
        found = []
        for slot in self.live:
            job, past = self.jobs[slot], self.history[slot]
            history = History(past.epochs, (*past.validation, accuracy[slot]), (*past.loss, loss[slot]))
            self.history[slot] = history
            diverged = not (math.isfinite(loss[slot]) and math.isfinite(norm[slot]))
            numbers = {
                "epoch": done - 1,
                "lr": self.lr(job, done - 1),
                "loss": loss[slot],
                "online": exact[slot] if exact is not None and not trace.same_inputs else self.online(slot),
                "exact": None if exact is None else exact[slot],
                "validation_accuracy": accuracy[slot],
                "predictions": {name: rows[slot] for name, rows in predictions.items()},
                "ensemble": {name: rows[slot] for name, rows in ensemble.items()} if self.count > 1 else {},
                "weight_norm": norm[slot],
                "distance": distance[slot],
                "forward": passes + (self.count if observed else 0),
                "backward": passes,
                "diverged": diverged,
                "last": done == self.setting.epochs or diverged or job.method.stop(history),
                "history": history,
                "state": partial(self.state, slot),
                "stacked": len(self.jobs),
            }
            found.append((job, numbers))
        share = {
            "train_seconds": (trained - begin) / len(found),
            "evaluate_seconds": (time.perf_counter() - trained) / len(found),
        }
        self.live = [slot for slot, (_, numbers) in zip(self.live, found, strict=True) if not numbers["last"]]
        return [(job, Epoch(**numbers, **share)) for job, numbers in found]

    def online(self, slot: int) -> Samples:
        """The numbers of a run's samples in the order of visit, from before each update."""
        logits = self.logits[:, slot].transpose(0, 1).flatten(1, 2)
        weight = None if self.weight is None else self.weight[:, slot].transpose(0, 1).flatten(1)
        return samples_of(self.order.index[:, slot].flatten(), logits, self.runs["given"][slot], weight)

    def draw_order(self) -> Order:
        """Order, crops and flips of this epoch: [S, R, B, ...]."""
        setting, device = self.setting, self.how.device
        given = self.images.count, setting.batch_size, setting.augment, device
        orders = {job.replicate: draw_order(*given, job.replicate, self.epoch) for job in self.jobs}
        mine = [orders[job.replicate] for job in self.jobs]
        index = torch.stack([order.index for order in mine], 1)
        offset = [order.offset for order in mine if order.offset is not None]
        flip = [order.flip for order in mine if order.flip is not None]
        return Order(index, torch.stack(offset, 1) if offset else None, torch.stack(flip, 1) if flip else None)

    def lr(self, job: Job, epoch: int) -> float:
        """The learning rate of a job in an epoch."""
        return learning_rate(job.setting.lr, job.setting.schedule, epoch, job.setting.epochs)

    def told_rates(self) -> optimiser.Rates:
        """What the optimiser is told in this epoch."""
        values = [(self.lr(job, self.epoch), job.setting.weight_decay, job.setting.momentum) for job in self.jobs]
        return optimiser.Rates(*torch.tensor(values, device=self.how.device, dtype=torch.float64).T)

    def clock(self, steps: int) -> Clock:
        """The clock at the first step of an epoch, the same for all runs but for its random numbers."""
        scalar = partial(torch.tensor, device=self.how.device, dtype=self.how.dtype)
        now, total = float(self.epoch), float(self.setting.epochs)
        return Clock(scalar(now), scalar(total), scalar(now * steps), scalar(now / total), Handed(()))

    def state(self, slot: int) -> State:
        """All that one run needs to go on after the epoch that ended last, as copies; `Loop` takes it too."""
        mine = mapped(lambda x: x[slot].clone(), {n: self.runs[n] for n in ("params", "buffers", "averaged", "memory")})
        both = [p | b for p, b in zip(mine["params"], mine["buffers"], strict=True)]
        models = [{name: network[name] for name in self.saved} for network in both]
        first, second = ([x[slot].clone() for x in moments] for moments in (self.moments.first, self.moments.second))
        return {
            "networks": {"models": models, "averaged": mine["averaged"]},
            "epoch": self.epoch,
            "optimiser": optimiser.OptimiserState(first, second, self.moments.steps),
            "memory": mine["memory"],
            "history": self.history[slot],
        }

    def restore(self, states: Sequence[State]) -> None:
        """Go on from the states of all runs, after the same epoch."""
        to, runs = partial(mapped, lambda x: x.to(self.how.device)), self.runs
        networks = to(joined([state["networks"]["models"] for state in states]))
        for own, values in [*zip(runs["params"], networks, strict=True), *zip(runs["buffers"], networks, strict=True)]:
            own.update({name: values[name] for name in own if name in values})
        averaged = [state["networks"]["averaged"] for state in states]
        runs["averaged"] = None if averaged[0] is None else to(joined(averaged))
        runs["memory"] = to(joined([state["memory"] for state in states]))
        first, second = (to(joined([getattr(s["optimiser"], n) for s in states])) for n in ("first", "second"))
        self.moments = optimiser.OptimiserState(first, second, states[0]["optimiser"].steps)
        self.epoch, self.history = states[0]["epoch"], [state["history"] for state in states]

    def members(self) -> list[tuple[Job, State]]:
        """The jobs that are not over, with their states."""
        return [(self.jobs[slot], self.state(slot)) for slot in self.live if not self.jobs[slot].cancelled]

    def give_up_idle(self) -> None:
        """Keep the slots of the runs that are not over, and no others."""
        slots = torch.tensor(self.live, device=self.how.device)
        self.jobs, self.history = ([rows[slot] for slot in self.live] for rows in (self.jobs, self.history))
        self.runs = mapped(lambda x: x[slots], self.runs)
        self.moments.first, self.moments.second = mapped(lambda x: x[slots], [self.moments.first, self.moments.second])
        for pool in (self.images, self.validation, *self.pools.values()):
            pool.keep(slots)
        self.live = list(range(len(self.live)))
