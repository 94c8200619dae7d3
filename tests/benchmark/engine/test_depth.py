"""Parameters that begin anew or stay: by depth, against a loop of torch.optim's own, in both executions."""

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional

from lnlbench.benchmark import fit, train
from lnlbench.benchmark.engine.batches import draw_order
from lnlbench.benchmark.engine.depth import depths
from lnlbench.benchmark.engine.models import build
from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.methods import Composition, MethodError, parse
from lnlbench.methods.base import Method

CPU = torch.device("cpu")
FP64 = {"device": "cpu", "precision": "fp64"}


# Depth.


def stages_of(model, shape=(1, 8, 8), classes=10):
    """Return the names of the parameters and buffers of each stage, without their last part, in order of depth."""
    found = {}
    for name, depth in depths(build(model, classes, shape, 0)).items():
        found.setdefault(depth, {})[name.rpartition(".")[0]] = None
    count = len(found)
    assert sorted(found) == pytest.approx([(i + 1) / count for i in range(count)])
    return [list(found[depth]) for depth in sorted(found)]


def test_depth_of_our_networks():
    assert stages_of("mlp") == [["hidden.0"], ["head"]]
    assert stages_of("mlp3") == [["hidden.0"], ["hidden.2"], ["hidden.4"], ["head"]]
    assert stages_of("cnn4") == [["features.0", "features.1"], ["features.4", "features.5"], ["hidden"], ["head"]]
    assert stages_of("cnn_plain") == [["0"], ["2"], ["5"], ["9"], ["11"]]


@pytest.mark.parametrize("model", ["resnet18", "resnet34", "resnet50"])
def test_a_resnet_has_the_same_stages_however_many_blocks(model):
    found = stages_of(model, (3, 32, 32))
    assert len(found) == 6
    assert found[0] == ["conv1", "bn1"] and found[5] == ["fc"]
    for i in (1, 2, 3, 4):
        assert {name.partition(".")[0] for name in found[i]} == {f"layer{i}"}


def test_a_transformer_ends_with_its_head():
    found = stages_of("vit_tiny_patch16_224", (3, 32, 32))
    assert found[-1] == ["norm", "head"], "what follows the last that timm lists"
    assert {name.split(".")[1] for name in found[-2]} == {"11"}
    assert {name.partition(".")[0] for name in found[0]} == {"", "patch_embed", "blocks"}


def test_a_network_of_one_layer_is_its_own_head():
    assert set(depths(nn.Linear(3, 2)).values()) == {1.0}
    assert set(depths(nn.BatchNorm1d(3)).values()) == {1.0}


# Training.


@dataclass(frozen=True)
class Settling(Method):
    """From one epoch on the blocks up to a depth stay; in that epoch the deeper ones begin anew. Moves at the end."""

    begin: float = 2.0
    end: float = 4.0
    deep: float = 0.5

    def renew(self, depth, clock):
        return (clock.epoch == self.begin) & (depth > self.deep)

    def freeze(self, depth, clock):
        return (clock.epoch >= self.begin) & (clock.epoch < self.end) & (depth <= self.deep)


class Two(Settling):
    """The same with two networks."""

    networks = 2


def reference(job, method, count):
    """Train in float64 with torch.optim; yields after each epoch the weights and buffers of each network."""
    setting, split, first = job.setting, job.split, None
    begin, end, deep = method.begin, method.end, method.deep

    def drawn(*names):
        return build(setting.model, split.classes, split.shape, seed("init", job.replicate, *names)).double()

    def optimiser():
        params, rates = [p for m in models for p in m.parameters()], {"weight_decay": setting.weight_decay}
        if setting.optimizer == "adam":
            return torch.optim.Adam(params, lr=setting.lr, betas=(setting.momentum, 0.999), **rates)
        return torch.optim.SGD(params, lr=setting.lr, momentum=setting.momentum, **rates)

    models = [drawn(k) for k in range(count)]
    mean, std = (torch.tensor(x, dtype=torch.float64).view(-1, 1, 1) for x in (split.mean, split.std))
    first = optimiser()
    for epoch in range(setting.epochs):
        if epoch == begin:
            for k, model in enumerate(models):
                for name, value in drawn(k, epoch).state_dict().items():
                    if depths(model)[name] > deep:
                        model.state_dict()[name].copy_(value)
            first = optimiser()
        first.param_groups[0]["lr"] = setting.lr * (1 + math.cos(math.pi * epoch / setting.epochs)) / 2
        order = draw_order(len(split.given), setting.batch_size, False, CPU, job.replicate, epoch)
        for index in order.index:
            images, labels = (split.images[index].double() / 255 - mean) / std, split.given[index]
            first.zero_grad()
            for model in models:
                functional.cross_entropy(model.train()(images), labels).backward()
            held = [
                (p, p.detach().clone())
                for model in models
                for name, p in model.named_parameters()
                if begin <= epoch < end and depths(model)[name] <= deep
            ]
            first.step()
            with torch.no_grad():
                for p, value in held:
                    p.copy_(value)
        yield [{name: value.clone() for name, value in model.state_dict().items()} for model in models]


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("method", [Settling(), Two()], ids=["one network", "two"])
@pytest.mark.parametrize("model", ["mlp3", "cnn4"])
def test_equals_a_loop_that_copies_weights_and_makes_a_new_optimiser(job_of, method, model, optimizer):
    job = job_of(method, model=model, epochs=5, optimizer=optimizer, lr=0.05 if optimizer == "sgd" else 0.005)
    for expected, epoch in zip(reference(job, method, method.networks), fit(job, **FP64), strict=True):
        for ours, theirs in zip(epoch.state()["networks"]["models"], expected, strict=True):
            assert ours.keys() == theirs.keys()
            for name, value in theirs.items():
                assert torch.allclose(ours[name], value, rtol=0, atol=1e-11), (epoch.epoch, name)


