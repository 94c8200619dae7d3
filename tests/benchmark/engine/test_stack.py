"""Compute `stack` against `loop`: the same numbers for every method, whatever becomes of the neighbours."""

import time
from dataclasses import dataclass, fields, replace

import pytest
import torch
from timm.models import register_model
from torch import nn

from lnlbench.benchmark import fit, train
from lnlbench.benchmark.engine.device import Compute, ExecutionError
from lnlbench.benchmark.engine.stacking import stacks
from lnlbench.methods import Composition, methods, parse
from lnlbench.methods.base import HOOKS, Method, cross_entropy

FP64 = {"device": "cpu", "precision": "fp64"}
STACK = {"execution": "stack", **FP64}
NAMES = [*(name for name in methods() if parse(name).stackable), "gce + sam + early_stopping", "dal + label_noise_sgd"]
CLOSE = 1e-11
TIMED = ("train_seconds", "evaluate_seconds", "state", "weights", "stacked")


def kind(text):
    """What a method has to do with the network: the hooks that are called, and itself where they see parameters."""
    method = parse(text)
    hooks = {name for name in HOOKS if method.answers(name)}
    itself = text if hooks & {"gradient", "average", "renew", "freeze"} else ""
    form = (method.networks, method.views, method.strong, method.ensemble, method.stackable)
    return (*form, *sorted(hooks), *sorted(method.told), itself)


UNLIKE = {kind(name): name for name in reversed(NAMES)}.values()
"""One of each kind: twenty losses of logits alone say the same of a convolution, of crops and of BatchNorm."""


def other(method):
    """The method with all its floats moved a little, inside their ranges; what is no float is one of the stack."""
    parts = []
    for part in method.parts:
        moved = {}
        for name, span in part.space().items():
            value = getattr(part, name)
            if isinstance(value, float) and (span.choices is not None or span.high is not None):
                moved[name] = span.choices[-1] if span.choices is not None else value + 0.1 * (span.high - value)
        parts.append(replace(part, **moved))
    return replace(method, parts=tuple(parts))


@pytest.fixture
def jobs_of(job_of, split_of):
    """Make four jobs of a method: two replicates, each with data of its own, times two settings of every number."""

    def make(text, **changes):
        found = []
        for replicate in (0, 1):
            job = job_of(text, split_of(seed=replicate), replicate, **{"epochs": 2} | changes)
            setting = replace(job.setting, lr=job.setting.lr / 2, weight_decay=0.0, momentum=0.5, schedule="constant")
            found += [job, replace(job, setting=setting, method=other(job.method))]
        return found

    return make


def together(jobs, **options):
    """Train a stack: the epochs of each job, in the order of the jobs."""
    found = [[] for _ in jobs]
    for job, epoch in train(jobs, **{**STACK, **options}):
        next(mine for mine, one in zip(found, jobs, strict=True) if one is job).append(epoch)
    return found


def same(a, b, path="", close=CLOSE):
    """Assert that two values are equal, numbers within a tolerance (relative above one), times apart."""
    if isinstance(a, torch.Tensor):
        assert a.shape == b.shape and a.dtype == b.dtype, path
        assert torch.allclose(a, b, rtol=close, atol=close, equal_nan=True), (path, (a - b).abs().max())
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), path
        for name in a:
            same(a[name], b[name], f"{path}.{name}", close)
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), path
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            same(x, y, f"{path}[{i}]", close)
    elif hasattr(a, "__dict__") and not callable(a):
        assert type(a) is type(b), path
        same(
            {n: v for n, v in vars(a).items() if n not in TIMED},
            {n: v for n, v in vars(b).items() if n not in TIMED},
            path,
            close,
        )
    elif isinstance(a, float):
        assert a == pytest.approx(b, rel=close, abs=close, nan_ok=True), path
    else:
        assert a == b, path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "model", "optimizer", "lr"),
    [*((name, "mlp", "adam", 0.005) for name in NAMES), *((name, "cnn4", "sgd", 0.05) for name in UNLIKE)],
)
def test_stack_equals_loop(jobs_of, text, model, optimizer, lr):
    jobs = jobs_of(text, model=model, optimizer=optimizer, augment=model == "cnn4", lr=lr)
    for job, found in zip(jobs, together(jobs), strict=True):
        assert {epoch.stacked for epoch in found} == {4}
        for ours, reference in zip(found, fit(job, **FP64), strict=True):
            same(reference, ours)
        same(reference.state(), ours.state())


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param({"optimizer": "nesterov"}, id="nesterov"),
        pytest.param({"optimizer": "adamw", "lr": 0.005, "weight_decay": 0.1}, id="adamw"),
        pytest.param({"grad_clip": 0.2, "lr": 0.3}, id="gradients cut"),
        pytest.param({"schedule": "warmup-1-cosine", "lr_min": 0.01, "epochs": 3}, id="a warm-up, a least rate"),
        pytest.param({"schedule": "one-cycle-30", "epochs": 5}, id="one cycle"),
        pytest.param({"model": "apl_cnn4", "grad_clip": 5.0, "optimizer": "nesterov"}, id="APL"),
    ],
)
@pytest.mark.parametrize("text", ["ce", "sam", "co_teaching"])
def test_stack_equals_loop_in_every_recipe(jobs_of, text, recipe):
    jobs = jobs_of(text, **{"model": "mlp"} | recipe)
    for job, found in zip(jobs, together(jobs), strict=True):
        assert {epoch.stacked for epoch in found} == {4}
        for ours, reference in zip(found, fit(job, **FP64), strict=True):
            same(reference, ours)
        same(reference.state(), ours.state())


