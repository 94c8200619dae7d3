"""The claims of DAL: three-valued verdicts, precision of the confident, and the same runs with and without a store."""

import numpy as np
import pytest
import torch

from lnlbench.benchmark.protocol import settings
from lnlbench.benchmark.runs.artifacts import pack_samples
from lnlbench.benchmark.studies.base import Context, Criterion, Verdict
from lnlbench.benchmark.studies.e003 import DynamicsAwareLoss, _precision, _stored, _trained
from lnlbench.benchmark.studies.intervals import columns_of, difference, share
from lnlbench.benchmark.sweep.grid import plan
from lnlbench.leaderboard.store.address import store_address


@pytest.mark.parametrize(
    ("ends", "word"),
    [
        pytest.param((0.5, 3.0), "supported", id="within"),
        pytest.param((-3.0, -0.5), "not supported", id="outside"),
        pytest.param((-1.0, 2.0), "cannot be told yet", id="across the bound"),
        pytest.param((1.0, 2.0, 0.1, 0.2), "supported", id="both tasks"),
        pytest.param((1.0, 2.0, -2.0, -1.0), "supported; not supported", id="tasks that disagree"),
        pytest.param((-4.0, -3.0, -2.0, -1.0), "not supported", id="both outside"),
        pytest.param((float("nan"), float("nan")), "cannot be told yet", id="nothing to test"),
    ],
)
def test_a_claim_is_supported_or_not_or_cannot_be_told(ends, word):
    claim = Criterion("X", "a minus b is above 0", "x", low=0, gates=False, interval=True)
    assert Verdict(claim, ends).word == word


def test_a_share_of_at_least_95_percent_has_no_upper_end():
    """Shares of 99.9 to 100 % support "at least 95 %"; the interval around them ends at 100."""
    (claim, *_) = [row for row in DynamicsAwareLoss.criteria if row.name == "confident"]
    ends = share([99.9, 100.0, 99.95], 0.998)
    verdict = Verdict(claim, tuple(ends))
    assert 95 < ends[0] < 99.9 and ends[1] > 100 and verdict.measured.endswith(" to 100")
    assert claim.threshold == "≥ 95" and verdict.word == "supported"
    assert np.isnan(share([99.0], 0.95)).all()


def test_differences_are_those_of_welch_on_moderated_variances():
    """Within a noise with four methods variances are borrowed; across noises each keeps its own column's."""
    methods = ("a", "b", "c", "d")
    scores = {
        (method, noise): {i: 90.0 + k + 0.3 * ((i + k) % 3) for i in range(3)}
        for noise in ("n1", "n2")
        for k, method in enumerate(methods)
    }
    columns = columns_of(scores)
    low, high = difference(columns, ("b", "n1"), ("a", "n2"), 0.95)
    names, column = columns["n1"]
    assert names == list(methods) and column.moderated.borrowed > 0
    assert low < 1 < high and (low + high) / 2 == pytest.approx(column.means[1] - column.means[0])
    assert high - low == pytest.approx(2 * column.half_widths()[1, 0])
    single = columns_of({(m, "n"): {0: 90.0} for m in methods})
    assert np.isnan(difference(single, ("a", "n"), ("b", "n"), 0.95)).all()


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
