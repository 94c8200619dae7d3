"""Compute `graph` without a GPU: a tape of operations on fixed addresses stands in for the CUDA graph."""

import warnings
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

import pytest
import torch
from timm.models import register_model
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lnlbench.benchmark import fit, train
from lnlbench.benchmark.engine.capture import RECORDERS, ReplayError, check, settled
from lnlbench.benchmark.engine.cuda_graphs import GraphLoop
from lnlbench.benchmark.engine.device import Compute, ExecutionError
from lnlbench.benchmark.engine.stacking import graphs
from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import sweep
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods import methods, parse
from lnlbench.methods.base import HOOKS, Method, cross_entropy

FP64 = {"device": "cpu", "precision": "fp64"}
HOW = Compute(torch.device("cpu"), "fp64")
NAMES = [*methods(), "gce + sam + early_stopping", "dal + label_noise_sgd"]
STACKED = [name for name in NAMES if parse(name).stackable]
CLOSE = {"rtol": 0, "atol": 1e-11, "equal_nan": True}


def kind(text):
    """What a method has to do with the network: the hooks that are called, and itself where they see parameters."""
    method = parse(text)
    hooks = {name for name in HOOKS if method.answers(name)}
    itself = text if hooks & {"gradient", "average", "renew", "freeze"} else ""
    form = (method.networks, method.views, method.strong, method.ensemble, method.stackable)
    return (*form, *sorted(hooks), *sorted(method.told), itself)


UNLIKE = {kind(name): name for name in reversed(NAMES)}.values()
"""One of each kind: twenty losses of logits alone say the same of a convolution, of crops and of BatchNorm."""


class Tape(TorchDispatchMode):
    """Records a step as a CUDA graph does: its operations, their addresses, and every number that Python gave once.

    A replay runs no Python of ours. What reads a value on the host is refused, as on a GPU.
    """

    def __init__(self, device):
        super().__init__()
        self.calls = []

    def aside(self):
        return nullcontext()

    def record(self, take):
        with self:
            take()
        calls, self.calls = self.calls, []
        return lambda: self.replay(calls)

    @torch.no_grad()
    def replay(self, calls):
        for func, args, kwargs, kept in calls:
            for new, old in zip(tree_leaves(func(*args, **kwargs)), kept, strict=True):
                if isinstance(old, torch.Tensor) and new.data_ptr() != old.data_ptr():
                    old.copy_(new)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("operation not permitted when stream is capturing")
        found = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, tree_leaves(found)))
        return found


class Call:
    """Replays a step by taking it once more."""

    def __init__(self, device):
        pass

    def aside(self):
        return nullcontext()

    def record(self, take):
        return take


@pytest.fixture(params=[Tape])
def recorder(request, monkeypatch):
    """Let the CPU replay steps; another recorder than the tape where a test asks for one."""
    monkeypatch.setitem(RECORDERS, "cpu", request.param)


pytestmark = pytest.mark.usefixtures("recorder")


def replayed(job, state=None, how=HOW):
    """The epochs of one run, as `train` gives them."""
    run = GraphLoop(job, how)
    if state is not None:
        run.restore(state)
    while run.epoch < job.setting.epochs:
        epoch = run.advance()
        yield epoch
        if epoch.last:
            return


def numbers(epoch):
    """All that an epoch says but times and how it was executed."""
    found = asdict(replace(epoch, state=None, weights=None))
    for name in ("train_seconds", "evaluate_seconds", "stacked", "replayed"):
        del found[name]
    return {name: value for name, value in flattened(found) if value is not None}


def flattened(tree, path=""):
    if isinstance(tree, dict | list | tuple):
        for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from flattened(part, f"{path}.{key}")
    else:
        yield path, tree


def contents(state):
    """The tensors and numbers of a state."""
    plain = {**state, "optimiser": asdict(state["optimiser"]), "history": asdict(state["history"])}
    return {name: value for name, value in flattened(plain) if value is not None}


def same(ours, reference, **close):
    """Assert that two runs gave the same epochs, and ended in the same state."""
    assert len(ours) == len(reference)
    for mine, theirs in zip(ours, reference, strict=True):
        torch.testing.assert_close(numbers(mine), numbers(theirs), **CLOSE | close)
    torch.testing.assert_close(contents(ours[-1].state()), contents(reference[-1].state()), **CLOSE | close)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "model", "optimizer"),
    [*((name, "mlp", "adam") for name in NAMES), *((name, "cnn4", "sgd") for name in UNLIKE)],
)
def test_replayed_steps_equal_loop(job_of, text, model, optimizer):
    lr = 0.05 if optimizer == "sgd" else 0.005
    job = job_of(text, model=model, optimizer=optimizer, augment=model == "cnn4", lr=lr)
    found = list(replayed(job))
    assert all(epoch.replayed for epoch in found)
    same(found, list(fit(job, **FP64)))


