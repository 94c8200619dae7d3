"""How a budget is spent: exactly, equally, or refused."""

import pytest

from lnlbench.benchmark.tuning.budget import Budget, TuneError, resuming


def test_of_twenty_trials_nine_confirm():
    budget = Budget()
    assert (budget.trials, budget.searching, budget.draws) == (20, 11, 3)
    assert budget.configurations(1) == 11 and budget.configurations(2) == 5


def test_without_confirming_all_trials_search():
    budget = Budget(confirm=0)
    assert (budget.searching, budget.draws) == (20, 0)


def test_who_has_too_few_trials_is_told_how_many_are_enough():
    with pytest.raises(TuneError, match=r"at least 2 are needed: 14 trials or more"):
        Budget(trials=13)
    assert Budget(trials=14).draws == 2


@pytest.mark.parametrize(
    ("trials", "resolution", "splits"),
    [
        pytest.param(20, 0.009, 1, id="fine validation"),
        pytest.param(20, 0.0114, 1, id="about a point"),
        pytest.param(40, 0.0125, 2, id="a little coarse"),
        pytest.param(20, 0.073, 1, id="ten configurations are left at least"),
        pytest.param(200, 0.03, 9, id="as many as bring it to about a point"),
        pytest.param(40, float("inf"), 2, id="validation that resolves nothing"),
    ],
)
def test_splits_follow_from_the_resolution(trials, resolution, splits):
    assert Budget(trials=trials).for_resolution(resolution) == splits
    assert Budget(trials=trials, splits=3).for_resolution(resolution) == 3


@pytest.mark.parametrize("splits", [1, 2])
@pytest.mark.parametrize("trials", [1, 9, 20, 33])
def test_rounds_follow_each_other_and_end_with_the_budget(trials, splits):
    budget, begin, seen = Budget(trials=trials, confirm=0, batch=3), 0, []
    while begin < budget.configurations(splits):
        first, end = budget.round(begin, splits)
        assert first == begin < end and all(budget.round(i, splits) == (first, end) for i in range(first, end))
        seen += range(first, end)
        begin = end
    assert seen == list(range(trials // splits))


@pytest.mark.parametrize(
    ("differing", "options"),
    [
        pytest.param(["objective"], "--objective epoch --splits 1", id="splits follow from the rest"),
        pytest.param(["trials", "splits"], "--trials 20 --splits 1", id="several"),
        pytest.param(["cost", "prune"], "--splits 1 --cost without --prune", id="flags"),
        pytest.param(["objective", "protocol"], "", id="more than the budget"),
    ],
)
def test_what_goes_on_with_a_search_is_said_in_options(differing, options):
    held = {"trials": 20, "objective": "epoch", "splits": 1, "cost": True, "prune": False, "protocol": 1}
    assert resuming(held, differing) == options


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"trials": 10}, "0.45 of 10 trials gives 3 configurations 1 fresh draws each", id="too few"),
        pytest.param({"confirm": 1.0}, "below 1, but got 1.0", id="all confirm"),
        pytest.param({"confirm": float("nan")}, "below 1, but got nan", id="no number"),
        pytest.param({"splits": 12}, "0 .* to 11, but got 12", id="more splits than trials"),
        pytest.param({"trials": 0, "confirm": 0}, "at least 1, but got 0", id="no trials"),
        pytest.param({"sampler": "gpp"}, "did you mean 'gp'", id="sampler"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(changes, said):
    with pytest.raises(TuneError, match=said) as caught:
        Budget(**changes)
    assert "\n" not in str(caught.value)