# What methods may do that none of ours does.


@dataclass(frozen=True)
class Averaging(Method):
    """Evaluates a running mean, and draws for it."""

    decay: float = 0.8

    def average(self, params, averaged, clock):
        share = self.decay * clock.random.uniform([])
        return [{n: share * a[n] + (1 - share) * p[n] for n in p} for p, a in zip(params, averaged, strict=True)]


@dataclass(frozen=True)
class Watching(Method):
    """Weighs samples by what an exact pass says of them."""

    scale: float = 0.5

    def start(self, task):
        return {"weight": task.targets.new_ones(task.networks, len(task.targets))}

    def observe(self, record, clock):
        noise = clock.random.uniform([len(record.loss.T)])
        return {"weight": self.scale * record.memory["weight"] + (-record.loss).exp() + noise}

    def loss(self, logits, batch, clock):
        return batch.memory["weight"] * cross_entropy(logits, batch.targets)


@dataclass(frozen=True)
class Mixing(Method):
    """Mixes each input, and its label, with another; draws three times, the last time within `loss`."""

    share: float = 0.7

    def perturb(self, batch, clock):
        other = clock.random.uniform([len(batch.index)]).argsort()
        inputs = self.share * batch.inputs + (1 - self.share) * batch.inputs[other]
        inputs = inputs + 0.1 * clock.random.normal(inputs.shape)
        return replace(batch, inputs=inputs)

    def loss(self, logits, batch, clock):
        return cross_entropy(logits, batch.targets) * clock.random.integers(3, [len(batch.index)])


@dataclass(frozen=True)
class Apart(Method):
    """Shows two networks different inputs."""

    networks = 2
    scale: float = 0.5

    def perturb(self, batch, clock):
        return replace(batch, inputs=torch.stack([batch.inputs, self.scale * batch.inputs]))