@pytest.mark.parametrize("recorder", [Call], indirect=True)
@pytest.mark.parametrize("text", ["ce", "sam", "elr", "dividemix"])
def test_a_step_taken_once_more_equals_loop(job_of, text):
    job = job_of(text, model="cnn4", augment=True)
    same(list(replayed(job)), list(fit(job, **FP64)))


@pytest.fixture
def jobs_of(job_of, split_of):
    """Make eight jobs of a method, as many as pay on a CPU: two replicates times four learning rates."""

    def make(text, **changes):
        splits = [split_of(seed=replicate) for replicate in (0, 1)]
        changes = {"epochs": 2} | changes
        jobs = [job_of(text, splits[i % 2], i % 2, **changes) for i in range(8)]
        return [
            replace(job, setting=replace(job.setting, lr=job.setting.lr / (1 + i // 2))) for i, job in enumerate(jobs)
        ]

    return make


def together(jobs, **options):
    """Train jobs: the epochs of each, in the order of the jobs."""
    found = [[] for _ in jobs]
    for job, epoch in train(jobs, **{**FP64, "execution": "graph", **options}):
        next(mine for mine, one in zip(found, jobs, strict=True) if one is job).append(epoch)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("text", STACKED)
def test_replayed_stacks_equal_stacks(jobs_of, text):
    model = "cnn4" if text in UNLIKE else "mlp"
    jobs = jobs_of(text, model=model, optimizer="adam", augment=model == "cnn4", lr=0.005)
    for ours, reference in zip(together(jobs), together(jobs, execution="stack"), strict=True):
        assert all(epoch.replayed and epoch.stacked == 8 for epoch in ours)
        assert not any(epoch.replayed for epoch in reference)
        same(ours, reference)


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param({"optimizer": "nesterov", "grad_clip": 0.2}, id="nesterov, gradients cut"),
        pytest.param({"optimizer": "adamw", "lr": 0.005, "weight_decay": 0.1, "schedule": "one-cycle-30"}, id="adamw"),
    ],
)
def test_every_recipe_is_replayed(job_of, jobs_of, recipe):
    job = job_of("co_teaching", **recipe)
    found = list(replayed(job))
    assert all(epoch.replayed for epoch in found)
    same(found, list(fit(job, **FP64)))
    jobs = jobs_of("ce", **recipe)
    for ours, reference in zip(together(jobs), together(jobs, execution="stack"), strict=True):
        assert all(epoch.replayed and epoch.stacked == 8 for epoch in ours)
        same(ours, reference)


# What methods may do that none of ours does, or few.


@dataclass(frozen=True)
class Averaging(Method):
    """Evaluates a running mean, and draws for it."""

    decay: float = 0.8

    def average(self, params, averaged, clock):
        share = self.decay * clock.random.uniform([])
        return [{n: share * a[n] + (1 - share) * p[n] for n in p} for p, a in zip(params, averaged, strict=True)]


@dataclass(frozen=True)
class Watching(Method):
    """Weighs samples by what an exact pass says of them; remembers something more from the second epoch on."""

    scale: float = 0.5

    def start(self, task):
        return {"weight": task.targets.new_ones(task.networks, len(task.targets))}

    def observe(self, record, clock):
        noise = clock.random.uniform([len(record.loss.T)])
        weight = self.scale * record.memory["weight"] + (-record.loss).exp() + noise
        return {"weight": weight, "before": record.memory["weight"].clone()}

    def loss(self, logits, batch, clock):
        return batch.memory["weight"] * cross_entropy(logits, batch.targets)


@dataclass(frozen=True)
class Mixing(Method):
    """Mixes each input with another; draws three times, the last time within `loss`."""

    share: float = 0.7

    def perturb(self, batch, clock):
        other = clock.random.uniform([len(batch.index)]).argsort()
        inputs = self.share * batch.inputs + (1 - self.share) * batch.inputs[other]
        return replace(batch, inputs=inputs + 0.1 * clock.random.normal(inputs.shape))

    def loss(self, logits, batch, clock):
        return cross_entropy(logits, batch.targets) * clock.random.integers(3, [len(batch.index)])


@pytest.mark.parametrize(
    "method", [Averaging(), Watching(), Mixing()], ids=["average", "memory that is made anew", "inputs change"]
)
def test_hooks_that_no_registered_method_answers(job_of, jobs_of, method):
    job = job_of(method, model="cnn4", epochs=4)
    same(list(replayed(job)), list(fit(job, **FP64)))
    jobs = jobs_of(method, epochs=3)
    for ours, reference in zip(together(jobs), together(jobs, execution="stack"), strict=True):
        same(ours, reference)


class Exploding(Method):
    """Is not a number from the second step on."""

    def loss(self, logits, batch, clock):
        return 1e300 * cross_entropy(logits, batch.targets)


def test_a_run_that_diverges(job_of):
    job = job_of(Exploding(), epochs=4)
    found, reference = list(replayed(job)), list(fit(job, **FP64))
    assert [epoch.diverged for epoch in found] == [epoch.diverged for epoch in reference] == [True]
    assert found[0].replayed


def test_both_precisions_agree_with_loop_as_far_as_they_can(job_of):
    for precision, close in (("fp32", 1e-4), ("bf16", 5e-2)):
        job = job_of("gce + sam", model="cnn4", epochs=2)
        how = Compute(torch.device("cpu"), precision)
        for ours, reference in zip(replayed(job, how=how), fit(job, device="cpu", precision=precision), strict=True):
            assert ours.replayed and ours.loss == pytest.approx(reference.loss, rel=close)


class Rounding(Method):
    """Looks at what torch may round."""

    seen: ClassVar[list[str]] = []

    def loss(self, logits, batch, clock):
        self.seen += [torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision]
        return cross_entropy(logits, batch.targets)


def test_no_float32_product_is_recorded_in_tf32(job_of, jobs_of):
    before = torch.backends.cudnn.conv.fp32_precision
    Rounding.seen.clear()
    for jobs in ([job_of(Rounding())], jobs_of(Rounding())):
        assert all(epoch.replayed for run in together(jobs, precision="fp32") for epoch in run)
    assert set(Rounding.seen) == {"ieee"} and torch.backends.cudnn.conv.fp32_precision == before


# Going on from a state, and what makes a record void.


@pytest.mark.slow
@pytest.mark.parametrize("text", ["elr", "co_teaching", "label_noise_sgd", "ema", "mixup"])
def test_either_execution_goes_on_where_the_other_ended(job_of, text):
    job = job_of(text, model="cnn4", augment=True, epochs=4, optimizer="adam", lr=0.005)
    whole = list(fit(job, **FP64))
    for first, second in ((replayed, fit), (fit, replayed), (replayed, replayed)):
        begun = first(job, **{} if first is replayed else FP64)
        next(begun)
        state = next(begun).state()
        next(begun)  # what the run does from here on must not reach the state
        same(list(second(job, state=state, **{} if second is replayed else FP64)), whole[2:])


@dataclass(frozen=True)
class Ending(Method):
    """Stops after an epoch where told to."""

    until: float = 99.0

    def stop(self, history):
        return len(history.loss) >= self.until


def test_a_stack_that_gives_up_idle_slots_is_recorded_anew(jobs_of):
    jobs = jobs_of(Ending(), epochs=4)
    for i in (0, 2, 3, 5, 6):
        jobs[i] = replace(jobs[i], method=replace(jobs[i].method, parts=(Ending(until=1.0),)))
    found, reference = together(jobs), together(jobs, execution="stack")
    assert [epoch.stacked for epoch in found[1]] == [8, 3, 3, 3]
    for ours, theirs in zip(found, reference, strict=True):
        assert all(epoch.replayed for epoch in ours)
        for epochs in zip(ours, theirs, strict=True):  # the state of a slot that was given up is gone
            torch.testing.assert_close(*map(numbers, epochs), **CLOSE)


def test_epochs_too_short_to_compare_are_trained_step_by_step(job_of):
    job = job_of("elr", batch_size=24)
    found = list(replayed(job))
    assert not any(epoch.replayed for epoch in found)
    same(found, list(fit(job, **FP64)))


# What cannot be replayed.


class Looking(Method):
    """Looks at a value."""

    name = "looking"

    def loss(self, logits, batch, clock):
        return cross_entropy(logits, batch.targets) * (2.0 if logits.detach().sum().item() > 0 else 1.0)


class Counting(Method):
    """Counts in Python, where a replay does not come by."""

    name = "counting"
    steps = 0

    def loss(self, logits, batch, clock):
        type(self).steps += 1
        return cross_entropy(logits, batch.targets) * self.steps


class Moody(Method):
    """Draws other numbers from the second epoch on."""

    name = "moody"

    def loss(self, logits, batch, clock):
        numbers = clock.random.uniform if clock.epoch.item() > 0 else clock.random.normal
        return cross_entropy(logits, batch.targets) * numbers([1]).square()


@register_model
def mlp_that_drops(pretrained=False, *, num_classes, in_chans, img_size, **_):
    """Half of the pixels at a time."""
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(in_chans * img_size**2, num_classes))


