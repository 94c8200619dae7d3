"""Tests free of what draws do to all methods alike: where they are used, and what they say."""

import numpy as np
import pytest

from lnlbench.leaderboard.ranking.build import build
from lnlbench.leaderboard.ranking.compare import column_of, compare
from lnlbench.leaderboard.ranking.draws import same_draws
from lnlbench.leaderboard.ranking.thresholds import ALPHA
from lnlbench.leaderboard.shipped import shipped

DRAWS = np.array([0.0, -9.0, 6.0, -2.0])


def grid(means, draws=DRAWS, spread=0.5, seed=0):
    """Scores by method and replicate: a mean, what the draw does to all, and a method's own part."""
    own = spread * np.random.default_rng(seed).standard_normal((len(means), len(draws)))
    values = np.array(means)[:, None] + draws + own
    return {f"m{i}": dict(enumerate(row)) for i, row in enumerate(values.tolist())}


def column(scores, names=None):
    alone = column_of(list(scores), scores, (), trend=False)
    return same_draws(list(scores), scores, names or list(scores), alone, trend=False)


def test_balanced_differences_and_errors_are_those_of_residuals():
    scores = grid([50, 52, 54, 60, 61])
    found, y = column(scores), np.array([list(row.values()) for row in scores.values()])
    left = y - y.mean(axis=1, keepdims=True) - y.mean(axis=0) + y.mean()
    freedom = 3 * (1 - 1 / 5)
    own = found.moderated
    assert own.freedom == pytest.approx(freedom + own.borrowed)
    assert own.variance * own.freedom == pytest.approx(own.borrowed * own.prior + (left**2).sum(axis=1))
    means = y.mean(axis=1)
    assert found.difference == pytest.approx(means[:, None] - means)
    errors = np.sqrt((own.variance[:, None] + own.variance) / 4)
    assert found.error[~np.eye(5, dtype=bool)] == pytest.approx(errors[~np.eye(5, dtype=bool)])
    two, free = own.variance[:2], own.freedom[:2]
    assert found.freedom[0, 1] == pytest.approx(two.sum() ** 2 / (two**2 / free).sum())


def test_a_method_with_more_draws_is_compared_on_those_of_both():
    """The fourth method alone has the two draws that cost all methods most: its mean says nothing of it."""
    draws = np.array([0.0, 1.0, -20.0, -22.0])
    scores = grid([50, 51, 52, 58, 53, 54], draws, spread=0.2)
    for name in ("m0", "m1", "m2", "m4", "m5"):
        scores[name] = {i: scores[name][i] for i in (0, 1)}
    scores["m5"] |= {2: 54 - 20.0}
    found = column(scores)
    assert found.difference[3] == pytest.approx([8, 7, 6, 0, 5, 4], abs=0.6)
    assert (found.p[3, :3] < 0.01).all()


EIGHT = grid([50, 52, 54, 60, 61, 62, 63, 64], DRAWS[:3], spread=0.2)


@pytest.mark.parametrize(
    "own",
    [
        pytest.param({8: 55.0, 9: 46.0}, id="no draw that others have"),
        pytest.param({0: 55.0, 9: 46.0}, id="one draw that others have"),
    ],
)
def test_one_method_on_draws_of_its_own_takes_the_test_from_nobody_else(own):
    alone, found = column(EIGHT), column({"mine": own} | EIGHT)
    assert found.common == alone.common and found.apart.tolist() == [True, *[False] * 8]
    assert found.p[1:, 1:] == pytest.approx(alone.p) and (found.p[1, 4:] < ALPHA).all()
    assert found.p[0] == pytest.approx(found.alone.p[0]) and (found.p[0] > ALPHA).all()
    cells, tests = compare({"mine": own} | EIGHT, ["mine", *EIGHT], sources=[*EIGHT, "mine"], reference=None, family=())
    assert tests.apart == ("mine",) and cells["mine"].mean == pytest.approx(50.5)


def test_a_draw_that_one_method_alone_has_tells_nothing():
    longer = EIGHT | {"m0": EIGHT["m0"] | {9: 20.0}}
    found, alone = column(longer), column(EIGHT)
    assert found.p == pytest.approx(alone.p) and found.difference == pytest.approx(alone.difference)


def test_of_two_groups_without_a_draw_in_common_the_larger_one_is_compared():
    scores = EIGHT | {f"other{i}": {7: 50.0 + i, 8: 30.0 + i} for i in range(3)}
    assert column(scores).apart.tolist() == [False] * 8 + [True] * 3


def test_no_order_contradicts_a_test_where_methods_lack_draws():
    """The worse of two has the easy draws alone: its own mean is the higher one, and on all draws the lower."""
    scores = grid([60, 62, 50, 51, 52, 53], np.array([0.0, 8.0, -9.0, 1.0]), spread=0.2)
    scores["m0"] = {i: scores["m0"][i] for i in (0, 1)}
    assert np.mean([*scores["m0"].values()]) > np.mean([*scores["m1"].values()]) + 1
    cells, tests = compare(scores, list(scores), sources=list(scores), reference="m1", family=list(scores))
    assert tests.names[:2] == ("m1", "m0") and cells["m1"].mean - cells["m0"].mean == pytest.approx(2, abs=0.4)
    assert cells["m0"].gap.points == pytest.approx(cells["m0"].mean - cells["m1"].mean)
    assert cells["m0"].against.mark == "−" and cells["m1"].rank == (1, 1) and cells["m0"].rank[0] == 2
    assert all(pair.difference >= 0 for pair in tests.pairs)


