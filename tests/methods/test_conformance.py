"""What every registered method must hold, and two compositions: new methods are tested here by being there."""

import inspect
import itertools
import re
from dataclasses import fields, replace

import pytest
import torch
from torch.nn import functional

from lnlbench.benchmark import Job, Split, fit
from lnlbench.benchmark.settings import setting
from lnlbench.methods import Batch, Clock, Task, methods, parse
from lnlbench.methods.base import HOOKS

NAMES = [*methods(), "gce + sam + early_stopping", "dal + label_noise_sgd"]
CHANCE = 0.1
CPU = torch.device("cpu")
MATRIX = 0.6 * torch.eye(10) + 0.4 / 9 * (1 - torch.eye(10))
TOLD = {"noise_rate": torch.tensor(0.4), "transition_matrix": MATRIX, "clean_validation": torch.zeros(5).long()}


@pytest.fixture(scope="module")
def digits():
    """Digits with 40 % of the labels wrong: split, true test labels."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = torch.tensor(found.images * 15.9).to(torch.uint8).unsqueeze(1)
    labels = torch.tensor(found.target)
    source = torch.Generator().manual_seed(0)
    order = torch.randperm(len(labels), generator=source)
    images, labels = images[order], labels[order]
    wrong = torch.rand(len(labels), generator=source) < 0.4
    given = torch.where(wrong, (labels + torch.randint(1, 10, labels.shape, generator=source)) % 10, labels)
    parts = (images[:1200], given[:1200], images[1200:1400], given[1200:1400])
    return Split(*parts, classes=10, mean=(0.3,), std=(0.37,), probes={"test": images[1400:]}), labels[1400:]


def epochs_of(text, split, epochs=12):
    told = {"noise_rate": 0.4, "transition_matrix": MATRIX, "clean_validation": split.validation_given}
    job = Job(setting("digits/symmetric-0.4").override(epochs=epochs), parse(text), 0, split, told)
    return list(fit(job, device="cpu", precision="fp32"))


def accuracy(epoch, labels):
    return (epoch.predictions["test"] == labels).float().mean().item()


@pytest.mark.parametrize("text", NAMES)
def test_learns_under_noise_and_not_from_shuffled_labels(text, digits):
    split, labels = digits
    assert accuracy(epochs_of(text, split)[-1], labels) >= 3 * CHANCE
    mixed = torch.randperm(len(split.given), generator=torch.Generator().manual_seed(1))
    assert accuracy(epochs_of(text, replace(split, given=split.given[mixed]))[-1], labels) < 3 * CHANCE


@pytest.mark.parametrize("text", NAMES)
def test_same_seed_same_numbers(text, digits):
    split, _ = digits
    first, second = (epochs_of(text, split, epochs=2) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert a.loss == b.loss
        assert a.validation_accuracy == b.validation_accuracy
        assert torch.equal(a.predictions["test"], b.predictions["test"])
        assert torch.equal(a.online.loss, b.online.loss)


@pytest.mark.parametrize("text", NAMES)
def test_ranges_contain_their_defaults(text):
    for part in parse(text).parts:
        for name, span in part.space().items():
            value = getattr(part, name)
            if span.choices is not None:
                assert value in span.choices
            else:
                assert span.low <= value <= span.high
                assert span.valid[0] <= span.low < span.high <= span.valid[1]
                assert span.low > 0 or not span.log
            for bound in span.choices or (span.low, span.high):
                replace(part, **{name: bound})  # every end of a range is a method


@pytest.mark.parametrize("name", methods())
def test_docstring_cites_its_source(name):
    text = inspect.getdoc(methods()[name])
    assert re.search(r"Source: .*\b(19|20)\d\d\b", text, re.DOTALL), "no 'Source: ...' with a year"


@pytest.mark.parametrize("name", methods())
def test_defaults_are_the_same_for_every_noise_and_written_in_full(name):
    method = methods()[name]()
    assert all(f.name in str(method) for f in fields(method))
    assert str(parse(str(method))) == str(parse(name))


class Rows:
    """Random numbers that are tensors of the caller's, so that `vmap` may give each run its own."""

    def __init__(self, uniform, normal):
        self.tables = {"uniform": uniform, "normal": normal}

    def uniform(self, shape):
        return self._shaped("uniform", shape)

    def normal(self, shape):
        return self._shaped("normal", shape)

    def integers(self, high, shape):
        return (self._shaped("uniform", shape) * high).long()

    def _shaped(self, kind, shape):
        count = 1
        for size in shape:
            count *= size
        return self.tables[kind][:count].reshape(shape)


