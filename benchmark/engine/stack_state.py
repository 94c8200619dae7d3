"""The state of many runs of one architecture: the run is the first axis of every tensor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from lnlbench.benchmark.engine import optimisers
from lnlbench.benchmark.engine.device import Compute
from lnlbench.benchmark.engine.epoch_numbers import PROBE
from lnlbench.benchmark.engine.job import Job
from lnlbench.benchmark.engine.models import build
from lnlbench.benchmark.engine.past import Past
from lnlbench.benchmark.engine.stack_step import floats_of
from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.benchmark.protocol.stratify import stratified
from lnlbench.methods.base import History, Params, Task

State = dict[str, Any]


class Slots:
    """Weights, moments, memory and history of R runs; the state of one of them is that of `Loop`."""

    def __init__(self, jobs: Sequence[Job], how: Compute) -> None:
        job, self.how, self.jobs, self.epoch = jobs[0], how, list(jobs), 0
        self.history = [History(job.setting.epochs, (), ()) for _ in jobs]
        self.past = [Past(job.method.networks, len(job.split.given)) for _ in jobs]
        fresh = {job.replicate: [self.model(job, k) for k in range(job.method.networks)] for job in jobs}
        models = [fresh[job.replicate] for job in jobs]
        self.template = self.model(job, 0)
        self.saved = list(self.template.state_dict())  # names; not every buffer is among them
        params = joined([[{n: p.detach() for n, p in m.named_parameters()} for m in own] for own in models])
        self.runs: dict[str, Any] = {
            "params": params,
            "buffers": joined([[dict(model.named_buffers()) for model in own] for own in models]),
            "start": mapped(torch.clone, params),
            "averaged": None,
            "memory": joined([job.method.tensors(how.device, how.dtype).start(self.task(job)) for job in jobs]),
            "carried": joined([job.method.tensors(how.device, how.dtype).carry(self.task(job)) for job in jobs]),
            "told": joined([job.facts(how.device, how.dtype) for job in jobs]),
            "floats": joined([floats_of(job.method.tensors(how.device, how.dtype)) for job in jobs]),
            "given": joined([job.split.given.to(how.device) for job in jobs]),
            "validation_given": joined([job.split.validation_given.to(how.device) for job in jobs]),
            "probe": joined([stratified(job.split.given, PROBE, "probe").to(how.device) for job in jobs]),
        }
        self.moments = optimisers.start(job.setting.optimizer, flat(self.runs["params"]))
        self.begun = [0] * len(jobs)  # the steps after which the optimiser of each run began anew

    def model(self, job: Job, *names: int) -> nn.Module:
        """Return network k of a job as it begins, seeded by k; or as drawn for an epoch, seeded by k and the epoch."""
        split, name = job.split, seed("init", job.replicate, *names)
        return build(job.setting.model, split.classes, split.shape, name).to(self.how.device, self.how.dtype)

    def task(self, job: Job) -> Task:
        """Return the task that the method of a job is given before the first step."""
        device, dtype = self.how.device, self.how.dtype
        targets = one_hot(job.split.given.to(device), job.split.classes).to(dtype)
        return Task(targets, job.method.networks, job.facts(device, dtype))

    @torch.no_grad()
    def renew(self, slot: int, names: Collection[str]) -> None:
        """Reset parameters and buffers of these names to those of networks drawn for this epoch, and the optimiser."""
        runs = self.runs
        for k in range(len(runs["params"])):
            fresh = self.model(self.jobs[slot], k, self.epoch)
            for name, value in [*fresh.named_parameters(), *fresh.named_buffers()]:
                for kind in ("params", "buffers", "averaged") if name in names else ():
                    if runs[kind] is not None and name in runs[kind][k]:
                        # A copy: what a hook or `vmap` gave may be a view that other slots share.
                        runs[kind][k][name] = runs[kind][k][name].clone()
                        runs[kind][k][name][slot] = value
        for moment in (*self.moments.first, *self.moments.second):
            moment[slot] = 0
        self.begun[slot] = int(self.moments.steps)

    def state(self, slot: int, device: torch.device | None = None) -> State:
        """Return all that one run, or `Loop` in its place, needs to continue after the last epoch, as copies."""
        first, second, memory, carried = self._copied(
            [self.moments.first, self.moments.second, self.runs["memory"], self.runs["carried"]], slot, device
        )
        return {
            "networks": self.weights(slot, device),
            "epoch": self.epoch,
            "optimiser": optimisers.OptimiserState(first, second, self.moments.steps - self.begun[slot]),
            "memory": memory,
            "carried": carried,
            "history": self.history[slot],
            **self.past[slot].state(),
        }

    def weights(self, slot: int, device: torch.device | None = None) -> dict[str, Any]:
        """Return weights, buffers and averaged weights of one run, as copies."""
        params, buffers, averaged = self._copied(
            [self.runs["params"], self.runs["buffers"], self.runs["averaged"]], slot, device
        )
        both = [p | b for p, b in zip(params, buffers, strict=True)]
        return {"models": [{name: network[name] for name in self.saved} for network in both], "averaged": averaged}

    def _copied(self, tree: Any, slot: int, device: torch.device | None) -> Any:
        return mapped(lambda x: x[slot].to(device or x.device, copy=True), tree)

    def restore(self, states: Sequence[State]) -> None:
        """Continue from the states of all runs, after the same epoch."""
        to, runs = partial(mapped, lambda x: x.to(self.how.device)), self.runs
        networks = to(joined([state["networks"]["models"] for state in states]))
        for own, values in [*zip(runs["params"], networks, strict=True), *zip(runs["buffers"], networks, strict=True)]:
            own.update({name: values[name] for name in own if name in values})
        averaged = [state["networks"]["averaged"] for state in states]
        runs["averaged"] = None if averaged[0] is None else to(joined(averaged))
        runs["memory"] = to(joined([state["memory"] for state in states]))
        runs["carried"] = to(joined([state.get("carried", {}) for state in states]))  # older states carry none
        first, second = (to(joined([getattr(s["optimiser"], n) for s in states])) for n in ("first", "second"))
        steps = [state["optimiser"].steps for state in states]
        self.moments = optimisers.OptimiserState(first, second, max(steps))
        self.begun = [max(steps) - own for own in steps]
        self.epoch, self.history = states[0]["epoch"], [state["history"] for state in states]
        for past, state in zip(self.past, states, strict=True):
            past.restore(state)

    def keep(self, slots: Sequence[int]) -> None:
        """Keep some runs and forget the others."""
        self.jobs = [self.jobs[slot] for slot in slots]
        self.history = [self.history[slot] for slot in slots]
        self.past = [self.past[slot] for slot in slots]
        self.begun = [self.begun[slot] for slot in slots]
        rows = torch.tensor(slots, device=self.how.device)
        self.runs = mapped(lambda x: x[rows], self.runs)
        self.moments.first, self.moments.second = mapped(lambda x: x[rows], [self.moments.first, self.moments.second])


def mapped(change: Callable[[Tensor], Tensor], tree: Any) -> Any:
    """Change every tensor within lists and dicts; other values stay."""
    if isinstance(tree, Tensor):
        return change(tree)
    if isinstance(tree, dict):
        return {name: mapped(change, part) for name, part in tree.items()}
    return [mapped(change, part) for part in tree] if isinstance(tree, list) else tree


def joined(trees: Sequence[Any]) -> Any:
    """Join trees of equal structure into one, their tensors stacked along a new first axis."""
    first = trees[0]
    if isinstance(first, dict):
        return {name: joined([tree[name] for tree in trees]) for name in first}
    if isinstance(first, list):
        return [joined(list(parts)) for parts in zip(*trees, strict=True)]
    return torch.stack(list(trees))


def flat(params: Params) -> list[Tensor]:
    """Return the parameters of all networks in one list."""
    return [p for network in params for p in network.values()]


def norms(tensors: Sequence[Tensor]) -> list[float]:
    """Return the Euclidean norm of all numbers of each run."""
    found: list[float] = torch.stack([x.flatten(1).norm(dim=1) for x in tensors]).norm(dim=0).tolist()
    return found
