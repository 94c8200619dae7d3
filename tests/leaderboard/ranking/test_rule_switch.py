"""The rule switch and the cost of methods, against numbers worked out by hand."""

import pytest

from lnlbench.leaderboard.ranking.build import boards
from lnlbench.leaderboard.ranking.cost import cost, on_one_machine
from lnlbench.leaderboard.ranking.rule_switch import switch
from lnlbench.leaderboard.results.rules import RULES


@pytest.fixture
def runs(make):
    """Of two methods, one has a peak that noisy validation does not see."""
    peaked = [make(label="peaked", replicate=i, test=[0.5, 0.9, 0.6], validation=[0.1, 0.2, 0.3]) for i in range(2)]
    steady = [make(label="steady", replicate=i, test=[0.5, 0.7, 0.8], validation=[0.1, 0.2, 0.3]) for i in range(2)]
    return peaked + steady


def test_who_wins_only_because_the_test_set_chose_the_epoch(runs):
    (first, second), sentences = switch(boards(runs, list(RULES)))
    assert (first.name, second.name) == ("steady", "peaked")
    assert (first.places["noisy_val"], first.places["oracle"], first.change["oracle"]) == (1, 2, -1)
    assert second.gap["noisy_val"] == pytest.approx(30)
    assert second.gap["final"] == pytest.approx(30)
    assert first.gap["oracle"] == 0
    assert sentences == [
        "Yes: at digits/symmetric-0.4 peaked (place 2 under `noisy_val`) would be first instead of steady."
    ]


def test_a_mean_is_that_of_the_board_where_settings_have_unequal_replicates(make):
    """The board takes replicates that all settings have; means of the settings' means were other numbers."""
    accuracies = {"symmetric-0.4": [0.5, 0.6, 0.9], "clean": [0.8, 0.9]}
    runs = [
        make(label=label, noise=noise, replicate=i, test=[accuracy] * 3)
        for label in ("a", "b")
        for noise, row in accuracies.items()
        for i, accuracy in enumerate(row)
    ]
    made = boards(runs, list(RULES))
    score = made[0].rows[0].score
    assert score is not None and score.mean == pytest.approx(70)
    assert [set(row.means.values()) for row in switch(made)[0]] == [{score.mean}] * 2


def test_equal_means_share_a_place(make):
    found, sentences = switch(boards([make(label=label) for label in ("a", "b")], list(RULES)))
    assert [row.places["oracle"] for row in found] == [1, 1]
    assert sentences == ["No: at digits/symmetric-0.4 the same method is first under `noisy_val` and `oracle`."]


def test_another_rule_may_have_another_first_where_the_test_set_changes_nothing(make):
    """Of two methods one falls after the epoch that noisy validation and the test set both choose."""
    curves = {"falls": [0.5, 0.9, 0.6], "stays": [0.5, 0.8, 0.8]}
    runs = [
        make(label=label, noise=noise, test=test)
        for label, test in curves.items()
        for noise in ("symmetric-0.4", "clean")
    ]
    assert switch(boards(runs, ["noisy_val", "final", "oracle"]))[1] == [
        "No: in every setting the same method is first under `noisy_val` and `oracle`.",
        "Under `final` another method is first at digits/symmetric-0.4 (stays instead of falls) and digits/clean "
        "(stays instead of falls).",
    ]


def test_readings_and_references_are_left_out(runs, make):
    host = runs[-1]
    reading = make(label="steady + early_stopping", replicate=1, host=host.key)
    longer = make(label="steady", setting="digits,epochs=2x/symmetric-0.4")
    found, _ = switch(boards([*runs, reading, longer], list(RULES)))
    assert [row.name for row in found] == ["steady", "peaked"]


def test_without_a_common_setting_there_is_nothing_to_switch(make):
    assert switch(boards([make(), make(label="gce", noise="clean")], list(RULES))) == ([], [])


def test_costs_weigh_settings_alike(make):
    usual = {"forward_passes": 2.0, "backward_passes": 2.0, "epochs": 10}
    runs = {
        "s1": [make(cost={"train_seconds": s, **usual}) for s in (1.0, 3.0)],
        "s2": [make(cost={"train_seconds": 10.0, **usual}, networks=2)],
    }
    found = cost("sam", runs)
    assert (found.train_seconds, found.seconds, found.passes, found.networks) == (5.5, 5.5, 20.0, 2)
    assert (found.tuning_seconds, found.tuning_trials, found.peak_memory) == (None, None, None)


def test_seconds_are_those_of_the_replicate_that_nothing_else_slowed(make):
    times = [(1.0, 10), (4.0, 20), (90.0, 30)]  # seconds and epochs: a tenth of a second is the shortest epoch
    runs = [make(cost={"train_seconds": spent, "epochs": epochs}) for spent, epochs in times]
    assert cost("gce", {"s": runs}).seconds == pytest.approx(0.1 * 20)
    assert cost("gce", {"s": [*runs, make(cost={"train_seconds": 5.0})]}).seconds == 25.0, "the mean, without epochs"


def test_tuning_counts_where_it_is_recorded(make):
    runs = {"s": [make(cost={"train_seconds": 5.0, "tuning_seconds": 95.0, "tuning_trials": 20})]}
    found = cost("gce", runs)
    assert (found.seconds, found.tuning_trials) == (100.0, 20)


def test_seconds_of_one_machine_are_compared(make):
    """Where ce was run again on another machine, and sam on the first alone, both are compared on the first."""

    def runs(label, *machines):
        return [make(label=label, cost={"train_seconds": s}, environment={"hardware": m}) for m, s in machines]

    both, there, here = runs("ce", ("fast", 1.0), ("slow", 2.0)), runs("sam", ("slow", 4.0)), runs("gce", ("new", 3.0))
    every = {"ce": {"s": both}, "sam": {"s": there}, "gce": {"s": here}}
    costs = {name: cost(name, every[name], timed) for name, timed in on_one_machine(every).items()}
    assert {name: c.seconds for name, c in costs.items()} == {"ce": 2.0, "sam": 4.0, "gce": 3.0}
    assert {name: c.hardware for name, c in costs.items()} == {"ce": ("slow",), "sam": ("slow",), "gce": ("new",)}
    assert on_one_machine({}) == {}


def test_nothing_recorded_is_no_cost(make):
    found = cost("ce", {"s": [make(cost={})]})
    assert (found.seconds, found.passes) == (None, None)
