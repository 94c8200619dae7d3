"""The training loop against loops written out with torch.optim, in float64; resuming; what hooks are given."""

import copy
import io
import math
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import timm.optim
import torch
from timm.layers import DropPath
from timm.models import register_model
from torch import nn
from torch.nn import functional

from lnlbench.benchmark import fit, train
from lnlbench.benchmark.engine.batches import draw_order
from lnlbench.benchmark.engine.device import ExecutionError
from lnlbench.benchmark.engine.hook_draws import DrawError
from lnlbench.benchmark.engine.models import ModelError, build
from lnlbench.benchmark.engine.networks import Networks
from lnlbench.benchmark.engine.optimisers import OptimiserState, clipped
from lnlbench.benchmark.engine.stacking import check_optimiser
from lnlbench.benchmark.protocol.seeds import seed
from lnlbench.methods._errors import MethodError
from lnlbench.methods.base import History, Method, cross_entropy
from lnlbench.methods.early_stopping import EarlyStopping

CPU = torch.device("cpu")
FP64 = {"device": "cpu", "precision": "fp64"}
FP32 = {"device": "cpu", "precision": "fp32"}


# A loop that knows nothing of the engine but which samples come when, and the initial weights.


class Naive:
    """K networks in float64, trained with torch.optim on the batches of `draw_order`."""

    def __init__(self, job, networks=1):
        self.job, setting, split = job, job.setting, job.split
        names = ("init", job.replicate)
        self.models = [
            build(setting.model, split.classes, split.shape, seed(*names, k)).double() for k in range(networks)
        ]
        params = [p for model in self.models for p in model.parameters()]
        moments = {"lr": setting.lr, "weight_decay": setting.weight_decay}
        if setting.optimizer.startswith("timm:"):
            name = setting.optimizer.removeprefix("timm:")
            self.optimizer = timm.optim.create_optimizer_v2(params, name, momentum=setting.momentum, **moments)
        elif setting.optimizer.startswith("adam"):
            kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[setting.optimizer]
            self.optimizer = kind(params, betas=(setting.momentum, 0.999), **moments)
        else:
            ahead = setting.optimizer == "nesterov"
            self.optimizer = torch.optim.SGD(params, momentum=setting.momentum, nesterov=ahead, **moments)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, setting.epochs, setting.lr_min)
        self.lr = setting.lr

    def images(self, raw):
        mean, std = (
            torch.tensor(x, dtype=torch.float64).view(-1, 1, 1) for x in (self.job.split.mean, self.job.split.std)
        )
        return (raw.double() / 255 - mean) / std

    def batches(self, epoch):
        setting, split = self.job.setting, self.job.split
        order = draw_order(len(split.given), setting.batch_size, setting.augment, CPU, self.job.replicate, epoch)
        side = split.shape[-1]
        for step, index in enumerate(order.index):
            raw = split.images[index]
            if setting.augment:
                padded = functional.pad(raw, [4] * 4)
                crops = []
                for image, (top, left), flip in zip(padded, order.offset[step], order.flip[step], strict=True):
                    crop = image[:, top : top + side, left : left + side]
                    crops.append(crop.flip(-1) if flip else crop)
                raw = torch.stack(crops)
            yield index, self.images(raw), split.given[index]

    def epoch(self, epoch, step):
        """Train one epoch: `step(images, labels)` leaves the gradients in the parameters."""
        self.lr = self.optimizer.param_groups[0]["lr"]
        for model in self.models:
            model.train()
        for _, images, labels in self.batches(epoch):
            self.optimizer.zero_grad()
            step(images, labels)
            if self.job.setting.grad_clip:
                for model in self.models:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), self.job.setting.grad_clip)
            self.optimizer.step()
        self.scheduler.step()

    def predict(self, raw):
        with torch.no_grad():
            return torch.stack([model.eval()(self.images(raw)) for model in self.models])

    def check(self, epoch):
        """Parameters, buffers, evaluation and norms equal those of the engine."""
        split = self.job.split
        for model, found in zip(self.models, epoch.state()["networks"]["models"], strict=True):
            expected = model.state_dict()
            assert found.keys() == expected.keys()
            for name, value in expected.items():
                assert torch.allclose(found[name], value, rtol=0, atol=1e-12), name
        assert epoch.lr == pytest.approx(self.lr, abs=1e-15)
        votes = self.predict(split.validation_images).argmax(-1)
        assert epoch.validation_accuracy == pytest.approx((votes == split.validation_given).double().mean().item())
        assert torch.equal(epoch.predictions["test"].long(), self.predict(split.probes["test"]).argmax(-1))
        norms = [p.detach().norm() for model in self.models for p in model.parameters()]
        assert epoch.weight_norm == pytest.approx(torch.stack(norms).norm().item())


def accumulate(step):
    """Add the gradients of a loss to those of the parameters: what `backward` does, one network after another."""
    return lambda images, labels: step(images, labels).backward()


