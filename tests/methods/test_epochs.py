"""Whole epochs from shares: the same in either precision, and before a pass as within a step."""

from dataclasses import fields, replace

import pytest
import torch
from torch.nn import functional

from lnlbench.methods import Batch, parse
from lnlbench.methods._epochs import whole_epochs
from lnlbench.methods.base import History

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("share", "epochs", "expected"),
    [
        pytest.param(0.07, 100, 7, id="a product that is a bit too large"),
        pytest.param(0.29, 100, 29, id="a product that is a bit too small"),
        pytest.param(0.1, 12, 2, id="rounded up"),
        pytest.param(0.002, 10, 1, id="an epoch for a small share"),
        pytest.param(0.0, 10, 0, id="none"),
        pytest.param(1.0, 10, 10, id="all"),
    ],
)
def test_whole_epochs(share, epochs, expected):
    assert whole_epochs(share, epochs) == expected
    assert whole_epochs(torch.tensor(share), torch.tensor(float(epochs))) == expected


def test_shares_of_four_digits_last_as_long_in_either_precision():
    shares = torch.cat([torch.arange(1, 10_000).double() / scale for scale in (1e4, 1e5)])
    for epochs in range(1, 301):
        assert torch.equal(whole_epochs(shares, epochs), whole_epochs(shares.float(), epochs).double())


def test_stopping_and_pruning_count_as_everything_else():
    stopping = parse("early_stopping(patience=0.14)").parts[0]
    history = [History(50, [1.0] + [0.0] * waited, []) for waited in (6, 7)]
    assert [stopping.stop(one) for one in history] == [False, True], "0.14 of 50 epochs are 7"
    pruning = parse("truncated_gce(prune=0.56, every=1.0)").parts[0]
    assert [epoch for epoch in range(25) if pruning.due(epoch, 25)] == [14], "0.56 of 25 epochs are 14"


def split_is_used(method, clock):
    """Whether `gmm_split` leaves out what the mixture calls wrong."""
    batch = Batch(None, None, None, {"clean": torch.zeros(1, 4)})
    return not method.select(torch.ones(1, 4), None, batch, clock).any()


def labels_are_corrected(method, clock):
    """Whether `sln` trains on predicted labels, here those of the class 1."""
    memory = {"given_weight": torch.zeros(1, 4), "predicted": torch.ones(1, 4).long()}
    batch = Batch(None, functional.one_hot(torch.zeros(4).long(), 3).float(), None, memory)
    return method.perturb(batch, clock).targets.argmax(-1).bool().all()


def parts_are_mixed(method, clock):
    """Whether `dividemix` mixes images, here of the values 0 to 3."""
    images = torch.arange(4.0).view(4, 1, 1, 1)
    batch = Batch(images, torch.eye(4), torch.arange(4), {"clean": torch.ones(2, 4)}, views=(images,))
    guessed = method.guess(lambda inputs, training=True, commit=False: torch.zeros(2, len(inputs), 4), batch, clock)
    return not torch.equal(guessed.inputs[0], torch.cat([images, images]))


@pytest.mark.parametrize(("share", "epochs"), [(0.07, 100), (0.14, 50), (0.29, 100), (0.1, 12), (0.0, 5), (0.83, 200)])
@pytest.mark.parametrize(
    ("text", "acts"),
    [
        ("gmm_split(warmup={})", split_is_used),
        ("sln(switch={}, sigma=0)", labels_are_corrected),
        ("dividemix(warmup={})", parts_are_mixed),
    ],
)
def test_a_pass_is_due_from_the_epoch_on_in_which_it_counts(text, acts, share, epochs, clock_at):
    method = parse(text.format(share))
    at_work = method.tensors(CPU)
    due = [method.due(epoch, epochs) for epoch in range(epochs)]
    clocks = [in_single_precision(clock_at(epoch, epochs)) for epoch in range(epochs)]
    assert [bool(acts(at_work, clock)) for clock in clocks] == due == sorted(due)


def in_single_precision(clock):
    """The clock as the training loop gives it."""
    return replace(clock, **{f.name: getattr(clock, f.name).float() for f in fields(clock) if f.name != "random"})