def test_what_stays_keeps_every_bit_and_what_begins_anew_forgets(job_of):
    found = [
        epoch.state()["networks"]["models"][0] for epoch in fit(job_of(Settling(), model="cnn4", epochs=5), **FP64)
    ]
    where = depths(build("cnn4", 4, (1, 8, 8), 0))
    for name, depth in where.items():
        moved = [not torch.equal(a[name], b[name]) for a, b in pairwise(found)]
        buffer = "running" in name or "num_batches" in name
        assert moved == ([True] * 4 if depth > 0.5 or buffer else [True, False, False, True]), name
    batches = [x["features.1.num_batches_tracked"].item() for x in found]
    assert batches == [6 * (i + 1) for i in range(5)], "statistics of blocks that stay move on"


def test_statistics_of_blocks_that_begin_anew_do_too(job_of):
    method = Settling(deep=0.3)
    found = [epoch.state()["networks"]["models"][0] for epoch in fit(job_of(method, model="cnn4", epochs=5), **FP64)]
    assert [x["features.1.num_batches_tracked"].item() for x in found] == [6, 12, 18, 24, 30]
    assert [x["features.5.num_batches_tracked"].item() for x in found] == [6, 12, 6, 12, 18]


def test_nothing_begins_anew_before_the_first_epoch(job_of):
    plain, anew = (list(fit(job_of(m, epochs=2), **FP64)) for m in ("ce", Settling(begin=0.0, end=0.0)))
    assert [epoch.loss for epoch in plain] == [epoch.loss for epoch in anew]


@dataclass(frozen=True)
class Still(Settling):
    """Evaluates the weights after the first step, but for what begins anew."""

    def average(self, params, averaged, clock):
        return averaged


@pytest.mark.parametrize("execution", ["loop", "stack"])
def test_averaged_weights_begin_anew_too(job_of, execution):
    job = job_of(Still(), epochs=4, model="mlp3")
    found = [epoch.state()["networks"]["averaged"][0] for _, epoch in train([job], execution=execution, **FP64)]
    drawn = dict(build("mlp3", 4, (1, 8, 8), seed("init", 0, 0, 2)).double().named_parameters())
    for name, depth in depths(build("mlp3", 4, (1, 8, 8), 0)).items():
        assert torch.equal(found[1][name], found[0][name])
        assert torch.equal(found[2][name], drawn[name] if depth > 0.5 else found[1][name])
        assert torch.equal(found[3][name], found[2][name])


def test_either_has_one_owner():
    class Other(Settling):
        name = "other"

    class One(Settling):
        name = "one"

    with pytest.raises(MethodError, match="'one' and 'other' both answer `renew`"):
        Composition((One(), Other()))


# Stacks.


def settled(job_of, split_of, **changes):
    """Two replicates times two methods that begin anew in different epochs, one of them with averaged weights."""
    found = []
    for replicate in (0, 1):
        for begin, end, deep in ((1.0, 3.0, 0.3), (2.0, 4.0, 0.5)):
            ema = parse("ema(decay=0.9)").parts
            method = Composition((Settling(begin, end, deep), *ema))
            job = job_of("ce", split_of(seed=replicate), replicate, **{"epochs": 5, "model": "cnn4"} | changes)
            found.append(replace(job, method=method))
    return found


def numbers(epoch):
    """What an epoch leaves behind; its state is lent for as long as the run has not gone on."""
    state = epoch.state()
    tensors = [*state["optimiser"].first, *state["optimiser"].second]
    for networks in (state["networks"]["models"], state["networks"]["averaged"]):
        tensors += [value.double() for network in networks for _, value in sorted(network.items())]
    return state["optimiser"].steps, torch.cat([x.flatten() for x in tensors]), epoch.validation_accuracy


def same(ours, theirs):
    assert ours[0] == theirs[0] and ours[2] == pytest.approx(theirs[2])
    assert torch.allclose(ours[1], theirs[1], rtol=0, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(("optimizer", "lr"), [("sgd", 0.05), ("adam", 0.005)])
def test_runs_of_a_stack_begin_anew_when_each_of_them_does(job_of, split_of, optimizer, lr):
    jobs = settled(job_of, split_of, optimizer=optimizer, lr=lr)
    whole = {id(job): [numbers(epoch) for epoch in fit(job, **FP64)] for job in jobs}
    middle = {}
    for job, epoch in train(jobs, execution="stack", **FP64):
        assert epoch.stacked == 4
        same(numbers(epoch), whole[id(job)][epoch.epoch])
        if epoch.epoch == 2:
            middle[id(job)] = epoch.state()
    states = [middle[id(job)] for job in jobs]
    assert len({state["optimiser"].steps for state in states}) == 2, "they began at different steps"
    for execution in ("stack", "loop"):
        for job, epoch in train(jobs, execution=execution, states=states, **FP64):
            same(numbers(epoch), whole[id(job)][epoch.epoch])