def equal(a, b):
    """The same structure with the same bits; NaN equals NaN."""
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a.nan_to_num(nan=1e9), b.nan_to_num(nan=1e9))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[name], b[name]) for name in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    if hasattr(a, "__dict__"):
        return type(a) is type(b) and equal(vars(a), vars(b))
    if isinstance(a, float) and math.isnan(a):  # the prediction changes of a first epoch
        return isinstance(b, float) and math.isnan(b)
    return a == b


def outcome(epochs):
    """All that epochs hold but times and the functions that give state and weights."""
    timed = ("train_seconds", "evaluate_seconds", "state", "weights")
    return [{name: value for name, value in vars(epoch).items() if name not in timed} for epoch in epochs]


@pytest.mark.parametrize(
    ("changes", "channels"),
    [
        pytest.param({"model": "mlp"}, 1, id="mlp sgd"),
        pytest.param({"model": "mlp", "optimizer": "adam", "lr": 0.01}, 1, id="mlp adam"),
        pytest.param({"model": "mlp", "optimizer": "nesterov"}, 1, id="mlp nesterov"),
        pytest.param({"model": "mlp", "optimizer": "nesterov", "weight_decay": 0.0}, 1, id="nesterov without decay"),
        pytest.param({"model": "mlp", "optimizer": "adamw", "lr": 0.01, "weight_decay": 0.1}, 1, id="mlp adamw"),
        pytest.param({"model": "mlp", "grad_clip": 0.3, "lr": 0.2}, 1, id="gradients cut"),
        pytest.param({"model": "apl_cnn4", "grad_clip": 5.0, "optimizer": "nesterov", "lr_min": 0.01}, 1, id="APL"),
        pytest.param({"model": "mlp", "optimizer": "timm:lamb", "lr": 0.05}, 1, id="lamb of timm's"),
        pytest.param({"model": "mlp", "optimizer": "timm:rmsprop", "lr": 0.002}, 1, id="rmsprop of timm's"),
        pytest.param({"model": "cnn4", "augment": True}, 3, id="cnn4 sgd, crop and flip"),
        pytest.param({"model": "cnn4", "optimizer": "adam", "lr": 0.01}, 1, id="cnn4 adam"),
        pytest.param(
            {"model": "mlp", "momentum": 0.0, "weight_decay": 0.0, "batch_size": 10}, 1, id="plain, remainder"
        ),
    ],
)
def test_cross_entropy_equals_torch_optim(job_of, split_of, changes, channels):
    job = job_of(split=split_of(channels=channels), replicate=3, **{"epochs": 4} | changes)
    naive = Naive(job)
    steps = 0

    def step(images, labels):
        nonlocal steps
        steps += 1
        return functional.cross_entropy(naive.models[0](images), labels)

    for epoch in fit(job, **FP64):
        naive.epoch(epoch.epoch, accumulate(step))
        naive.check(epoch)
    assert epoch.epoch == 3 and steps >= 16
    assert epoch.distance > 0.1, "the weights must have moved for this to say anything"


def test_gradients_are_cut_network_by_network_as_torch_does():
    networks = [{"a": torch.randn(3, 4).double(), "b": scale * torch.randn(5).double()} for scale in (0.1, 30.0)]
    found = clipped(networks, 4.0)
    for network, ours in zip(networks, found, strict=True):
        params = [torch.nn.Parameter(torch.zeros_like(g)) for g in network.values()]
        for p, g in zip(params, network.values(), strict=True):
            p.grad = g.clone()
        torch.nn.utils.clip_grad_norm_(params, 4.0)
        for p, g in zip(params, ours.values(), strict=True):
            torch.testing.assert_close(g, p.grad)
    assert clipped(networks, 0.0) is networks


def test_each_of_two_networks_has_its_gradients_cut(job_of):
    """Of co-teaching, whose networks take steps of their own: at a bound that only cuts, both move by as much."""
    job = job_of("co_teaching", epochs=1, momentum=0.0, weight_decay=0.0, grad_clip=1e-3, schedule="constant")
    (epoch,) = fit(job, **FP64)
    assert epoch.distance == pytest.approx(0.05 * 1e-3 * 6 * 2**0.5, rel=0.6)


@pytest.mark.parametrize("execution", ["stack", "graph"])
def test_an_optimiser_of_timms_is_refused_where_it_cannot_run(job_of, execution):
    job = job_of(optimizer="timm:lamb")
    with pytest.raises(ExecutionError, match="takes the optimisers sgd, nesterov, adam, adamw; timm:lamb trains in"):
        check_optimiser(execution, job.setting.optimizer)
    with pytest.raises(ModelError, match=r"unknown optimiser 'timm:lambda'; did you mean 'lamb\w*'\? known to timm"):
        next(train([job_of(optimizer="timm:lambda")], **FP64))
    assert [epoch.stacked for _, epoch in train([job] * 9, **FP64)] == [0] * 27, "alone, whatever auto would do"


def test_constant_schedule(job_of):
    assert [epoch.lr for epoch in fit(job_of(schedule="constant"), **FP32)] == [0.05] * 3