@pytest.mark.parametrize("draws", [DRAWS[:3], 0 * DRAWS[:3]], ids=["draws that move all", "draws of one kind"])
def test_equal_scores_that_differ_by_rounding_have_no_variance_of_their_own(draws):
    scores = grid([50, 52, 54, 60, 61, 62], draws)
    exact, rounded = (
        {"same": dict(enumerate(row))} | scores for row in (30.0 + draws, 30.0 + draws + np.array([0, 4e-15, 0]))
    )
    found = [compare(rows, list(rows), sources=list(rows), reference=None, family=()) for rows in (exact, rounded)]
    (first, _), (second, _) = found
    assert first["same"].variance == pytest.approx(second["same"].variance) and first["same"].variance > 1e-3


def test_what_is_not_compared_has_its_mean_on_all_draws_too():
    scores = EIGHT | {"once": {1: 40.0}}
    cells, _ = compare(scores, list(EIGHT), sources=list(EIGHT), reference=None, family=())
    assert cells["once"].mean == pytest.approx(40 + 8, abs=0.3)  # its draw is 8 below the mean of the three


@pytest.mark.parametrize(
    "scores",
    [
        pytest.param(grid([50, 52, 54]), id="three methods"),
        pytest.param(grid([50, 52, 54, 60, 61], 0 * DRAWS), id="draws of one kind"),
        pytest.param(
            grid([50, 52, 54, 60, 61], DRAWS / 9, spread=2), id="draws that differ less than methods' own parts"
        ),
        pytest.param(
            grid([*range(50, 80)], DRAWS / 20, spread=0.35), id="draws that are surely there, and the lesser part"
        ),
        pytest.param({f"m{i}": {0: 50.0, 1: 40.0} for i in range(5)}, id="copies of one method"),
        pytest.param(
            {f"m{i}": dict(zip((0, 1) if i < 3 else (2, 3), (50.0 + i, 40.0 + i * i), strict=True)) for i in range(6)},
            id="no draw in common",
        ),
    ],
)
def test_elsewhere_methods_are_compared_as_they_are(scores):
    assert column(scores) is None


def test_chance_hardly_ever_chooses_it():
    found = [column(grid([50] * 8, np.zeros(2), seed=seed)) for seed in range(2000)]
    assert sum(one is not None for one in found) <= 10  # 2 are expected


def test_one_method_that_goes_its_own_way_does_not_hide_what_the_others_share():
    """Its own spread is ten times what draws do to all: in a sum of squares it would be nearly everything."""
    calm = grid([50, 52, 54, 60, 61, 62, 63], DRAWS / 9)
    scores = calm | {"wild": {0: 70.0, 1: 45.0, 2: 38.0, 3: 66.0}}
    found, alone = column(scores), column(calm)
    assert found.common > 0.5 and found.difference[:7, :7] == pytest.approx(alone.difference, abs=0.5)
    assert (found.p[0, 3:7] < 0.01).all() and (found.p[7, :7] > ALPHA).all()


def test_what_diverged_or_is_read_off_tells_nothing_of_the_draws():
    scores = grid([50, 52, 54, 60, 61]) | {"diverged": dict.fromkeys(range(4), 10.0)}
    names = [f"m{i}" for i in range(5)]
    found, alone = column(scores, names), column({name: scores[name] for name in names})
    assert found.common == alone.common and found.difference[:5, :5] == pytest.approx(alone.difference)
    assert found.p[5, 0] < ALPHA, "and it can be compared"


def test_intervals_of_means_borrow_nothing_where_draws_move_all():
    scores = grid([50, 52, 54, 60, 61])
    cells, tests = compare(scores, list(scores), sources=list(scores), reference="m0", family=list(scores))
    assert tests.common > 0.9
    values = np.array(list(scores["m0"].values()))
    assert cells["m0"].half == pytest.approx(3.1824 * values.std(ddof=1) / 2, rel=1e-3)  # t with 3 degrees of freedom
    assert cells["m4"].against.mark == "+" and cells["m4"].variance < 1 < values.var()


def test_draws_of_instance_dependent_noise_decide_what_they_hid():
    """Replicates of CIFAR-10 differ by up to six points there for all methods but three that go their own ways."""
    runs = [run for run in shipped(suites=["cifar10-subset"]) if run.setting == "cifar10-subset/instance-0.4"]
    board = build(runs, "final")
    assert board.tests.common > 0.5
    marks = {row.name: row.score.against.mark for row in board.rows if row.score and row.score.against}
    assert {name for name, mark in marks.items() if mark == "+"} == {"dal", "elr", "mixup", "gce", "sam"}
    (note,) = [note for note in board.notes if note.startswith("Of the variance between replicates")]
    assert f"{100 * board.tests.common:.0f} % in cifar10-subset/instance-0.4 is common to all methods" in note