@dataclass(frozen=True)
class Restless(Method):
    """Draws in every hook, and asks for two gradients, at weights that it moves at random between them."""

    scale: float = 0.1

    def start(self, task):
        return {"noise": task.targets.new_zeros(task.networks, len(task.targets))}

    def remember(self, logits, batch, clock):
        return {"noise": batch.memory["noise"] + clock.random.normal([len(batch.index)])}

    def loss(self, logits, batch, clock):
        numbers = clock.random.uniform([len(batch.index)]) + self.scale * batch.memory["noise"]
        return cross_entropy(logits, batch.targets) * numbers

    def select(self, losses, logits, batch, clock):
        return clock.random.uniform([len(batch.index)]).expand_as(losses)

    def gradient(self, grads_at, params, batch, clock):
        scale = self.scale * clock.random.uniform([])
        first = grads_at(params)
        move = scale * clock.random.normal([])
        moved = [{n: p.detach() + move * g[n] for n, p in net.items()} for net, g in zip(params, first, strict=True)]
        return grads_at(moved)

    def average(self, params, averaged, clock):
        share = clock.random.uniform([])
        return [{n: share * a[n] + (1 - share) * p[n] for n in p} for p, a in zip(params, averaged, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [Averaging(), Watching(), Mixing(), Apart(), Restless()],
    ids=["average", "observe", "inputs change", "inputs differ", "every hook draws"],
)
def test_hooks_that_no_registered_method_answers(jobs_of, method):
    jobs = jobs_of(method, model="cnn4", epochs=3)
    jobs[1::2] = [
        replace(job, method=replace(job.method, parts=(replace(method, **{fields(method)[0].name: 0.3}),)))
        for job in jobs[1::2]
    ]
    for job, found in zip(jobs, together(jobs), strict=True):
        for ours, reference in zip(found, fit(job, **FP64), strict=True):
            same(reference, ours)
        same(reference.state(), ours.state())


def test_a_second_draw_in_the_loss_is_that_of_the_first_call(jobs_of):
    jobs = jobs_of(Mixing(), epochs=2)
    sam = parse("sam(rho=0.5)").parts
    jobs = [replace(job, method=replace(job.method, parts=(*job.method.parts, *sam))) for job in jobs]
    for job, found in zip(jobs, together(jobs), strict=True):
        same(list(fit(job, **FP64)), found)


def counting(period):
    """Return a method that counts the passes that it is given, and wants one before each so manieth epoch."""

    class Counting(Method):
        name = f"every_{period}"

        def start(self, task):
            return {self.name: task.targets.new_zeros(task.networks, len(task.targets))}

        def due(self, epoch, epochs):
            return epoch % period == 0

        def observe(self, record, clock):
            return {self.name: record.memory[self.name] + 1}

    return Counting()


def test_a_pass_that_another_part_wants_is_not_observed(jobs_of):
    jobs = [replace(job, method=Composition((counting(2), counting(3)))) for job in jobs_of("ce", epochs=6)]
    for job, found in zip(jobs, together(jobs), strict=True):
        *_, last = fit(job, **FP64)
        for epoch in (last, found[-1]):
            counts = {name: set(rows.flatten().tolist()) for name, rows in epoch.state()["memory"].items()}
            assert counts == {"every_2": {2}, "every_3": {1}}
        assert last.forward == found[-1].forward == 1


# What becomes of the neighbours.


@dataclass(frozen=True)
class Fragile(Method):
    """Cross-entropy times a number; stops after an epoch where told to."""

    scale: float = 1.0
    until: float = 99.0

    def loss(self, logits, batch, clock):
        return self.scale * cross_entropy(logits, batch.targets)

    def stop(self, history):
        return len(history.loss) >= self.until


@pytest.mark.parametrize("model", ["mlp", "cnn4"])
def test_neighbours_that_diverge_stop_or_are_cancelled_change_no_bit(job_of, split_of, model):
    def jobs(*methods):
        return [job_of(m, split_of(seed=i % 2), i % 2, model=model, epochs=4) for i, m in enumerate(methods)]

    calm = together(jobs(*[Fragile()] * 7), precision="fp32")
    members = jobs(Fragile(), Fragile(scale=1e30), Fragile(), Fragile(until=2.0), Fragile(), Fragile(), Fragile())
    wild = [[] for _ in members]
    for job, epoch in train(members, device="cpu", precision="fp32", execution="stack"):
        place = next(i for i, one in enumerate(members) if one is job)
        wild[place].append(epoch)
        if place == 5 and epoch.epoch == 1:
            job.cancel()
    assert [len(found) for found in wild] == [4, 1, 4, 2, 4, 2, 4]
    assert wild[1][0].diverged and wild[1][0].last and wild[3][-1].last and not wild[5][-1].last
    for place in (0, 2, 4, 6):
        assert {epoch.stacked for epoch in wild[place]} == {7}
        same(calm[place], wild[place], close=0)
        same(calm[place][-1].state(), wild[place][-1].state(), close=0)


def test_idle_slots_are_given_up_when_they_are_half_of_all(job_of, split_of):
    jobs = [job_of(Fragile(until=1.0 + (i == 3) * 9), split_of(seed=i), i, model="cnn4", epochs=4) for i in range(5)]
    found = together(jobs)
    assert [len(epochs) for epochs in found] == [1, 1, 1, 4, 1]
    assert [epoch.stacked for epoch in found[3]] == [5, 1, 1, 1]
    same(list(fit(jobs[3], **FP64)), found[3])


def test_a_job_that_was_cancelled_before_is_not_trained(jobs_of):
    jobs = jobs_of("ce")
    jobs[2].cancel()
    assert [len(epochs) for epochs in together(jobs)] == [2, 2, 0, 2]
    assert [len(epochs) for epochs in together(jobs, execution="loop")] == [2, 2, 0, 2]


# Going on from a state.


@pytest.mark.slow
@pytest.mark.parametrize("text", ["elr", "co_teaching", "label_noise_sgd"])
def test_either_execution_goes_on_where_the_other_ended(jobs_of, text):
    jobs = jobs_of(text, model="cnn4", epochs=3, optimizer="adam", lr=0.005)
    whole = [list(fit(job, **FP64)) for job in jobs]
    for first, second in (("stack", "loop"), ("loop", "stack"), ("stack", "stack")):
        states = {}
        for job, epoch in train(jobs, execution=first, **FP64):
            if epoch.epoch == 0:
                states[id(job)] = epoch.state()
        rest = together(jobs, execution=second, states=[states[id(job)] for job in jobs])
        for mine, reference in zip(rest, whole, strict=True):
            same(reference[1:], mine)


def test_jobs_that_begin_at_different_epochs_do_not_share_a_stack(jobs_of):
    jobs = jobs_of("ce")
    state = next(fit(jobs[0], **FP64)).state()
    found = together(jobs, states=[state, None, None, None])
    assert [len(epochs) for epochs in found] == [1, 2, 2, 2]
    assert [epochs[-1].stacked for epochs in found] == [1, 3, 3, 3]


# Memory that does not suffice, and what cannot be stacked.


@dataclass(frozen=True)
class Hungry(Method):
    """Runs out of memory at certain calls of `loss`, counted from 1."""

    scale: float = 1.0
    when: tuple = ()
    error: type = torch.OutOfMemoryError

    def loss(self, logits, batch, clock):
        CALLS.append(1)
        if len(CALLS) in self.when:
            raise self.error("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return self.scale * cross_entropy(logits, batch.targets)


CALLS: list[int] = []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("when", "error", "slots"),
    [
        pytest.param((1,), torch.OutOfMemoryError, [[2, 2, 2]] * 4, id="in the first step"),
        pytest.param((9,), RuntimeError, [[4, 2, 2]] * 4, id="in the second epoch"),
        pytest.param((9, 10), MemoryError, [[4, 1, 1]] * 2 + [[4, 2, 2]] * 2, id="and again in a half"),
        pytest.param((18,), torch.OutOfMemoryError, [[4, 4, 2]] * 4, id="in the last epoch"),
    ],
)
def test_a_stack_that_does_not_fit_goes_on_in_halves(jobs_of, when, error, slots):
    CALLS.clear()
    jobs = jobs_of(Hungry(when=when, error=error), epochs=3)
    found = together(jobs)
    assert [[epoch.stacked for epoch in epochs] for epochs in found] == slots
    CALLS.clear()
    calm = [replace(job, method=replace(job.method, parts=(Hungry(),))) for job in jobs]
    for job, epochs in zip(calm, found, strict=True):
        same(list(fit(job, **FP64)), epochs)


@pytest.mark.slow
def test_one_run_that_does_not_fit_is_an_error(jobs_of):
    CALLS.clear()
    with pytest.raises(torch.OutOfMemoryError):
        together(jobs_of(Hungry(when=(1, 2, 3))))


class Modest(Method):
    """Says that it cannot be stacked: it looks at a value."""

    stackable = False

    def loss(self, logits, batch, clock):
        return cross_entropy(logits, batch.targets) * (2.0 if logits.detach().sum().item() > 0 else 1.0)


class Boastful(Modest):
    """Says nothing, and fails."""

    name = "boastful"
    stackable = True


@register_model
def mlp_with_dropout(pretrained=False, *, num_classes, in_chans, img_size, **_):
    """Half of the pixels at a time."""
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(in_chans * img_size**2, num_classes))