def test_online_numbers_are_from_before_each_update(job_of):
    job = job_of(epochs=1)
    naive, expected = Naive(job), []

    def step(images, labels):
        losses = functional.cross_entropy(naive.models[0](images), labels, reduction="none")
        expected.append(losses.detach())
        return losses.mean()

    naive.epoch(0, accumulate(step))
    (epoch,) = fit(job, **FP64)
    order = torch.cat([index for index, _, _ in naive.batches(0)])
    assert torch.equal(epoch.online.index, order)
    assert torch.allclose(epoch.online.loss[0], torch.cat(expected), rtol=0, atol=1e-12)
    assert torch.allclose(epoch.online.residual[0], 1 - (-torch.cat(expected)).exp(), rtol=0, atol=1e-12)
    assert epoch.loss == pytest.approx(torch.stack([part.mean() for part in expected]).mean().item())
    assert epoch.online.weight is None


def test_exact_numbers_are_from_after_the_epoch_without_augmentation(job_of):
    job = job_of(epochs=5, augment=True, model="cnn4")
    epochs, naive = [], Naive(job)
    for epoch in fit(job, **FP64):
        epochs.append(epoch)
        naive.epoch(
            epoch.epoch, accumulate(lambda images, labels: functional.cross_entropy(naive.models[0](images), labels))
        )
        if epoch.exact is not None:
            logits = naive.predict(job.split.images)[0]
            assert torch.equal(epoch.exact.index, torch.arange(48))
            losses = functional.cross_entropy(logits, job.split.given, reduction="none")
            assert torch.allclose(epoch.exact.loss[0], losses, rtol=0, atol=1e-11)
            assert torch.equal(epoch.exact.prediction[0], logits.argmax(-1))
    assert [epoch.exact is not None for epoch in epochs] == [True, True, False, True, True], (
        "after 1, 2, 4 and the last"
    )


# SAM: what the second pass shares with the first one, and what it must leave alone.


def sharpness_aware(naive, rho, weigh=torch.ones_like):
    """Return the step of SAM, written out; the second pass keeps the weights of the first and BatchNorm as it was."""
    model = naive.models[0]

    def step(images, labels):
        losses = functional.cross_entropy(model(images), labels, reduction="none")
        weight = weigh(losses.detach())
        ((weight * losses).sum() / weight.sum().clamp(min=1)).backward()
        norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
        kept, start = copy.deepcopy(dict(model.named_buffers())), [p.detach().clone() for p in model.parameters()]
        with torch.no_grad():
            for p in model.parameters():
                p += rho * p.grad / (norm + 1e-12)
        naive.optimizer.zero_grad()
        losses = functional.cross_entropy(model(images), labels, reduction="none")
        ((weight * losses).sum() / weight.sum().clamp(min=1)).backward()
        with torch.no_grad():
            for p, value in zip(model.parameters(), start, strict=True):
                p.copy_(value)
            for name, buffer in model.named_buffers():
                buffer.copy_(kept[name])

    return step


def smallest(count):
    """Return the weights of the `count` samples of smallest loss."""
    return lambda losses: torch.zeros_like(losses).index_fill(0, losses.argsort(stable=True)[:count], 1)


@pytest.mark.parametrize(
    ("method", "weigh"),
    [
        pytest.param("sam(rho=0.5)", lambda epoch: torch.ones_like, id="batch norm moves once"),
        pytest.param(
            "small_loss(forget=2.4, ramp=0.02) + sam(rho=5.0)",
            lambda epoch: smallest(8 if epoch == 0 else 4),  # τ = 2.4 · 0.25, and 0.4 · 8 rounded up
            id="the first call selects for both",
        ),
    ],
)
def test_sam_equals_two_passes_written_out(job_of, method, weigh):
    job = job_of(method, model="cnn4", epochs=3)
    naive = Naive(job)
    for epoch in fit(job, **FP64):
        naive.epoch(epoch.epoch, sharpness_aware(naive, 5.0 if "small" in method else 0.5, weigh(epoch.epoch)))
        naive.check(epoch)
        buffers = epoch.state()["networks"]["models"][0]
        assert buffers["features.1.num_batches_tracked"] == 6 * (epoch.epoch + 1)
        assert (epoch.forward, epoch.backward) == (2.0, 2.0)


def test_sam_without_radius_is_cross_entropy_bit_for_bit(job_of):
    runs = [list(fit(job_of(method, model="cnn4"), **FP32)) for method in ("ce", "sam(rho=0)")]
    for a, b in zip(*runs, strict=True):
        assert equal(a.state()["networks"], b.state()["networks"])
        assert (a.loss, a.validation_accuracy, a.forward) == (b.loss, b.validation_accuracy, b.forward / 2)


@dataclass(frozen=True)
class Remembering(Method):
    """Remembers the logits; its loss leans on what is remembered."""

    def start(self, task):
        return {"seen": torch.zeros(task.networks, *task.targets.shape, dtype=task.targets.dtype)}

    def remember(self, logits, batch, clock):
        return {"seen": batch.memory["seen"] + logits}

    def loss(self, logits, batch, clock):
        return cross_entropy(logits, batch.targets) * batch.memory["seen"].square().sum(-1)


