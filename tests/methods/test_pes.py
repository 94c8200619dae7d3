"""PES: when its stages are, what begins anew and what stays in them, and the confident samples after them."""

import pytest
import torch
from torch.nn import functional

from lnlbench.methods import Batch, Record, Task, parse

DEPTH = torch.tensor([1, 1, 2, 4, 4, 5, 5, 6, 6], dtype=torch.float64) / 6
"""Of parameters of a ResNet, whose six stages are its stem, its four layers and its head."""


def stages(method, clock_at, epochs):
    """For each epoch the depths that begin anew, the depths that are trained, and whether all samples count."""
    found = []
    for epoch in range(epochs):
        clock = clock_at(epoch, epochs)
        renewed, frozen = (set(DEPTH[hook(DEPTH, clock)].tolist()) for hook in (method.renew, method.freeze))
        memory = {"confident": torch.zeros(1, 4, dtype=torch.float64)}
        everyone = method.select(torch.ones(1, 4).double(), None, Batch(None, None, None, memory), clock).all().item()
        found.append((renewed, set(DEPTH.tolist()) - frozen, everyone))
    return found


ALL, LATER, HEAD = set(DEPTH.tolist()), {5 / 6, 1.0}, {1.0}


@pytest.mark.parametrize(
    ("text", "epochs", "lengths"),
    [
        pytest.param("pes", 200, (25, 7, 5), id="as published"),
        pytest.param("pes(whole=0.15)", 200, (30, 7, 5), id="as published for CIFAR-100"),
        pytest.param("pes", 150, (19, 6, 4), id="rounded up"),
        pytest.param("pes", 10, (2, 1, 1), id="an epoch at least"),
        pytest.param("pes(later=0)", 40, (5, 0, 1), id="without a second stage"),
        pytest.param("pes(later=0, head=0)", 40, (5, 0, 0), id="without either"),
        pytest.param("pes(whole=1)", 20, (20, 0, 0), id="cross-entropy to the end"),
    ],
)
def test_stages(at_work, clock_at, text, epochs, lengths):
    first, second, third = lengths
    expected = [(set(), ALL, True)] * first
    for length, deep in ((second, LATER), (third, HEAD)):
        expected += [(deep, deep, True), *[(set(), deep, True)] * (length - 1)][:length]
    rest = epochs - len(expected)
    assert stages(at_work(text), clock_at, epochs) == expected + [(set(), ALL, False)] * rest
    assert [parse(text).due(epoch, epochs) for epoch in range(epochs)] == [False] * len(expected) + [True] * rest


def test_single_precision_makes_no_other_stages():
    method = parse("pes").tensors(torch.device("cpu"))
    for epochs in range(1, 301):
        exact = [float(end) for end in parse("pes").parts[0].ends(float(epochs))]
        found = [end.item() for end in method.parts[0].ends(torch.tensor(float(epochs)))]
        assert found == exact


def test_the_head_is_deep_whatever_the_split(at_work, clock_at):
    method, alone = at_work("pes(split=1)"), torch.ones(2, dtype=torch.float64)
    assert method.renew(alone, clock_at(13)).all() and not method.freeze(alone, clock_at(13)).any()


def test_confident_are_the_samples_whose_label_is_predicted_weighted_by_class(at_work, clock_at):
    """The objective of the loop, Σ w ℓ / Σ w, is torch's cross-entropy with class weights over the confident ones."""
    method, classes = at_work("pes"), 5
    labels = torch.randint(classes - 1, (60,))  # one class has no sample
    predicted = torch.where(torch.rand(2, 60) < 0.6, labels, (labels + 1) % classes)
    predicted[:, labels == 0] = 1  # one class has no confident sample
    memory = method.start(Task(functional.one_hot(labels, classes).double(), 2, {}))
    assert torch.equal(memory["confident"], torch.ones(2, 60).double())
    found = method.observe(Record(torch.rand(2, 60).double(), predicted, memory), clock_at(60))["confident"]
    logits = torch.randn(2, 60, classes, dtype=torch.float64)
    for k in range(2):
        agree = predicted[k] == labels
        counts = torch.bincount(labels[agree], minlength=classes).double()
        mean = counts[counts > 0].mean()
        weights = torch.where(counts > 0, mean / counts, 0.0)
        assert counts[0] == counts[4] == 0 and (counts > 0).sum() == 3
        expected = functional.cross_entropy(logits[k, agree], labels[agree], weight=weights)
        losses = functional.cross_entropy(logits[k], labels, reduction="none")
        ours = (found[k] * losses).sum() / found[k].sum()
        torch.testing.assert_close(ours, expected)
        assert found[k].sum().item() == pytest.approx(agree.sum().item())


def test_no_confident_sample_at_all_is_no_weight_at_all(at_work, clock_at):
    method, labels = at_work("pes"), torch.arange(10)
    memory = method.start(Task(torch.eye(10).double(), 1, {}))
    found = method.observe(Record(torch.rand(1, 10).double(), (labels + 1).unsqueeze(0) % 10, memory), clock_at(60))
    assert torch.equal(found["confident"], torch.zeros(1, 10).double())
