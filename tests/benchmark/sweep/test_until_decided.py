"""More replicates where they decide: who gets them, when it ends, and that the best is not lost."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from lnlbench.benchmark.protocol.settings import SettingError
from lnlbench.benchmark.sweep import until_decided
from lnlbench.benchmark.sweep.scheduler import Report
from lnlbench.benchmark.sweep.until_decided import AT_ONCE, LOOKS, Race, Spending, parse_budget
from lnlbench.leaderboard.ranking import board as parts
from lnlbench.leaderboard.results.result import Result, pack


@dataclass(frozen=True)
class Played:
    """A run that is played and not trained."""

    label: str
    replicate: int
    setting: str
    host: None = None

    @property
    def key(self):
        return f"{self.label} {self.setting} {self.replicate}"


SETTINGS = ("digits/symmetric-0.4", "digits/clean")


class Lab:
    """Methods of known accuracy: gives the runs, makes them and counts them.

    Args:
        means: true accuracy of each method in percent.
        spread: standard deviation of a run.
        seed: of the draws.
        stored: keys that are stored before.
    """

    def __init__(self, means, spread=0.2, seed=0, stored=()):
        self.means, self.spread, self.seed = means, spread, seed
        self.stored, self.made, self.said = set(stored), [], []

    def race(self, **how):
        return Race(
            plan=self.plan, sweep=self.sweep, results=self.results, stored=frozenset(self.stored), rule="final",
            say=self.said.append, **how,
        )  # fmt: skip

    def plan(self, methods, replicates):
        return [Played(name, i, setting) for setting in SETTINGS for name in methods for i in replicates]

    def sweep(self, runs):
        new = [run.key for run in runs if run.key not in self.stored]
        self.made += new
        held = [run.key for run in runs if run.key in self.stored]
        self.stored |= set(new)
        return Report(done=new, stored=held)

    def results(self, runs):
        return [self.result(run) for run in runs]

    def result(self, run):
        rng = np.random.default_rng([self.seed, list(self.means).index(run.label), run.replicate, len(run.setting)])
        value = (self.means[run.label] + self.spread * rng.standard_normal()) / 100
        return Result(
            key=run.key, protocol=1, dataset="digits", setting=run.setting, noise=run.setting.partition("/")[2],
            length="fast", track="default", method=run.label, label=run.label, replicate=run.replicate, host=None,
            told=(), networks=1, classes=10, identity={}, report=0, epochs=1, diverged=False,
            curves={"validation_accuracy": [value], "test_accuracy": [value]},
            predictions=pack(np.zeros((1, 1, 4), np.uint8)), cost={"total_seconds": 1.0}, environment={},
        )  # fmt: skip


def replicates_of(lab, name):
    return len({key.rpartition(" ")[2] for key in lab.made if key.startswith(f"{name} ")})


FAR = {"ce": 80.0, "gce": 95.0, "dal": 95.6, "sam": 90.0, "mae": 70.0}


def test_contenders_alone_get_more_replicates_until_one_is_first():
    lab = Lab(FAR, spread=0.25)
    decision = lab.race().decide(list(FAR), range(3))
    assert decision.why == "dal is first: no other could be best" and 0 < decision.looks <= LOOKS
    assert {replicates_of(lab, name) for name in ("ce", "sam", "mae")} == {3}
    assert replicates_of(lab, "dal") == replicates_of(lab, "gce") > 3
    assert len(decision.report.done) == len(lab.made) == len(set(lab.made))
    assert lab.said[0].startswith("look 1 of 4: ") and "gce and dal" in lab.said[0]


def test_where_one_is_first_at_once_nothing_is_added():
    lab = Lab(FAR, spread=0.02)
    decision = lab.race().decide(list(FAR), range(3))
    assert (decision.looks, len(lab.made)) == (0, 5 * 3 * 2) and decision.why.startswith("dal is first")


def test_what_is_practically_equal_gets_no_more():
    lab = Lab(FAR | {"gce": 95.58}, spread=0.03)
    decision = lab.race().decide(list(FAR), range(3))
    assert decision.why.endswith("practically equal, within 0.5 points")
    assert decision.looks == 0
    strict = Lab(FAR | {"gce": 95.58}, spread=0.03)
    assert strict.race(margin=0.001).decide(list(FAR), range(3)).looks > 0


def test_it_goes_on_from_what_is_stored():
    first = Lab(FAR, spread=0.25)
    whole = first.race().decide(list(FAR), range(3))
    again = Lab(FAR, spread=0.25, stored=first.stored)
    known = {run.replicate for run in whole.runs}
    decision = again.race().decide(list(FAR), range(3), known)
    assert again.made == [] and decision.why == whole.why and decision.board.rows[0].score.n == len(known)


CLOSE = FAR | {"gce": 95.55}


@pytest.mark.parametrize("start", [0, 100, 20_000])
def test_a_look_adds_few_replicates_above_those_there(start):
    lab = Lab(CLOSE, spread=1.0)
    lab.race(looks=1).decide(list(CLOSE), range(start, start + 5))
    numbers = {int(key.rpartition(" ")[2]) for key in lab.made}
    assert min(numbers) == start and start + 5 < 1 + max(numbers) <= start + 5 + AT_ONCE


def test_what_one_contender_has_and_another_lacks_comes_first_and_few_at_once():
    stored = {f"gce {setting} {i}" for setting in SETTINGS for i in range(100)}
    lab = Lab(CLOSE, spread=1.0, stored=stored)
    lab.race(looks=1).decide(list(CLOSE), range(100, 105), range(100))
    added = {int(key.rpartition(" ")[2]) for key in lab.made} - set(range(100, 105))
    assert added == set(range(len(added))) and 0 < len(added) <= AT_ONCE


@pytest.mark.parametrize(
    ("budget", "most"), [(Spending(runs=34), 34), (Spending(runs=30), 30), (Spending(seconds=1e-9), 30)], ids=str
)
def test_a_budget_ends_it(budget, most):
    lab = Lab(FAR | {"gce": 95.55}, spread=1.0)
    decision = lab.race(budget=budget).decide(list(FAR), range(3))
    assert len(lab.made) <= most and decision.why.startswith("the budget is spent: ")
    assert "cannot be told apart yet" in decision.why


def test_a_budget_of_time_allows_what_fits_at_the_pace_so_far(monkeypatch):
    """A run takes a second: of 34 seconds 30 are spent, and a replicate more of two contenders in two settings is 4."""
    made = {}
    for seconds in (33.5, 34.5, 37.5, 38.5):
        lab = Lab(FAR | {"gce": 95.55}, spread=1.0)
        monkeypatch.setattr(until_decided.time, "monotonic", lambda made=lab.made: float(len(made)))
        lab.race(budget=Spending(seconds=seconds), looks=1).decide(list(FAR), range(3))
        made[seconds] = len(lab.made) - 30
    assert made == {33.5: 0, 34.5: 4, 37.5: 4, 38.5: 8}


def test_it_looks_no_more_often_than_it_may():
    lab = Lab(FAR | {"gce": 95.6}, spread=1.0)
    decision = lab.race(looks=2).decide(list(FAR), range(3))
    assert decision.looks == 2 and decision.why.startswith("looked 2 times: ")


def test_every_look_has_its_share_of_the_level():
    lab = Lab(FAR, spread=0.25)
    assert lab.race().decide(list(FAR), range(3)).board.alpha == pytest.approx(0.05 / (LOOKS + 1))


def test_one_replicate_is_not_enough_to_begin_with():
    lab = Lab(FAR, spread=0.02)
    decision = lab.race().decide(list(FAR), range(1))
    assert decision.why.startswith("dal is first") and replicates_of(lab, "ce") == 2


def board_of(found):
    """A board of rows by name: mean, whether it could be best, its runs that diverged, whether it equals the first."""
    rows = [
        parts.Row(
            name=name, methods=(name,), told=(), precisions=("fp32",), networks=1, status="ranked", reading=False,
            host=None, cells={}, have=1,
            score=parts.Cell(
                mean=mean, half=1.0, n=3, scores={}, rank=(1 if best or lost else 2, 3), could_be_best=best,
                gap=parts.Gap(points=mean - 90.0, bound=0.0, practically_equal=equal), diverged=lost,
            ),
        )
        for name, (mean, best, lost, equal) in found.items()
    ]  # fmt: skip
    return parts.Board(
        suite="digits", protocol=1, length="fast", track="default", rule="final", reference=None, margin=0.5,
        alpha=0.05, columns=(), rows=tuple(rows), below=(),
        tests=parts.Tests(names=tuple(found), borrowed=0.0, pairs=()),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "active", "kept", "why"),
    [
        pytest.param(
            {"A": (90.0, False, 1, False), "B": (80.0, True, 0, False), "C": (70.0, False, 0, False)}, "ABC", ["B"],
            "B alone could be best: A, whose mean is higher, is not stable", id="the top row diverged",
        ),
        pytest.param(
            {"A": (90.0, True, 0, False), "B": (80.0, True, 0, False), "C": (70.0, False, 0, False)}, "BC", ["B"],
            "B alone could be best: A, whose mean is higher, is no contender any more", id="the top row has left",
        ),
        pytest.param(
            {"A": (90.0, True, 0, False), "B": (80.0, False, 0, False), "C": (70.0, False, 0, False)}, "BC", [],
            "A leads, and is no contender any more", id="the top row has left and none remains",
        ),
        pytest.param(
            {"A": (90.0, True, 0, False), "B": (80.0, False, 1, False)}, "AB", ["A"],
            "A is first: no other stable method could be best", id="another diverged",
        ),
        pytest.param(
            {"A": (90.0, False, 1, False), "B": (80.0, True, 0, True), "C": (70.0, True, 0, False)}, "ABC", ["B", "C"],
            "", id="equal to a row that diverged",
        ),
    ],
)  # fmt: skip
def test_who_is_named(found, active, kept, why):
    assert Lab(FAR).race()._contenders(board_of(found), list(active)) == (kept, why)


def test_failed_runs_end_it():
    lab = Lab(FAR)

    def fails(runs):
        report = lab.sweep(runs)
        return Report(done=report.done[1:], failed={report.done[0]: "out of memory"})

    race = lab.race()
    race.sweep = fails
    assert race.decide(list(FAR), range(3)).why == "1 run failed"


def test_runs_from_checkpoints_are_told_of_every_look():
    """Runs that were cut off before, in the first replicates and in those of a later look."""
    lab = Lab({"A": 90.0, "B": 89.7, "C": 80.0}, spread=1.0)

    def resumes(runs):
        report = lab.sweep(runs)
        return replace(report, resumed={report.done[0]: 3}, seconds=1.0)

    race = lab.race()
    race.sweep = resumes
    decision = race.decide(list(lab.means), range(2))
    assert decision.looks > 0 and len(decision.report.resumed) == decision.looks + 1
    assert decision.report.done == lab.made and decision.report.seconds < 1.0, "of the clock, not the sum"


def test_one_method_has_nothing_to_decide():
    with pytest.raises(SettingError, match="two methods or more, got ce"):
        Lab(FAR).race().decide(["ce"], range(2))


@pytest.mark.slow
def test_the_best_is_seldom_lost_and_fewer_runs_are_made():
    """Eight methods, two good ones 0.3 points apart: as good as seven replicates for all, for half of the runs."""
    means = {"ce": 94.0, "a": 96.0, "b": 96.3, "c": 95.0, "d": 94.5, "e": 93.0, "f": 92.0, "g": 90.0}
    lost, added = 0, []
    for seed in range(20):
        lab = Lab(means, spread=0.3, seed=seed)
        decision = lab.race(margin=0.05).decide(list(means), range(3))
        lost += not decision.board.row("b").score.could_be_best
        added.append(len(lab.made) - 8 * 3 * 2)
    assert lost == 0
    assert np.mean(added) < 0.6 * (8 * 4 * 2)


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("", Spending()),
        ("60", Spending(runs=60)),
        ("60 runs", Spending(runs=60)),
        ("30min", Spending(seconds=1800)),
        ("1.5 h", Spending(seconds=5400)),
    ],
)
def test_budgets(text, budget):
    assert parse_budget(text) == budget


@pytest.mark.parametrize("text", ["soon", "0", "1.5", "-3", "3 weeks"])
def test_what_is_no_budget(text):
    with pytest.raises(SettingError, match="budget"):
        parse_budget(text)