@dataclass(frozen=True)
class Twice(Method):
    """Asks for the gradient twice at the same place; keeps what it got."""

    got: ClassVar[list] = []

    def gradient(self, grads_at, params, batch, clock):
        first, second = grads_at(params), grads_at([{n: p.detach().clone() for n, p in net.items()} for net in params])
        self.got.append((first, second))
        return first


def test_a_second_call_remembers_nothing_and_sees_what_the_first_remembered(job_of):
    Twice.got.clear()
    job = job_of(epochs=1, batch_size=48)
    job = replace(job, method=replace(job.method, parts=(Remembering(), Twice())))
    (epoch,) = fit(job, **FP64)
    logits = Networks("mlp", 1, 4, (1, 8, 8), 0, how()).predict([Naive(job).images(job.split.images)])
    assert torch.allclose(epoch.state()["memory"]["seen"], logits, rtol=0, atol=1e-12)
    ((first, second),) = Twice.got
    assert equal(first, second) and first[0]["head.bias"].abs().sum() > 0


def how():
    from lnlbench.benchmark.engine.device import choose_compute

    return choose_compute("cpu", "fp64")


# Two networks.


def test_co_teaching_trains_each_network_on_the_choice_of_the_other(job_of):
    job = job_of("co_teaching(forget=1.6, ramp=0.02)", model="cnn4", epochs=3)
    naive = Naive(job, networks=2)
    disagreements = 0

    def step(images, labels):
        nonlocal disagreements
        losses = [functional.cross_entropy(model(images), labels, reduction="none") for model in naive.models]
        choices = [set(row.detach().argsort()[:kept].tolist()) for row in losses]
        disagreements += choices[0] != choices[1]
        for row, choice in zip(losses, reversed(choices), strict=True):
            row[sorted(choice)].mean().backward()

    for epoch in fit(job, **FP64):
        kept = 8 if epoch.epoch == 0 else 5  # τ = 1.6 · 0.25, and 0.6 · 8 rounded up
        naive.epoch(epoch.epoch, step)
        naive.check(epoch)
        assert epoch.online.weight.shape == (2, 48)
        assert epoch.online.weight.sum(-1).tolist() == [6.0 * kept] * 2
        assert (epoch.forward, epoch.backward) == (2.0, 2.0)
        assert torch.equal(
            epoch.ensemble["test"].long(), naive.predict(job.split.probes["test"]).softmax(-1).mean(0).argmax(-1)
        )
    assert disagreements > 3, "without them the exchange would not show"


# Going on from a state.


@dataclass(frozen=True)
class Averaging(Method):
    """Evaluates an average of the weights."""

    def average(self, params, averaged, clock):
        return [{n: 0.8 * a[n] + 0.2 * p[n] for n in p} for p, a in zip(params, averaged, strict=True)]


@dataclass(frozen=True)
class Watching(Method):
    """Weighs each sample by how it was predicted before the epoch."""

    seen: ClassVar[list] = []

    def start(self, task):
        return {"weight": torch.ones(task.networks, len(task.targets), dtype=task.targets.dtype)}

    def observe(self, record, clock):
        self.seen.append(record)
        return {"weight": 0.5 + 0.5 * (-record.loss).exp()}

    def loss(self, logits, batch, clock):
        return batch.memory["weight"] * cross_entropy(logits, batch.targets)


RESUMED = [
    pytest.param("ce", {"model": "cnn4", "augment": True}, id="ce"),
    pytest.param("elr", {}, id="elr: memory"),
    pytest.param("co_teaching", {}, id="co_teaching: two networks"),
    pytest.param("small_loss + sam", {"model": "cnn4"}, id="sam"),
    pytest.param("ce", {"optimizer": "adam", "lr": 0.01}, id="adam"),
    pytest.param("label_noise_sgd(p=0.3)", {}, id="label_noise_sgd: random numbers"),
    pytest.param("dal", {}, id="dal: schedule"),
    pytest.param("ce", {"model": "with_dropout"}, id="dropout"),
    pytest.param(Averaging(), {"model": "cnn4"}, id="averaged weights"),
    pytest.param(Watching(), {}, id="observed memory"),
    pytest.param("ce", {"optimizer": "timm:lamb"}, id="an optimiser of timm's"),
    pytest.param("ce", {"optimizer": "adamw", "grad_clip": 0.5, "schedule": "warmup-3-cosine"}, id="adamw, a warm-up"),
]


def saved(state):
    """The state after a journey through a file, read by the restricted loader."""
    file = io.BytesIO()
    torch.save(state, file)
    with torch.serialization.safe_globals([OptimiserState, History]):
        return torch.load(io.BytesIO(file.getvalue()), weights_only=True)


@pytest.mark.parametrize(
    "carry", [pytest.param(lambda state: state, id="in memory"), pytest.param(saved, id="from a file")]
)
@pytest.mark.parametrize(("method", "changes"), RESUMED)
def test_a_resumed_run_is_the_uninterrupted_one(job_of, method, changes, carry):
    job = job_of(method, **{"epochs": 5} | changes)
    whole, state = [], None
    for epoch in fit(job, **FP32):
        whole.append(epoch)
        if epoch.epoch == 1:
            state = epoch.state()  # a copy: what the run does from here on must not reach it
    resumed = list(fit(job, state=carry(state), **FP32))
    assert [epoch.epoch for epoch in resumed] == [2, 3, 4]
    assert equal(outcome(whole[2:]), outcome(resumed))
    assert equal(whole[-1].state(), resumed[-1].state())