@pytest.mark.parametrize(
    ("method", "model", "reason"),
    [
        pytest.param(
            Looking(),
            "mlp",
            r"looking cannot be replayed .*RuntimeError: operation not permitted .*\(\S+\.py:\d+\)$",
            id="item",
        ),
        pytest.param(Moody(), "mlp", "moody cannot be replayed .*RuntimeError: operation not permitted", id="draws"),
        pytest.param("ce", "mlp_that_drops", "ce cannot be replayed .*ReplayError: the network draws", id="dropout"),
    ],
)
def test_what_cannot_be_recorded_is_trained_step_by_step_with_one_warning(job_of, method, model, reason):
    job = job_of(method, model=model)
    with pytest.warns(UserWarning, match=reason) as told:
        found = list(replayed(job))
    assert len(told) == 1 and not any(epoch.replayed for epoch in found)
    same(found, list(fit(job, **FP64)))


def test_a_step_that_is_recorded_wrongly_is_noticed(job_of):
    with pytest.warns(UserWarning, match="counting cannot be replayed .*ReplayError: after 2 replayed steps"):
        assert not any(epoch.replayed for epoch in replayed(job_of(Counting())))


def test_check_compares_with_how_far_tensors_went():
    def tensors(value):
        return {"weights": [torch.tensor([1.0, float("nan"), value], dtype=torch.float64)]}

    check(tensors(2.0005), tensors(2.0), tensors(1.0), 1e-3)
    with pytest.raises(ReplayError, match=r"weights are 0\.002 off, having gone 1"):
        check(tensors(2.002), tensors(2.0), tensors(1.0), 1e-3)
    with pytest.raises(ReplayError):
        check({"weights": [torch.ones(3)]}, tensors(1.0), tensors(1.0), 1e-3)


