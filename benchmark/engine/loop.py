"""Execution `loop`: one step after another; the reference that the other executions must equal."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lnlbench.benchmark.engine import optimisers
from lnlbench.benchmark.engine.batches import PADDING, DeviceImages, Order, another_view, draw_order, pays, strong_view
from lnlbench.benchmark.engine.depth import Schedule
from lnlbench.benchmark.engine.device import Compute, exact_float32
from lnlbench.benchmark.engine.epoch_numbers import (
    EVALUATION_BATCH,
    PROBE,
    answers_of,
    due,
    lengthened,
    loss_and_prediction,
    samples_of,
    weighted_mean,
)
from lnlbench.benchmark.engine.hook_draws import Draws, Step, row
from lnlbench.benchmark.engine.job import Epoch, Job, Samples
from lnlbench.benchmark.engine.networks import Networks
from lnlbench.benchmark.engine.past import Past
from lnlbench.benchmark.engine.step_log import Log
from lnlbench.benchmark.protocol.schedules import learning_rate
from lnlbench.benchmark.protocol.stratify import stratified
from lnlbench.methods.base import Batch, Clock, History, Params, Record, Task, remembering


class Loop:
    """One run, trained epoch by epoch; its state can be taken and restored between two epochs."""

    log_type: type[Log] = Log
    recordable = False  # whether steps may be recorded and replayed
    replayed = False  # whether the last ones were

    def __init__(self, job: Job, how: Compute) -> None:
        self.job, self.how, self.setting = job, how, job.setting
        split, device, dtype = job.split, how.device, how.dtype
        self.method = job.method.tensors(device, dtype)
        count = job.method.networks
        self.networks = Networks(self.setting.model, count, split.classes, split.shape, job.replicate, how)
        self.optimiser = optimisers.start(self.setting.optimizer, self.networks.flat)
        self.rule = optimisers.rule_of(self.setting, self.networks.flat, self.recordable)
        self.schedule = Schedule(self.networks.models[0], device, dtype)
        self.frozen: list[Tensor] = []

        ready = pays(device, dtype, split.images, split.validation_images, *split.probes.values())

        def resident(images: Tensor, padding: int = 0) -> DeviceImages:
            form = {"ready": ready, "channels_last": how.channels_last}
            return DeviceImages(images, split.mean, split.std, device, dtype, padding, **form)

        self.images = resident(split.images, PADDING if self.setting.augment else 0)
        self.validation = resident(split.validation_images)
        self.probes = {name: resident(images) for name, images in split.probes.items()}
        self.given = split.given.to(device)
        self.validation_given = split.validation_given.to(device)
        self.targets = one_hot(self.given, split.classes).to(dtype)
        self.probe = stratified(split.given, PROBE, "probe").to(device)
        self.told = job.facts(device, dtype)
        task = Task(self.targets, count, self.told)
        self.memory, self.carried = self.method.start(task), self.method.carry(task)
        self.epoch = 0
        self.history = History(self.setting.epochs, (), ())
        self.past = Past(count, len(split.given))

    @exact_float32()
    def advance(self) -> Epoch:
        """Train one epoch and evaluate."""
        begin = time.perf_counter()
        setting, device = self.setting, self.how.device
        names = (self.job.replicate, self.epoch)
        lr = learning_rate(setting.lr, setting.schedule, self.epoch, setting.epochs, setting.lr_min)
        order = draw_order(len(self.images), setting.batch_size, setting.augment, device, *names)
        self.begin(order)
        clock = self.clock(len(order.index))
        if self.epoch and self.job.method.due(self.epoch, setting.epochs):
            own = replace(clock, random=Draws(1, device, "observe", *names))
            observing = self.job.method.observing(self.epoch, setting.epochs).tensors(device, self.how.dtype)
            self.take_notes(observing.observe(self.record(), own))
        self.settle(clock)
        self.networks.train()
        self.steps(order, clock, lr)
        self.how.finish()
        self.epoch += 1
        return self.summary(lr, begin)

    def begin(self, order: Order) -> None:
        """Prepare the steps of an epoch."""
        self.draws = Draws(len(order.index), self.how.device, self.job.replicate, self.epoch)
        names = (self.job.replicate, self.epoch)
        method, side = self.job.method, self.images.side
        self.views = [order, *(another_view(order, view, *names) for view in range(1, method.views))]
        self.views += [strong_view(order, side, view, *names) for view in range(method.strong)]
        self.log = self.log_type(order, self.job, self.how, self.method.answers("select"))

    def settle(self, clock: Clock) -> None:
        """Reset parameters, and choose those that stay as they are, where the method says so."""
        asked = self.method, clock, self.job.replicate, self.epoch
        if names := self.schedule.renewed(*asked):
            self.networks.renew(names, self.epoch)
            self.optimiser = optimisers.start(self.setting.optimizer, self.networks.flat)
            self.rule.begin(self.optimiser)
        stay = self.schedule.frozen(*asked)
        stays = [yes for _ in self.networks.models for yes in stay]
        self.frozen = [p for p, yes in zip(self.networks.flat, stays, strict=True) if yes]

    def steps(self, order: Order, clock: Clock, lr: float) -> None:
        """Take the steps of an epoch."""
        for step in range(len(order.index)):
            self.take(order, step, clock, lr)

    def take(self, order: Order, step: Step, clock: Clock, lr: float | Tensor) -> None:
        """Take one step, from the gather to the log."""
        self.draws.at(step)
        self.step(self.batch(order, step), clock, step, lr)
        clock.step.add_(1)

    def batch(self, order: Order, step: Step) -> Batch:
        """Return the batch of a step, augmented, with the rows of the method's memory."""
        index = row(order.index, step)
        images, *views = (
            self.images.batch(
                index,
                *(None if x is None else row(x, step) for x in (view.offset, view.flip, view.operations, view.centre)),
            )
            for view in self.views
        )
        memory = {name: rows[:, index] for name, rows in self.memory.items()}
        weak = self.job.method.views - 1
        strong = tuple(views[weak:])
        targets = self.targets.index_select(0, index)
        return Batch(images, targets, index, memory, self.told, tuple(views[:weak]), self.carried, strong)

    def step(self, batch: Batch, clock: Clock, step: Step, lr: float | Tensor) -> None:
        """One update: perturb, guess; forward, remember, loss, select and gradient at each call of `grads_at`."""
        inputs = batch.inputs
        batch = self.method.perturb(batch, clock)
        if self.method.answers("guess"):
            batch = self.method.guess(partial(self.guessed, step), batch, clock)
        self.log.same_inputs &= batch.inputs is inputs
        drawn = 0  # before the loss of the first call of `grads_at`, whose numbers a later one draws again
        weights: Tensor | None = None
        first = True

        def grads_at(params: Params) -> Params:
            nonlocal batch, weights, first, drawn
            own = params is self.networks.params
            leaves = params if own else [{n: p.detach().requires_grad_() for n, p in ps.items()} for ps in params]
            logits = self.networks.forward(leaves, batch.inputs, (self.epoch, step), commit=first)
            if first:
                batch = self.remember(logits.detach(), batch, clock)
                drawn = self.draws.position
            with nullcontext() if first else self.draws.again(drawn):
                losses = self.method.loss(logits, batch, clock)
            if first and self.log.weight is not None:
                weights = self.method.select(losses.detach(), logits.detach(), batch, clock).detach()
            objective = weighted_mean(losses, weights).sum()
            if first:
                self.log.write(step, logits.detach(), objective.detach(), weights)
            self.log.passes.add_(logits.shape[1] / len(batch.index))
            first = False
            flat = [p for network in leaves for p in network.values()]
            grads = iter(torch.autograd.grad(objective, flat, materialize_grads=True))
            return [{name: next(grads) for name in network} for network in leaves]

        grads = self.method.gradient(grads_at, self.networks.params, batch, clock)
        grads = optimisers.clipped(grads, self.setting.grad_clip)
        flat = [g for network in grads for g in network.values()]
        before = [p.detach().clone() for p in self.frozen]
        self.rule(self.networks.flat, flat, self.optimiser, lr)
        for p, value in zip(self.frozen, before, strict=True):
            p.detach().copy_(value)
        if self.method.answers("average"):
            self.networks.average(lambda trained, averaged: self.method.average(trained, averaged, clock))

    @torch.no_grad()
    def guessed(
        self, step: Step, inputs: Tensor, training: bool = True, averaged: bool = False, commit: bool = False
    ) -> Tensor:
        """Return logits [K, B, C] without gradient, as `Predict` says; the pass is charged to the method."""
        params = self.networks.averaged if averaged else self.networks.params
        if training:
            logits = self.networks.forward(params, inputs, (self.epoch, step), commit=commit and not averaged)
        else:
            logits = self.networks.guess(params, inputs)
        self.log.guesses.add_(logits.shape[1] / self.log.index.shape[1])
        return logits

    @torch.no_grad()
    def remember(self, logits: Tensor, batch: Batch, clock: Clock) -> Batch:
        """Store new rows of the memory and new carried values, and return the batch with them."""
        found = self.method.remember(logits, batch, clock)
        if not found:
            return batch
        for name, new in found.items():
            if name in self.carried:
                self.carried[name].copy_(new)
            else:
                self.memory[name][:, batch.index] = new
        return remembering(batch, found)

    def take_notes(self, found: Mapping[str, Tensor]) -> None:
        """Store what the method returned after an exact pass."""
        self.carried = {name: found.get(name, value) for name, value in self.carried.items()}
        self.memory = {**self.memory, **{name: new for name, new in found.items() if name not in self.carried}}

    def clock(self, steps: int) -> Clock:
        """Return the clock at the first step of an epoch; its step counts on."""
        scalar = partial(torch.tensor, device=self.how.device, dtype=self.how.dtype)
        now, total = float(self.epoch), float(self.setting.epochs)
        return Clock(scalar(now), scalar(total), scalar(now * steps), scalar(now / total), self.draws)

    def summary(self, lr: float, begin: float) -> Epoch:
        """Evaluate, and gather the numbers of the epoch that has just been trained."""
        trained = time.perf_counter()
        log, done = self.log, self.epoch
        exact = self.samples(self.probe) if due(done, self.setting.epochs) or not log.same_inputs else None
        online = exact if exact is not None and not log.same_inputs else log.samples(self.given)
        votes = self.answers(self.validation).argmax(-1)
        accuracy = (votes == self.validation_given).float().mean().item()
        true = self.told.get("clean_validation")
        clean = None if true is None else (votes == true).float().mean().item()
        predictions, ensemble = {}, {}
        for name, images in self.probes.items():
            found = self.answers(images)
            predictions[name] = found.argmax(-1).to(torch.uint8).cpu()
            if len(found) > 1:
                ensemble[name] = found.softmax(-1).mean(0).argmax(-1).to(torch.uint8).cpu()
        loss, norm = log.objective.mean().item(), self.networks.norm()
        online, changes = self.past.take(online)
        self.history = lengthened(self.history, accuracy, loss, changes, clean)
        diverged = not (math.isfinite(loss) and math.isfinite(norm))
        passes = log.passes.item() * len(self.networks.models) / len(log.objective)
        return Epoch(
            epoch=done - 1,
            lr=lr,
            loss=loss,
            online=online,
            exact=exact,
            validation_accuracy=accuracy,
            validation_predictions=votes.to(torch.uint8).cpu(),
            predictions=predictions,
            ensemble=ensemble,
            weight_norm=norm,
            distance=self.networks.distance(),
            train_seconds=trained - begin,
            evaluate_seconds=time.perf_counter() - trained,
            forward=passes
            + log.guesses.item() * len(self.networks.models) / len(log.objective)
            + (len(self.networks.models) if log.observed else 0),
            backward=passes,
            diverged=diverged,
            last=done == self.setting.epochs or diverged or self.job.method.stop(self.history),
            history=self.history,
            state=self.state,
            weights=self.networks.state,
            replayed=self.replayed,
        )

    def answers(self, images: DeviceImages) -> Tensor:
        """Return the logits of each network [K, T, C], or the log of their mean softmax [1, T, C] for an ensemble."""
        logits = self.networks.predict(images.chunks(EVALUATION_BATCH[self.how.device.type]))
        return answers_of(logits, self.job.method.ensemble)

    def predict(self, index: Tensor) -> Tensor:
        """Return the logits [K, M, C] of training samples index [M], without augmentation."""
        parts = torch.split(index, EVALUATION_BATCH[self.how.device.type])
        return self.networks.predict(map(self.images.batch, parts))

    def samples(self, index: Tensor) -> Samples:
        """Evaluate some training samples without augmentation."""
        return samples_of(index, self.predict(index), self.given, None)

    def record(self) -> Record:
        """Pass over the whole training set for a method that asks for it; the cost is charged to the method."""
        logits = self.predict(torch.arange(len(self.images), device=self.how.device))
        self.log.observed = True
        return Record(*loss_and_prediction(logits, self.given), self.memory, self.carried)

    def state(self) -> dict[str, Any]:
        """Return all that is needed to continue after the last epoch, as copies."""
        self.rule.remember(self.optimiser)
        rest = {"epoch": self.epoch, "optimiser": self.optimiser, "history": self.history}
        rest |= {"memory": self.memory, "carried": self.carried}
        return {"networks": self.networks.state(), **self.past.state(), **copy.deepcopy(rest)}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state, on whatever device its tensors are."""
        self.networks.restore(state["networks"])
        rest = copy.deepcopy({name: value for name, value in state.items() if name != "networks"})
        self.epoch, self.optimiser = rest["epoch"], rest["optimiser"].to(self.how.device)
        self.rule.begin(self.optimiser)
        self.memory, self.carried = (
            {name: values.to(self.how.device) for name, values in rest.get(kind, {}).items()}  # older states carry none
            for kind in ("memory", "carried")
        )
        self.history = rest["history"]
        self.past.restore(rest)