@pytest.mark.parametrize("execution", ["loop", "stack"])
@pytest.mark.parametrize("method", ["ce", "co_teaching", "ema"])
def test_the_weights_are_those_of_the_state_and_copies(job_of, method, execution):
    kept = []
    for _, epoch in train([job_of(method, epochs=2, model="cnn4")], execution=execution, **FP32):
        kept.append((epoch.state()["networks"], epoch.weights()))
    assert all(equal(state, weights) for state, weights in kept), "the first ones too, when training has gone on"
    assert not equal(kept[0][1], kept[1][1])


def test_a_state_can_be_used_twice(job_of):
    job = job_of("elr")
    state = next(fit(job, **FP32)).state()
    first, second = (list(fit(job, state=state, **FP32)) for _ in range(2))
    assert equal(outcome(first), outcome(second))


def test_a_finished_run_has_nothing_to_go_on_with(job_of):
    *_, last = fit(job_of(), **FP32)
    assert list(fit(job_of(), state=last.state(), **FP32)) == []


# The end of training.


def test_a_diverging_run_says_so_and_ends(job_of):
    epochs = list(fit(job_of(epochs=20, lr=100.0, weight_decay=1.0, momentum=0.99), **FP32))
    assert len(epochs) < 20
    assert [epoch.diverged for epoch in epochs] == [False] * (len(epochs) - 1) + [True]
    assert not (math.isfinite(epochs[-1].loss) and math.isfinite(epochs[-1].weight_norm))


def test_a_method_stops_the_run(job_of):
    job = job_of("early_stopping(patience=0.1)", epochs=20, lr=0.5)
    epochs = list(fit(job, **FP32))
    curve = [epoch.validation_accuracy for epoch in epochs]
    assert len(curve) < 20 and not epochs[-1].diverged
    waited = [epoch - curve.index(max(curve[: epoch + 1])) for epoch in range(len(curve))]
    assert waited[-1] == 2 and max(waited[:-1]) < 2
    host = [epoch.validation_accuracy for epoch in fit(job_of(epochs=20, lr=0.5), **FP32)]
    assert len(host) == 20 and host[: len(curve)] == curve
    assert job.method.report(epochs[-1].history) == len(curve) - 3


@dataclass(frozen=True)
class Selecting(Method):
    """Keeps nothing."""

    def select(self, losses, logits, batch, clock):
        return torch.zeros_like(losses)


def test_a_batch_of_which_nothing_counts_changes_nothing(job_of):
    epochs = list(fit(job_of(Selecting(), weight_decay=0.0), **FP32))
    assert [(epoch.loss, epoch.distance, epoch.diverged) for epoch in epochs] == [(0.0, 0.0, False)] * 3
    assert epochs[0].online.loss.min() > 0 and epochs[0].online.weight.sum() == 0


def test_the_caller_may_stop_iterating(job_of):
    run = fit(job_of(), **FP32)
    assert next(run).epoch == 0
    run.close()


def test_the_caller_may_cancel_a_job(job_of):
    job, epochs = job_of(), []
    for epoch in fit(job, **FP32):
        epochs.append(epoch.epoch)
        if epoch.epoch == 1:
            job.cancel()
    assert epochs == [0, 1]


def test_train_is_fit_of_one_job_after_another(job_of):
    jobs = [job_of(replicate=i, epochs=2) for i in range(2)]
    found = list(train(jobs, **FP32))
    assert [(job is jobs[0], epoch.epoch) for job, epoch in found] == [(True, 0), (True, 1), (False, 0), (False, 1)]
    assert equal(outcome([epoch for _, epoch in found[2:]]), outcome(fit(jobs[1], **FP32)))
    assert found[0][1].loss != found[2][1].loss


# Randomness.


class Random(nn.Module):
    """A network with randomness of its own."""

    def __init__(self, pixels, classes, layer):
        super().__init__()
        self.hidden, self.layer, self.head = nn.Linear(pixels, 32), layer, nn.Linear(32, classes)

    def forward(self, images):
        return self.head(self.layer(self.hidden(images.flatten(1)).relu().unsqueeze(-1)).squeeze(-1))


@register_model
def with_dropout(pretrained=False, *, num_classes, in_chans, **_):
    return Random(in_chans * 64, num_classes, nn.Dropout(0.5))


@register_model
def with_channel_dropout(pretrained=False, *, num_classes, in_chans, **_):
    return Random(in_chans * 64, num_classes, nn.Dropout1d(0.5))


@register_model
def with_drop_path(pretrained=False, *, num_classes, in_chans, **_):
    return Random(in_chans * 64, num_classes, DropPath(0.5))


RANDOM = ["with_dropout", "with_channel_dropout", "with_drop_path"]


