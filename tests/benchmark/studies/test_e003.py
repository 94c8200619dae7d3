"""The claims of DAL: three-valued verdicts, precision of the confident, and the same runs with and without a store."""

import numpy as np
import pytest
import torch

from lnlbench.benchmark.protocol import settings
from lnlbench.benchmark.runs.artifacts import pack_samples
from lnlbench.benchmark.studies.base import Context, Criterion, Verdict
from lnlbench.benchmark.studies.e003 import _precision, _stored, _trained
from lnlbench.benchmark.sweep.grid import plan
from lnlbench.leaderboard.store.address import store_address


@pytest.mark.parametrize(
    ("ends", "word"),
    [
        pytest.param((0.5, 3.0), "supported", id="within"),
        pytest.param((-3.0, -0.5), "not supported", id="outside"),
        pytest.param((-1.0, 2.0), "undecided", id="across the bound"),
        pytest.param((1.0, 2.0, 0.1, 0.2), "supported", id="both tasks"),
        pytest.param((1.0, 2.0, -2.0, -1.0), "supported; not supported", id="tasks that disagree"),
        pytest.param((-4.0, -3.0, -2.0, -1.0), "not supported", id="both outside"),
        pytest.param((float("nan"), float("nan")), "undecided", id="nothing to test"),
    ],
)
def test_a_claim_is_supported_not_supported_or_undecided(ends, word):
    claim = Criterion("X", "a minus b is above 0", "x", low=0, gates=False, interval=True)
    assert Verdict(claim, ends).word == word


def test_intervals_are_shown_as_such():
    claim = Criterion("X", "x", "x", gates=False, interval=True)
    assert Verdict(claim, (-1.0, 2.5, 0.0, 3.0)).measured == "-1 to 2.5; 0 to 3"


def test_precision_is_of_those_whose_given_label_is_believed_most():
    logits = torch.arange(10.0)[:, None] * torch.tensor([1.0, 0.0])  # the later, the surer of class 0
    true = np.array([0, 1, 1, 1, 1, 1, 0, 0, 1, 0])
    found = _precision(pack_samples(logits[None], torch.zeros(10, dtype=torch.int64), torch.arange(10)), true)
    assert found[0.1] == 1.0 and found[0.2] == 0.5 and found[0.4] == 0.75 and found[1.0] == 0.4


def test_the_store_gives_what_training_gives_and_is_asked_first(url):
    runs = plan([settings.setting("digits/symmetric-0.4").override(epochs=1)], ["dal"], [0])
    context = Context(device="cpu", store=store_address(url))
    ((fresh, _),) = _trained(runs, context).values()
    ((first, file),) = _stored(runs, context).values()
    assert first.curves["test_accuracy"] == pytest.approx(fresh.curves["test_accuracy"], abs=1e-6)
    assert file is not None and first.key == fresh.key
    ((second, again),) = _stored(runs, context).values()
    assert second.cost == first.cost and again == file, "the same seconds: it was not trained again"