@pytest.mark.parametrize(
    ("method", "model"), [(Modest(), "mlp"), ("ce", "mlp_with_dropout")], ids=["method says so", "dropout"]
)
def test_what_cannot_be_stacked_is_trained_run_by_run(jobs_of, method, model):
    jobs = jobs_of(method, model=model)
    for job, epochs in zip(jobs, together(jobs), strict=True):
        assert {epoch.stacked for epoch in epochs} == {0}
        same(list(fit(job, **FP64)), epochs, close=0)


class Moody(Method):
    """Draws other numbers in its second epoch, by a branch on the clock."""

    def loss(self, logits, batch, clock):
        numbers = clock.random.uniform if clock.epoch > 0 else clock.random.normal
        return cross_entropy(logits, batch.targets) * numbers([1]).square()


def test_a_method_that_draws_other_numbers_in_another_epoch_is_trained_run_by_run(jobs_of):
    jobs = jobs_of(Moody())
    with pytest.warns(UserWarning, match="cannot be stacked.*DrawError: draw 1 of a step was normal"):
        found = together(jobs)
    for job, epochs in zip(jobs, found, strict=True):
        same(list(fit(job, **FP64)), epochs)


def test_a_method_that_fails_in_a_stack_is_trained_run_by_run_with_a_warning(jobs_of):
    jobs = jobs_of(Boastful())
    with pytest.warns(UserWarning, match="boastful.* cannot be stacked.*RuntimeError"):
        found = together(jobs)
    for job, epochs in zip(jobs, found, strict=True):
        same(list(fit(job, **FP64)), epochs)