@pytest.mark.parametrize("model", RANDOM)
def test_both_passes_of_a_step_share_their_dropout_masks(job_of, model):
    Twice.got.clear()
    assert len(list(fit(job_of(Twice(), model=model, epochs=1), **FP32))) == 1
    assert len(Twice.got) == 6
    assert all(equal(first, second) for first, second in Twice.got)


@pytest.mark.parametrize("model", RANDOM)
def test_dropout_masks_differ_between_steps_and_belong_to_the_run(job_of, split_of, model):
    masks = []

    class Peeking(Method):
        def loss(self, logits, batch, clock):
            masks.append(logits.detach().clone())
            return 0 * logits.sum(-1)

    split = split_of()
    split = replace(split, images=split.images[:1].expand_as(split.images))
    job = job_of(Peeking(), split, model=model, epochs=2, batch_size=24, weight_decay=0.0)
    for state in (1, 2):
        torch.manual_seed(state)
        list(fit(job, **FP32))
    # The weights never move and all images are the same: nothing but the masks can differ.
    assert equal(masks[:4], masks[4:]), "the caller's random state must not matter"
    assert len({mask.sum().item() for mask in masks[:4]}) == 4


@pytest.mark.parametrize("model", ["mlp", *RANDOM])
def test_the_random_state_of_the_caller_is_left_alone(job_of, model):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    for _ in fit(job_of("label_noise_sgd + sam", model=model), **FP32):
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(torch.get_rng_state(), before)


@dataclass(frozen=True)
class Drawing(Method):
    """Keeps what it draws, and when."""

    drawn: ClassVar[list] = []
    times: ClassVar[list] = []

    def perturb(self, batch, clock):
        self.drawn.append((clock.random.uniform([8]), clock.random.integers(5, [2]), clock.random.normal([3])))
        self.times.append(tuple(x.item() for x in (clock.epoch, clock.epochs, clock.step, clock.progress)))
        return batch


