"""Label Wave: where the first minimum is, and that a run's predictions are counted as they change."""

import math

import pytest
import torch

from lnlbench.benchmark import Job, Split
from lnlbench.benchmark.protocol.settings import setting
from lnlbench.methods import History, MethodError, parse
from lnlbench.methods.label_wave import first_minimum

NAN = math.nan


@pytest.mark.parametrize(
    ("changes", "window", "patience", "expected"),
    [
        pytest.param([NAN, 0.5, 0.3, 0.2], 1, 2, (3, False), id="still falling"),
        pytest.param([NAN, 0.5, 0.2, 0.3], 1, 2, (2, False), id="one rise is within the patience"),
        pytest.param([NAN, 0.5, 0.2, 0.3, 0.4, 0.1], 1, 2, (2, True), id="what comes later is not looked at"),
        pytest.param([NAN, 0.5, 0.2, 0.3, 0.1, 0.2], 1, 2, (4, False), id="undercut in time"),
        pytest.param([NAN, 0.6, 0.1, 0.5, 0.3, 0.4], 3, 1, (4, True), id="the mean of three: .4, .3, .4"),
        pytest.param([NAN, 0.5, 0.4], 3, 1, (2, False), id="no full window yet"),
        pytest.param([NAN], 1, 1, (0, False), id="the first epoch"),
        pytest.param([NAN, 0.3, 0.3, 0.3], 1, 2, (1, True), id="a tie goes to the earliest"),
    ],
)
def test_first_minimum(changes, window, patience, expected):
    assert first_minimum(changes, window, patience) == expected


def test_the_patience_is_a_share_of_the_length():
    changes = [NAN, 0.5, 0.2, *[0.3] * 9]
    found = [parse(f"label_wave(window=1, patience={p})") for p in (0.03, 0.1)]
    history = [History(60, [0.5] * n, [1.0] * n, changes[:n]) for n in (5, 9)]
    assert [[method.stop(h) for h in history] for method in found] == [[True, True], [False, True]]
    assert {method.report(h) for method in found for h in history} == {2}


def test_a_history_without_changes_is_refused():
    with pytest.raises(MethodError, match="needs the prediction changes"):
        parse("label_wave").report(History(10, [0.5], [1.0]))


@pytest.mark.parametrize("execution", ["loop", "stack"])
def test_changes_are_those_of_the_training_pass(execution):
    from lnlbench.benchmark import train

    source = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (110, 1, 8, 8), generator=source).to(torch.uint8)
    given = torch.randint(10, (110,), generator=source)
    split = Split(images[:90], given[:90], images[90:], given[90:], 10, (0.3,), (0.4,), {"test": images[90:]})
    job = Job(setting("digits/clean").override(epochs=4, batch_size=20), parse("ce"), 0, split)
    past = torch.full((90,), -1)
    for _, epoch in train([job], device="cpu", precision="fp64", execution=execution):
        seen, now = epoch.online.index, epoch.online.prediction[0]
        before = past[seen]
        expected = [(now != before)[before >= 0].double().mean().item()]
        assert epoch.history.changes[-1:] == pytest.approx(expected, nan_ok=True)
        past[seen] = now
    assert len(epoch.history.changes) == 4 and math.isnan(epoch.history.changes[0])


def test_is_read_off_its_host():
    assert str(parse("gce + label_wave").host) == "gce(q=0.7)"