def test_only_what_agrees_shares_a_stack(job_of, split_of):
    names = ("sam", "sam(adaptive=True)", "sam(rho=0.3)", "gce", "sam")
    jobs = [job_of(text, epochs=1) for text in names]
    jobs += [job_of("sam", epochs=1, **change) for change in ({"batch_size": 12}, {"model": "cnn4"}, {"lr": 0.5})]
    jobs.append(job_of("sam", split_of(samples=40), epochs=1))
    assert [epochs[0].stacked for epochs in together(jobs)] == [4, 1, 4, 1, 4, 1, 1, 4, 1]
    assert [epochs[0].stacked for epochs in together(jobs, slots=2)] == [2, 1, 2, 1, 2, 1, 1, 2, 1]


def test_the_executions(jobs_of):
    jobs = jobs_of("ce", epochs=1)
    assert {epochs[0].stacked for epochs in together(jobs, execution="loop")} == {0}
    assert {epochs[0].stacked for epochs in together(jobs, execution="auto")} == {0}, "four do not pay on a CPU"
    assert {epochs[0].stacked for epochs in together(jobs + jobs_of("ce", epochs=1), execution="auto")} == {8}
    assert {epochs[0].stacked for epochs in together(jobs[:1])} == {1}
    with pytest.raises(ExecutionError, match="unknown execution 'stak'; did you mean 'stack'"):
        together(jobs, execution="stak")


@pytest.mark.parametrize(
    ("model", "shape", "device", "expected"),
    [
        ("mlp", (1, 28, 28), "cuda", True),
        ("cnn4", (1, 28, 28), "cuda", True),
        ("resnet18", (3, 32, 32), "cuda", False),
        ("mlp", (1, 8, 8), "cpu", True),
        ("mlp", (1, 28, 28), "cpu", False),
        ("cnn4", (1, 28, 28), "cpu", False),
    ],
)
def test_auto_stacks_where_a_step_is_small_for_the_device(job_of, model, shape, device, expected):
    job, how = job_of(model=model, batch_size=128), Compute(torch.device(device), "fp32")
    assert stacks("auto", how, job.setting, job.method, 10, shape) is expected
    assert stacks("stack", how, job.setting, job.method, 10, shape)
    assert not stacks("loop", how, job.setting, job.method, 10, shape)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_other_precisions_agree_as_far_as_they_can(jobs_of, precision):
    jobs = jobs_of("gce + sam", model="cnn4", epochs=1)
    for job, (ours,) in zip(jobs, together(jobs, precision=precision), strict=True):
        (reference,) = fit(job, device="cpu", precision=precision)
        assert ours.loss == pytest.approx(reference.loss, rel=1e-4 if precision == "fp32" else 3e-2)
        assert ours.distance == pytest.approx(reference.distance, rel=1e-3 if precision == "fp32" else 0.1)


def test_the_time_of_a_stack_is_shared(jobs_of):
    begin = time.perf_counter()
    found = together(jobs_of("ce"))
    spent = time.perf_counter() - begin
    for epochs in zip(*found, strict=True):
        assert len({(epoch.train_seconds, epoch.evaluate_seconds) for epoch in epochs}) == 1
    assert 0 < sum(epoch.train_seconds + epoch.evaluate_seconds for mine in found for epoch in mine) <= spent
