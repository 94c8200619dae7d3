"""Co-teaching+ against its algorithm, written with lists of samples."""

import math

import pytest
import torch

from lnlbench.methods import Batch

SIZE = 40


def reference(losses, logits, rate, open_to_all):
    """The samples that each network trains on, chosen by the other one."""
    first, second = logits.argmax(-1).tolist()
    apart = [i for i in range(SIZE) if open_to_all or first[i] != second[i]]
    chosen = []
    for own in losses.tolist():
        easiest = sorted(apart, key=lambda i: own[i])
        chosen.append(set(easiest[: math.ceil(rate * len(apart) - 1e-9)]))
    return chosen[::-1]


def selected(method, losses, logits, clock, noise_rate=0.4):
    batch = Batch(None, None, None, {}, {"noise_rate": torch.tensor(noise_rate, dtype=torch.float64)})
    weights = method.select(losses, logits, batch, clock)
    assert weights.dtype == losses.dtype and set(weights.unique().tolist()) <= {0.0, 1.0}
    return [set(row.nonzero().flatten().tolist()) for row in weights]


def drawn(apart):
    """Losses and logits of two networks that predict so many samples differently."""
    logits = torch.randn(1, SIZE, 10, dtype=torch.float64).repeat(2, 1, 1)
    places = torch.randperm(SIZE)[:apart]
    logits[1, places] = logits[1, places].roll(1, -1)
    return torch.rand(2, SIZE, dtype=torch.float64), logits


@pytest.mark.parametrize("apart", [0, 1, 2, 15, 37, SIZE])
@pytest.mark.parametrize(
    ("epoch", "rate"),
    [
        pytest.param(10, 1 - 0.4 * 10 / 20, id="in the ramp"),
        pytest.param(60, 0.6, id="after it"),
    ],
)
def test_each_network_trains_on_the_disagreements_that_the_other_finds_easy(at_work, clock_at, apart, epoch, rate):
    method = at_work("co_teaching_plus(ramp=0.2, warmup=0.1)")
    losses, logits = drawn(apart)
    found = selected(method, losses, logits, clock_at(epoch))
    assert found == reference(losses, logits, rate, open_to_all=False)
    assert len(found[0]) == len(found[1]) == math.ceil(rate * apart - 1e-9), "a lone disagreement is kept"


def test_the_warm_up_is_co_teaching(at_work, clock_at):
    losses, logits = drawn(8)
    plus, plain = at_work("co_teaching_plus(warmup=0.3)"), at_work("co_teaching")
    for epoch in (0, 3, 29):
        found = selected(plus, losses, logits, clock_at(epoch))
        assert found == selected(plain, losses, logits, clock_at(epoch))
    assert selected(plus, losses, logits, clock_at(29)) == reference(losses, logits, 0.6, open_to_all=True)
    assert selected(plus, losses, logits, clock_at(30)) == reference(losses, logits, 0.6, open_to_all=False)


def test_networks_that_agree_on_all_of_a_batch_do_not_train(at_work, clock_at):
    losses, logits = drawn(0)
    assert selected(at_work("co_teaching_plus"), losses, logits, clock_at(50)) == [set(), set()]


def test_an_infinite_loss_of_an_agreement_does_not_stand_in_for_a_disagreement(at_work, clock_at):
    losses, logits = drawn(6)
    losses[:, logits[0].argmax(-1) == logits[1].argmax(-1)] = -1e9
    assert selected(at_work("co_teaching_plus"), losses, logits, clock_at(50)) == reference(losses, logits, 0.6, False)
