"""What a run remembers of its samples: changed predictions, and mean margins over its epochs."""

import math

import pytest
import torch

from lnlbench.benchmark.engine.epoch_numbers import samples_of
from lnlbench.benchmark.engine.past import Past

GIVEN = torch.tensor([0, 2, 1])


def seen(*rows):
    """Samples 2 and 0 of three, by one network."""
    return samples_of(torch.tensor([2, 0]), torch.tensor([rows]), GIVEN, None)


def test_a_margin_is_that_of_the_given_label_over_the_best_other():
    found = seen([1.0, 4.0, 2.0], [1.0, 4.0, 2.0])
    assert found.margin.tolist() == [[2.0, -3.0]]


def test_margins_are_averaged_over_the_visits_of_each_sample():
    past = Past(1, 3)
    first, changes = past.take(seen([1.0, 4.0, 2.0], [1.0, 4.0, 2.0]))
    assert first.mean_margin.tolist() == [[2.0, -3.0]] and math.isnan(changes)
    past.take(samples_of(torch.tensor([1]), torch.tensor([[[0.0, 0.0, 1.0]]]), GIVEN, None))
    last, changes = past.take(seen([0.0, 1.0, 5.0], [9.0, 4.0, 2.0]))
    assert last.mean_margin.tolist() == [[(2.0 - 4.0) / 2, (-3.0 + 5.0) / 2]]
    assert changes == 1.0
    assert past.visits.tolist() == [2, 1, 2]


def test_a_state_goes_on_and_one_of_before_begins_its_margins_anew():
    one, other, older = (Past(1, 3) for _ in range(3))
    one.take(seen([1.0, 4.0, 2.0], [1.0, 4.0, 2.0]))
    state = one.state()
    other.restore(state)
    older.restore({"predicted": state["predicted"]})
    again = seen([0.0, 1.0, 5.0], [1.0, 4.0, 2.0])
    found = [past.take(again) for past in (one, other, older)]
    assert found[0][0].mean_margin.tolist() == found[1][0].mean_margin.tolist() == [[-1.0, -3.0]]
    assert found[2][0].mean_margin.tolist() == [[-4.0, -3.0]]
    assert [changes for _, changes in found] == [pytest.approx(0.5)] * 3
    assert state["visits"].tolist() == [1, 0, 1], "a copy"