def test_settled_keeps_the_tensors_of_what_is_alike():
    old = {"a": torch.zeros(2), "b": [torch.zeros(3)], "c": torch.zeros(1)}
    new = settled(old, {"a": torch.ones(2), "b": (torch.ones(3), None), "c": torch.ones(2), "d": True})
    assert new["a"] is old["a"] and old["a"].sum() == 2
    assert new["b"][0] is old["b"][0] and new["b"][1] is None
    assert new["c"] is not old["c"] and new["d"]


# Where it is asked for.


def test_only_a_device_with_graphs_has_the_execution(job_of, monkeypatch):
    monkeypatch.delitem(RECORDERS, "cpu")
    told = "execution 'graph' replays CUDA graphs, but the device is 'cpu'; it has: auto, loop, stack"
    with pytest.raises(ExecutionError, match=told):
        next(train([job_of()], execution="graph", **FP64))
    with pytest.raises(ExecutionError, match=told):
        sweep([], Options(device="cpu", execution="graph"))
    with pytest.raises(ExecutionError, match=told):
        grid(["digits"], "ce", "0", {}, Options(device="cpu", execution="graph"))


def test_auto_does_not_replay_before_a_gpu_has_shown_that_it_may():
    assert graphs("graph", Compute(torch.device("cuda"), "bf16"))
    assert not graphs("auto", Compute(torch.device("cuda"), "bf16"))


@pytest.mark.slow
@pytest.mark.parametrize("methods_", ["gce, sam", "dividemix"])
def test_a_sweep_with_full_diagnostics_gives_the_results_of_loop(tmp_path, url, methods_):
    found = []
    for execution, uri in (("graph", url), ("loop", f"sqlite:///{tmp_path / 'other.db'}")):
        options = Options(
            store=store_address(uri), execution=execution, diagnostics="full", checkpoint_every=1, device="cpu"
        )
        runs = grid(["digits/symmetric-0.4"], methods_, "0", {"epochs": 3}, options, precision="fp64")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert not sweep(runs, options).failed
        found.append([Store(uri).result(run.key) for run in runs])
    for ours, reference in zip(*found, strict=True):
        assert (ours.environment["execution"], reference.environment["execution"]) == ("graph", "loop")
        assert ours.predictions == reference.predictions
        for name, row in reference.curves.items():
            if "seconds" not in name:
                assert ours.curves[name] == pytest.approx(row, abs=1e-9, nan_ok=True), name