def hooks_of(method, logits, targets, values, times, uniform, normal):
    """All tensor hooks of one step, as one pure function of tensors."""
    method = with_values(method, values)
    networks = logits.shape[0]
    clock = Clock(*times.unbind(), random=Rows(uniform, normal))
    index = torch.arange(targets.shape[0])
    told = {name: TOLD[name] for name in method.told}
    memory = method.start(Task(targets, networks, told))
    batch = method.perturb(Batch(targets * 2, targets, index, memory, told), clock)
    batch = replace(batch, memory=memory | method.remember(logits, batch, clock))
    losses = method.loss(logits, batch, clock)
    weights = method.select(losses, logits, batch, clock)

    def grads_at(params):
        return [{n: p * batch.targets.mean() + losses.mean() for n, p in network.items()} for network in params]

    grads = method.gradient(grads_at, [{"w.weight": logits[k], "w.bias": targets[0]} for k in range(networks)])
    average = method.average(grads, grads, clock)
    return losses, weights, [list(g.values()) for g in grads], [list(g.values()) for g in average]


def float_fields(method):
    return [(i, f.name) for i, part in enumerate(method.parts) for f in fields(part) if f.type == "float"]


def with_values(method, values):
    parts = list(method.parts)
    for (i, name), value in zip(float_fields(method), values, strict=True):
        parts[i] = replace(parts[i], **{name: value})
    return replace(method, parts=tuple(parts))


def arguments(text, seed):
    """One run's tensors, its float hyper-parameters moved away from the defaults."""
    method = parse(text)
    source = torch.Generator().manual_seed(seed)
    logits = torch.randn(method.networks, 16, 10, generator=source)
    targets = functional.one_hot(torch.randint(10, (16,), generator=source), 10).float()
    values = tuple(torch.tensor(getattr(method.parts[i], name) * (1 + 0.05 * seed)) for i, name in float_fields(method))
    epoch = 3.0 + seed
    times = torch.tensor([epoch, 10.0, 30 * epoch, epoch / 10])
    return method, (
        logits,
        targets,
        values,
        times,
        torch.rand(512, generator=source),
        torch.randn(512, generator=source),
    )


def leaves(tree):
    if isinstance(tree, torch.Tensor):
        return [tree]
    return list(itertools.chain.from_iterable(leaves(branch) for branch in tree))


def stacked(first, second):
    if isinstance(first, torch.Tensor):
        return torch.stack([first, second])
    return tuple(stacked(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("text", [name for name in NAMES if parse(name).stackable])
def test_hooks_are_pure_under_vmap_with_different_hyper_parameters(text):
    method, one = arguments(text, 0)
    _, two = arguments(text, 1)
    together = torch.vmap(lambda *args: hooks_of(method, *args), randomness="error")(*stacked(one, two))
    for run, args in enumerate((one, two)):
        for expected, found in zip(leaves(hooks_of(method, *args)), leaves(together), strict=True):
            torch.testing.assert_close(found[run], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("text", [name for name in NAMES if parse(name).stackable])
def test_hooks_compile_without_a_graph_break(text):
    method, args = arguments(text, 0)
    torch.compiler.reset()
    compiled = torch.compile(lambda *args: hooks_of(method, *args), fullgraph=True, backend="eager")
    for expected, found in zip(leaves(hooks_of(method, *args)), leaves(compiled(*args)), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("scale", [1e2, 1e4])
@pytest.mark.parametrize("text", NAMES)
def test_loss_and_gradient_are_finite_at_extreme_logits(text, scale):
    method = parse(text).tensors(CPU)
    source = torch.Generator().manual_seed(0)
    logits = (scale * torch.randn(method.networks, 64, 10, generator=source)).requires_grad_()
    targets = functional.one_hot(torch.randint(10, (64,), generator=source), 10).float()
    for progress in (0.0, 0.5, 0.99):
        times = (torch.tensor(t) for t in (progress * 100, 100.0, 0.0, progress))
        clock = Clock(*times, random=Rows(torch.rand(2048), torch.randn(2048)))
        told = {name: TOLD[name] for name in method.told}
        memory = method.start(Task(targets, method.networks, told))
        batch = Batch(targets, targets, torch.arange(64), memory, told)
        batch = replace(batch, memory=memory | method.remember(logits.detach(), batch, clock))
        losses = method.loss(logits, batch, clock)
        assert losses.isfinite().all()
        assert torch.autograd.grad(losses.sum(), logits)[0].isfinite().all()


@pytest.mark.parametrize("text", NAMES)
def test_answers_are_known_hooks(text):
    for part in parse(text).parts:
        own = {name for name in vars(type(part)) if not name.startswith("_") and callable(getattr(type(part), name))}
        extra = {name for name in own if name not in HOOKS}
        near = {name for name in extra for hook in HOOKS if name.rstrip("s") == hook.rstrip("s")}
        assert not near, f"{near} look like hooks but the loop never calls them"