def test_draws_and_clock_do_not_depend_on_where_training_is_resumed(job_of):
    Drawing.drawn.clear()
    Drawing.times.clear()
    job = job_of(Drawing(), epochs=4)
    run = fit(job, **FP32)
    next(run)
    state = next(run).state()
    list(run)
    whole, times = Drawing.drawn[:], Drawing.times[:]
    assert len(whole) == 24
    assert times == [(step // 6, 4, step, step // 6 / 4) for step in range(24)]
    Drawing.drawn.clear()
    Drawing.times.clear()
    list(fit(job, state=state, **FP32))
    assert equal(whole[12:], Drawing.drawn) and times[12:] == Drawing.times
    assert len({float(uniform.sum()) for uniform, _, _ in whole}) == 24, "every step draws anew"


def test_both_passes_of_a_step_draw_the_same_numbers(job_of):
    drawn = []

    class Tired(Twice):
        def perturb(self, batch, clock):
            clock.random.uniform([3])
            return batch

        def loss(self, logits, batch, clock):
            drawn.append(clock.random.uniform([8]))
            return drawn[-1] * cross_entropy(logits, batch.targets)

    list(fit(job_of(Tired(), epochs=1), **FP32))
    assert len(drawn) == 12 and equal(drawn[::2], drawn[1::2])
    assert len({float(numbers.sum()) for numbers in drawn}) == 6


def test_every_hook_draws_its_own_numbers(job_of):
    """Only the loss, asked twice, draws the same twice: what other hooks draw before, between and behind is theirs."""
    drawn = {}

    def draw(hook, clock):
        drawn.setdefault(hook, []).append(clock.random.uniform([1]))

    class Restless(Twice):
        def perturb(self, batch, clock):
            draw("perturb", clock)
            return batch

        def remember(self, logits, batch, clock):
            draw("remember", clock)
            return {}

        def loss(self, logits, batch, clock):
            draw("loss", clock)
            return cross_entropy(logits, batch.targets)

        def select(self, losses, logits, batch, clock):
            draw("select", clock)
            return torch.ones_like(losses)

        def gradient(self, grads_at, params, batch, clock):
            draw("before", clock)
            grads_at(params)
            draw("between", clock)
            grads = grads_at([{n: p.detach().clone() for n, p in net.items()} for net in params])
            draw("behind", clock)
            return grads

        def average(self, params, averaged, clock):
            draw("average", clock)
            return params

    list(fit(job_of(Restless(), epochs=1), **FP32))
    losses = drawn.pop("loss")
    assert equal(losses[::2], losses[1::2])
    every = [number.item() for numbers in (losses[::2], *drawn.values()) for number in numbers]
    assert len(every) == len(set(every)) == 6 * 8


def test_numbers_that_another_step_did_not_draw_are_refused(job_of):
    class Moody(Method):
        def loss(self, logits, batch, clock):
            random = clock.random
            scale = random.uniform([1]) if int(clock.step) % 2 else random.normal([1])
            return scale * cross_entropy(logits, batch.targets)

    with pytest.raises(DrawError, match=r"draw 1 of a step was normal\(\(1,\)\) before, and is uniform"):
        list(fit(job_of(Moody(), epochs=1), **FP32))


# What hooks are given.


def test_averaged_weights_are_evaluated_and_the_trained_ones_go_on(job_of):
    job = job_of(Averaging(), model="cnn4", epochs=2)
    naive = Naive(job)
    averaged = None

    def keep():
        nonlocal averaged
        now = [p.detach().clone() for p in naive.models[0].parameters()]
        before = averaged or now
        averaged = [0.8 * a + 0.2 * p for a, p in zip(before, now, strict=True)]

    naive.optimizer.register_step_post_hook(lambda *_: keep())
    for epoch in fit(job, **FP64):
        naive.epoch(
            epoch.epoch, accumulate(lambda images, labels: functional.cross_entropy(naive.models[0](images), labels))
        )
        trained = [p.detach().clone() for p in naive.models[0].parameters()]
        state = epoch.state()["networks"]
        for name, p in naive.models[0].named_parameters():
            assert torch.allclose(state["models"][0][name], p, rtol=0, atol=1e-12)
        shadow = copy.deepcopy(naive)
        with torch.no_grad():
            for p, value in zip(shadow.models[0].parameters(), averaged, strict=True):
                p.copy_(value)
        assert torch.equal(epoch.predictions["test"].long(), shadow.predict(job.split.probes["test"]).argmax(-1))
        losses = functional.cross_entropy(shadow.predict(job.split.images)[0], job.split.given, reduction="none")
        assert torch.allclose(epoch.exact.loss[0], losses, rtol=0, atol=1e-11)
        assert not torch.allclose(trained[0], averaged[0])


@pytest.mark.parametrize("training", [True, False])
def test_a_guess_may_ask_the_averaged_weights(job_of, training):
    asked = []

    class Erased(Method):
        def guess(self, predict, batch, clock):
            asked.append([predict(batch.inputs, training, averaged) for averaged in (False, True)])
            return batch

        def average(self, params, averaged, clock):
            return [{name: torch.zeros_like(p) for name, p in network.items()} for network in params]

    list(fit(job_of(Erased(), epochs=1), device="cpu", precision="fp64"))
    (first, same), *later = asked
    assert torch.equal(first, same), "before the first step there is no average"
    assert later and all(trained.any() and not averaged.any() for trained, averaged in later)


@pytest.mark.parametrize("averaged", [True, False])
def test_a_guess_moves_batchnorms_statistics_where_it_says_so(job_of, averaged):
    """As a pass in training mode without gradient does in PyTorch; the averaged weights have none of their own."""

    @dataclass(frozen=True)
    class Passing(Method):
        commit: bool = False

        def guess(self, predict, batch, clock):
            predict(torch.zeros_like(batch.inputs), averaged=averaged, commit=self.commit)
            return batch

    def means(method):
        (*_, last) = fit(job_of(method, model="cnn4", epochs=1), device="cpu", precision="fp64")
        state = last.state()["networks"]["models"][0]
        return torch.cat([value for name, value in state.items() if name.endswith("running_mean")])

    plain, passing, moved = (means(method) for method in (Method(), Passing(), Passing(commit=True)))
    assert torch.equal(plain, passing) and torch.equal(plain, moved) is averaged


def test_observe_gets_an_exact_record_before_every_epoch_but_the_first(job_of):
    Watching.seen.clear()
    job = job_of(Watching(), model="cnn4", augment=True)
    naive, weight = Naive(job), torch.ones(48, dtype=torch.float64)
    epochs = []
    for epoch in fit(job, **FP64):
        epochs.append(epoch)
        if epoch.epoch:
            record = Watching.seen[epoch.epoch - 1]
            logits = naive.predict(job.split.images)[0]
            losses = functional.cross_entropy(logits, job.split.given, reduction="none")
            assert torch.allclose(record.loss[0], losses, rtol=0, atol=1e-11)
            assert torch.equal(record.prediction[0], logits.argmax(-1))
            weight = 0.5 + 0.5 * (-losses).exp()
        model = naive.models[0].train()
        naive.lr = naive.optimizer.param_groups[0]["lr"]
        for index, images, labels in naive.batches(epoch.epoch):
            naive.optimizer.zero_grad()
            (weight[index] * functional.cross_entropy(model(images), labels, reduction="none")).mean().backward()
            naive.optimizer.step()
        naive.scheduler.step()
        naive.check(epoch)
    assert len(Watching.seen) == 2
    assert [epoch.forward for epoch in epochs] == [1.0, 2.0, 2.0], "the pass is charged to the method"
    assert [epoch.backward for epoch in epochs] == [1.0, 1.0, 1.0]


@dataclass(frozen=True)
class Mixing(Method):
    """Mixes each input, and its label, with another."""

    def perturb(self, batch, clock):
        other = clock.random.uniform([len(batch.index)]).argsort()
        inputs = 0.7 * batch.inputs + 0.3 * batch.inputs[other]
        return replace(batch, inputs=inputs, targets=0.7 * batch.targets + 0.3 * batch.targets[other])


def test_where_the_inputs_change_the_probe_replaces_the_online_numbers(job_of):
    job = job_of(Mixing(), epochs=3)
    for epoch in fit(job, **FP64):
        assert torch.equal(epoch.online.loss, epoch.exact.loss)
        assert torch.equal(epoch.online.index, torch.arange(48))
        naive = Naive(job)
        naive.models[0].load_state_dict(epoch.state()["networks"]["models"][0])
        losses = functional.cross_entropy(naive.predict(job.split.images)[0], job.split.given, reduction="none")
        assert torch.allclose(epoch.online.loss[0], losses, rtol=0, atol=1e-11)


def test_where_the_targets_change_the_online_numbers_are_against_the_given_labels(job_of):
    (noisy,) = fit(job_of("label_noise_sgd(p=1.0)", epochs=1, batch_size=48), **FP64)
    (plain,) = fit(job_of(epochs=1, batch_size=48), **FP64)
    assert torch.allclose(noisy.online.loss, plain.online.loss, rtol=0, atol=1e-12)
    assert noisy.loss != plain.loss


@dataclass(frozen=True)
class Told(Method):
    """Declares what it must know."""

    told: ClassVar[tuple] = ("noise_rate",)
    tasks: ClassVar[list] = []

    def start(self, task):
        self.tasks.append(task)
        return {}


def test_a_method_is_told_what_it_declares_and_nothing_else(job_of):
    Told.tasks.clear()
    facts = {"noise_rate": 0.25, "transition_matrix": torch.eye(4)}
    next(fit(job_of(Told(), told=facts), **FP32))
    (task,) = Told.tasks
    assert dict(task.told) == {"noise_rate": torch.tensor(0.25)}
    assert torch.equal(task.targets.argmax(-1), job_of().split.given) and task.targets.sum() == 48
    assert task.networks == 1


def test_float_fields_are_tensors_while_a_method_works(job_of):
    @dataclass(frozen=True)
    class Typed(Method):
        share: float = 0.5
        count: int = 3
        kinds: ClassVar[list] = []

        def loss(self, logits, batch, clock):
            self.kinds.append((type(self.share), self.share.dtype, type(self.count)))
            return cross_entropy(logits, batch.targets)

    next(fit(job_of(Typed()), **FP64))
    assert set(Typed.kinds) == {(torch.Tensor, torch.float64, int)}


def test_history_holds_one_value_per_epoch(job_of):
    epochs = list(fit(job_of(), **FP32))
    for number, epoch in enumerate(epochs):
        assert epoch.history.epochs == 3
        assert list(epoch.history.validation) == [e.validation_accuracy for e in epochs[: number + 1]]
        assert list(epoch.history.loss) == [e.loss for e in epochs[: number + 1]]
    assert EarlyStopping(patience=0.1).report(epochs[-1].history) in range(3)


def test_networks_may_see_different_inputs(job_of):
    class Blind(Method):
        networks = 2

        def perturb(self, batch, clock):
            return replace(batch, inputs=torch.stack([batch.inputs, torch.zeros_like(batch.inputs)]))

    job = job_of(epochs=1)
    method = replace(job.method, parts=(Blind(),))
    (epoch,) = fit(replace(job, method=method), **FP32)
    moved = [
        (next(iter(state.values())) - next(build("mlp", 4, (1, 8, 8), seed("init", 0, k)).parameters())).abs().max()
        for k, state in enumerate(epoch.state()["networks"]["models"])
    ]
    assert moved[0] > 1e-3 > moved[1], "no gradient reaches weights behind an input of zeros, only weight decay"


@pytest.mark.parametrize("execution", ["loop", "stack"])
@pytest.mark.parametrize(
    ("dims", "what"), [((0, 1), "one number"), ((1,), r"a tensor of shape \(1,\)")], ids=["mean of all", "means"]
)
def test_a_loss_of_no_sample_is_refused(job_of, execution, dims, what):
    @dataclass(frozen=True)
    class Mean(Method):
        def loss(self, logits, batch, clock):
            return cross_entropy(logits, batch.targets).mean(dims)

    with pytest.raises(MethodError, match=f"^`loss` returns {what}: return the loss of each sample"):
        list(train([job_of(Mean(), epochs=1, replicate=i) for i in range(2)], device="cpu", execution=execution))


@pytest.mark.parametrize("execution", ["loop", "stack"])
@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param(lambda losses: None, "None: return the loss of each sample", id="nothing"),
        pytest.param(lambda losses: [losses], "no tensor but list: return the loss", id="a list"),
        pytest.param(torch.Tensor.detach, "what does not depend on the logits, or was detached", id="detached"),
        pytest.param(torch.zeros_like, "what does not depend on the logits, or was detached", id="constant"),
    ],
)
def test_a_loss_without_a_gradient_is_refused(job_of, execution, change, what):
    @dataclass(frozen=True)
    class Lost(Method):
        def loss(self, logits, batch, clock):
            return change(cross_entropy(logits, batch.targets))

    with pytest.raises(MethodError, match=f"^`loss` returns {what}"):
        list(train([job_of(Lost(), epochs=1, replicate=i) for i in range(2)], device="cpu", execution=execution))
